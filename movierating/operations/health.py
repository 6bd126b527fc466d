"""How the service is: for supervisors, load balancers and Prometheus."""

import hmac
import sqlite3
from typing import TYPE_CHECKING

import marshmallow as ma
from flask import Response, current_app
from sqlalchemy.exc import SQLAlchemyError

from movierating.auth import access
from movierating.errors import Unauthenticated, Unavailable
from movierating.http.blueprint import Blueprint, View
from movierating.http.responses import json_response
from movierating.monitoring import metrics, request_log
from movierating.operations import last_backup, startup
from movierating.storage import database

if TYPE_CHECKING:
    from movierating.limits.redis_client import RedisClient

blueprint = Blueprint("service", __name__, description="How the service is.")


class StatusSchema(ma.Schema):
    """All is well."""

    status = ma.fields.String(required=True, metadata={"example": "ok"})


class ReadinessSchema(ma.Schema):
    """Requests are answered."""

    status = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["ok", "degraded"]), metadata={"example": "ok"}
    )
    degraded = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(["redis", "replica"])),
        metadata={
            "description": "What the service goes on without; there only when the status is `degraded`."
        },
    )


@blueprint.route("/healthz")
class Health(View):
    """The process."""

    @blueprint.doc(operationId="get_health")
    @blueprint.response(200, StatusSchema())
    def get(self) -> Response:
        """Ask whether the process answers

        200 as long as it does, whatever state the database is in.
        """
        return json_response({"status": "ok"})


@blueprint.route("/readyz")
class Readiness(View):
    """What the process depends on."""

    @blueprint.doc(operationId="get_readiness")
    @blueprint.response(200, ReadinessSchema())
    def get(self) -> Response:
        """Ask whether the service can serve

        200 when the database answers and is at the newest migration; 503 otherwise, with what is amiss. Without a Redis
        or replica that it was given, the service goes on, and is `degraded`: limits are each instance's own, and the
        database answers for its replica.
        """
        missing = startup.find_unready()
        if missing:
            raise Unavailable(f"Not ready: {', '.join(missing)}.")
        gone = [
            name for name, up in (("redis", _redis_up()), ("replica", database.replica_up())) if up is False
        ]
        return json_response({"status": "degraded", "degraded": gone} if gone else {"status": "ok"})


def _redis_up() -> bool | None:
    """Whether Redis answers, None where the service was given none."""
    redis: RedisClient | None = current_app.extensions["redis"]
    return None if redis is None else redis.is_available()


def _require_token(wanted: str | None) -> None:
    if wanted is not None and not hmac.compare_digest(access.read_bearer_token().encode(), wanted.encode()):
        raise Unauthenticated("Invalid token.")


def _database_bytes() -> int | None:
    try:
        return database.size()
    except (OSError, SQLAlchemyError):
        return None


@blueprint.route("/metrics")
class Metrics(View):
    """What happened so far."""

    @blueprint.doc(operationId="get_metrics", security=[{}, {"metrics": []}])
    @blueprint.error_responses(401)
    @blueprint.response(
        200, {"type": "string"}, content_type="text/plain", example="movierating_ratings_total 42\n"
    )
    def get(self) -> Response:
        """Read the metrics

        Prometheus' text format: requests with their latency, ratings, sign-ups, failed logins and how long writes wait,
        over all workers; the database's size and the time of its newest backup; whether Redis answers, if there is one.
        Where the operator set a token for it, only with that.
        """
        _require_token(current_app.config["METRICS_TOKEN"])
        try:
            request_log.flush()
            database_facts = _database_bytes(), last_backup.read_backup_time(database.place())
            return Response(metrics.render(*database_facts, _redis_up()), content_type=metrics.MEDIA_TYPE)
        except sqlite3.Error as error:
            raise Unavailable("The counts can't be read.") from error
