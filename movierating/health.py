"""How the service is: for supervisors, load balancers and Prometheus."""

import hmac
import sqlite3

import marshmallow as ma
from flask import Response, current_app
from sqlalchemy.exc import SQLAlchemyError

from movierating import database, journal, last_backup, metrics, startup
from movierating.answers import json_answer
from movierating.auth import access
from movierating.problems import Unauthenticated, Unavailable
from movierating.rest import Blueprint, View

blp = Blueprint("service", __name__, description="How the service is.")


class StatusSchema(ma.Schema):
    """All is well."""

    status = ma.fields.String(required=True, metadata={"example": "ok"})


@blp.route("/healthz")
class Health(View):
    """The process."""

    @blp.doc(operationId="get_health")
    @blp.response(200, StatusSchema())
    def get(self) -> Response:
        """Ask whether the process answers

        200 as long as it does, whatever state the database is in.
        """
        return json_answer({"status": "ok"})


@blp.route("/readyz")
class Readiness(View):
    """What the process depends on."""

    @blp.doc(operationId="get_readiness")
    @blp.response(200, StatusSchema())
    def get(self) -> Response:
        """Ask whether the service can serve

        200 when the database answers and is at the newest migration; 503 otherwise, with what is amiss.
        """
        missing = startup.missing()
        if missing:
            raise Unavailable(f"Not ready: {', '.join(missing)}.")
        return json_answer({"status": "ok"})


def _require_token(wanted: str | None) -> None:
    if wanted is not None and not hmac.compare_digest(access.bearer().encode(), wanted.encode()):
        raise Unauthenticated("The token is wrong.")


def _database_bytes() -> int | None:
    try:
        return database.size()
    except (OSError, SQLAlchemyError):
        return None


@blp.route("/metrics")
class Metrics(View):
    """What happened so far."""

    @blp.doc(operationId="get_metrics", security=[{}, {"metrics": []}])
    @blp.refuses(401)
    @blp.response(
        200, {"type": "string"}, content_type="text/plain", example="movierating_ratings_total 42\n"
    )
    def get(self) -> Response:
        """Read the metrics

        Prometheus' text format: requests with their latency, ratings, sign-ups, failed logins and how long writes wait,
        over all workers; the database's size and the time of its newest backup. Where the operator set a token for it,
        only with that.
        """
        _require_token(current_app.config["METRICS_TOKEN"])
        try:
            journal.flush()
            text = metrics.exposition(_database_bytes(), last_backup.at(database.place()))
            return Response(text, content_type=metrics.MEDIA_TYPE)
        except sqlite3.Error as error:
            raise Unavailable("The counts can't be read.") from error
