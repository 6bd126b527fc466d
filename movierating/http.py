"""What every request passes through: its id, its size limit, its log line, its headers, and the answer to any error."""

import re
import secrets
import time

import orjson
from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError

from movierating import logs, metrics, problems

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

# An API's answers hold nothing to frame, run or load; the pages set a policy of their own.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def init_app(app: Flask) -> None:
    """Register the hooks and error handlers on `app`."""
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(problems.Problem, _answer_problem)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(SQLAlchemyError, _answer_database_error)
    app.register_error_handler(Exception, _answer_failure)


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    upload = request.mimetype == "multipart/form-data"
    most = current_app.config["MAX_UPLOAD_BYTES" if upload else "MAX_JSON_BYTES"]
    # A body that does not state its length is cut there without a word; one byte more tells that it goes on.
    request.max_content_length = most if request.content_length is not None else most + 1


def _finish(response: Response) -> Response:
    headers = response.headers
    if response.status_code == 204:
        headers.pop("Content-Type", None)
    headers["X-Request-ID"] = g.request_id
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers.setdefault("Content-Security-Policy", API_POLICY)
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Cache-Control", "no-store" if "Authorization" in request.headers else "no-cache")
    seconds = time.perf_counter() - g.started
    route = request.url_rule.rule if request.url_rule else None
    metrics.count_request(request.method, route, response.status_code, seconds)
    logs.log_request(response.status_code, seconds)
    return response


def _problem(
    status: int,
    detail: str,
    errors: list[problems.FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    body = problems.document(status, detail, g.get("request_id"), errors)
    return Response(orjson.dumps(body), status, headers, content_type=problems.MEDIA_TYPE)


def _answer_problem(problem: problems.Problem) -> Response:
    return _problem(problem.status, problem.detail, problem.errors, _PROBLEM_HEADERS.get(problem.status))


_PROBLEM_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}


def _answer_http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error  # a redirect
    if isinstance(error, InternalServerError):
        return _answer_failure(error)
    kept = ("Allow", "Retry-After", "WWW-Authenticate")
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return _problem(error.code, _DETAILS.get(error.code, str(error.description)), headers=headers)


# Werkzeug's own words repeat what a hostile client sent, or speak to somebody at a keyboard.
_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The body is larger than this service takes.",
    429: "Too many requests; Retry-After says when to try again.",
}


def _answer_database_error(error: SQLAlchemyError) -> Response:
    if not isinstance(error, OperationalError):
        return _answer_failure(error)
    logs.log_failure(error)
    return _problem(503, "The database does not answer; try again shortly.", headers={"Retry-After": "1"})


def _answer_failure(error: Exception) -> Response:
    logs.log_failure(error)
    return _problem(500, "Something went wrong here; the log tells what, under this request id.")
