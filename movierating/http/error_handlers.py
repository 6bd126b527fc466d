"""Error handlers: every error becomes a problem details response (RFC 9457)."""

import flask
import orjson
from flask import Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError

from movierating import errors
from movierating.http import problems, rate_limits
from movierating.http.request_context import REQUEST_ID, ROUTE, USER_ID
from movierating.monitoring import logs
from movierating.storage import storage_errors

_FORWARDED_HEADERS = ("Accept-Encoding", "Allow", "Retry-After", "WWW-Authenticate")

# Werkzeug's own descriptions repeat what a hostile client sent, or address a person in a browser.
_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not support that method.",
    413: "The body exceeds the size limit.",
    500: "An internal error occurred; the log has details under this request id.",
}


def init_app(app: flask.Flask) -> None:
    """Register the error handlers on `app`. Flask turns an unhandled exception into an InternalServerError."""
    app.register_error_handler(errors.ApiError, handle_api_error)
    app.register_error_handler(HTTPException, handle_http_error)
    app.register_error_handler(SQLAlchemyError, _handle_database_error)


def log_error(error: Exception) -> None:
    """Log an error with its traceback and the current request."""
    get = request.environ.get
    request_id, route, user_id = get(REQUEST_ID), get(ROUTE), get(USER_ID)
    logs.log_failure(error, request_id=request_id, method=request.method, route=route, user_id=user_id)


def handle_api_error(error: errors.ApiError) -> Response:
    """Return the error's problem details, and log a failure of the service with its cause."""
    if error.status >= 500 and error.__cause__ is not None:
        log_error(error)
    return _make_response(error, _get_headers(error))


def handle_http_error(error: HTTPException) -> Response | HTTPException:
    """Return the problem details of an error of Flask or Werkzeug; a redirect as it is."""
    if error.code is None or error.code < 400:
        return error  # a redirect
    if isinstance(error, InternalServerError) and error.original_exception is None:
        log_error(error)
    headers = {name: value for name, value in error.get_headers() if name in _FORWARDED_HEADERS}
    detail = _DETAILS.get(error.code, str(error.description))
    if error.code == 429:
        seconds, detail = rate_limits.describe_exceeded_limit()
        headers["Retry-After"] = str(seconds)
    return _make_response(problems.make_http_error(error.code, detail), headers)


def _handle_database_error(error: SQLAlchemyError) -> Response:
    """Respond 503 if the database failed to respond to a read; writes raise an ApiError of their own."""
    if not storage_errors.is_database_failure(error):
        raise error
    unavailable = errors.Unavailable(storage_errors.DATABASE_UNAVAILABLE)
    unavailable.__cause__ = error
    return handle_api_error(unavailable)


def _get_headers(error: errors.ApiError) -> dict[str, str]:
    if error.status == 503:
        return {"Retry-After": "1"}
    # RFC 6750, 3: a request without a token gets no error code.
    if error.kind.startswith("token-") and error.kind != "token-missing":
        return {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{error.detail}"'}
    if error.kind == "read-only-token":
        return {"WWW-Authenticate": f'Bearer error="insufficient_scope", error_description="{error.detail}"'}
    return {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}


def _make_response(error: errors.ApiError, headers: dict[str, str]) -> Response:
    body = problems.make_problem_details(error, request.environ.get(REQUEST_ID))
    return Response(orjson.dumps(body), error.status, headers, content_type=problems.PROBLEM_MEDIA_TYPE)
