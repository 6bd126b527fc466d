"""Operations for supervisors, load balancers and Prometheus: health, readiness and metrics."""

import hmac
import sqlite3
from typing import TYPE_CHECKING, Any

import marshmallow as ma
from flask import Response, current_app
from sqlalchemy.exc import SQLAlchemyError

from movierating.auth import access
from movierating.errors import TokenInvalid, Unavailable
from movierating.http.blueprint import Blueprint, View
from movierating.http.public_views import public
from movierating.http.responses import json_response
from movierating.monitoring import metrics, request_log
from movierating.movies import seed
from movierating.operations import backup_files, startup
from movierating.predictions import training_status
from movierating.storage import database

if TYPE_CHECKING:
    from movierating.limits.redis_client import RedisClient

blueprint = Blueprint("service", __name__, description="Health, readiness and metrics.")


class StatusSchema(ma.Schema):
    """The process is alive."""

    status = ma.fields.String(required=True, metadata={"example": "ok"})


class ReadinessSchema(ma.Schema):
    """The service handles requests."""

    status = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["ok", "degraded"]), metadata={"example": "ok"}
    )
    degraded = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(["redis", "replica"])),
        metadata={"description": "The missing dependencies; present only if the status is `degraded`."},
    )
    catalogue = ma.fields.String(
        validate=ma.validate.OneOf(["loading"]),
        metadata={"description": "Present until all bundled movies are loaded.", "example": "loading"},
    )


@blueprint.route("/healthz")
@public
class Health(View):
    """Liveness of the process."""

    @blueprint.doc(operationId="get_health")
    @blueprint.response(200, StatusSchema())
    def get(self) -> Response:
        """Get the liveness

        200 while the process runs, in any state of the database.
        """
        return json_response({"status": "ok"})


@blueprint.route("/readyz")
@public
class Readiness(View):
    """Readiness of the service."""

    @blueprint.doc(operationId="get_readiness")
    @blueprint.response(200, ReadinessSchema())
    def get(self) -> Response:
        """Get the readiness

        200 if the database is reachable and at the newest migration; otherwise 503 with the reason. While a configured
        Redis or replica is unavailable, the status is `degraded`: each instance counts its own limits, and the primary
        database handles all reads. After the first start, `catalogue` is `loading` until all bundled movies are there.
        """
        reason = startup.get_unready_reason()
        if reason is not None:
            raise Unavailable(f"Not ready: {reason}.")
        dependencies = {"redis": _is_redis_up(), "replica": database.is_replica_up()}
        degraded = [name for name, is_up in dependencies.items() if is_up is False]
        body: dict[str, Any] = {"status": "degraded", "degraded": degraded} if degraded else {"status": "ok"}
        if not seed.is_catalogue_loaded():
            body["catalogue"] = "loading"
        return json_response(body)


def _is_redis_up() -> bool | None:
    """Return True if Redis is available, None if none is configured."""
    redis: RedisClient | None = current_app.extensions["redis"]
    return None if redis is None else redis.is_available()


def _require_token(expected: str | None) -> None:
    if expected is not None and not hmac.compare_digest(
        access.read_bearer_token().encode(), expected.encode()
    ):
        raise TokenInvalid


def _get_database_size() -> int | None:
    try:
        return database.get_size()
    except (OSError, SQLAlchemyError):
        return None


def _read_prediction_gauges() -> dict[str, float | None]:
    """Return the gauges of predicted ratings, none if predictions are off; age and duration only with a model."""
    if not current_app.config["PREDICTIONS"]:
        return {}
    try:
        status = training_status.read_status(database.read())
    except (OSError, SQLAlchemyError):
        return {}
    return {
        "prediction_model_age_seconds": status.age_seconds,
        "prediction_ratings_behind": status.ratings_behind,
        "prediction_training_seconds": status.model.training_seconds if status.model else None,
    }


@blueprint.route("/metrics")
@public
class Metrics(View):
    """Metrics of all workers."""

    @blueprint.doc(operationId="get_metrics", security=[{}, {"metrics": []}])
    @blueprint.error_responses(401)
    @blueprint.response(
        200, {"type": "string"}, content_type="text/plain", example="movierating_ratings_total 42\n"
    )
    def get(self) -> Response:
        """Get the metrics

        In the text format of Prometheus: requests with their latency, ratings, sign-ups, failed logins and the wait of
        writes over all workers; the size of the database and the time of its newest backup; whether Redis is available;
        the age of the model of predicted ratings, the ratings that it lacks, and its training.
        If the operator set `MOVIERATING_METRICS_TOKEN`, send it as the bearer token.
        """
        _require_token(current_app.config["METRICS_TOKEN"])
        try:
            request_log.flush()
            gauges = {
                "last_backup_timestamp_seconds": backup_files.read_backup_time(database.get_base_path()),
                "database_size_bytes": _get_database_size(),
                "redis_up": _is_redis_up(),
                **_read_prediction_gauges(),
            }
            return Response(metrics.render(gauges), content_type=metrics.MEDIA_TYPE)
        except sqlite3.Error as error:
            raise Unavailable("The counters can't be read.") from error
