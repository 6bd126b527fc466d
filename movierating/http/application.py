"""What every request passes through inside Flask: its size limit, and the answer to any error."""

import functools
from collections.abc import Callable
from typing import Any

import flask
import flask.typing as ft
import orjson
from flask import Response, current_app, request
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface, SessionMixin
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, NotFound
from werkzeug.routing import MapAdapter

from movierating import errors
from movierating.http.response_cache import READ_METHODS, REQUEST_ID, ROUTE, USER_ID
from movierating.monitoring import logs
from movierating.storage import storage_errors


class Request(flask.Request):
    """A request whose body is bounded by what it is."""

    @property
    def mimetype(self) -> str:
        """Werkzeug's, which takes the header apart even where there is nothing to it."""
        given: str = self.environ.get("CONTENT_TYPE", "")
        return given if given == "application/json" else super().mimetype

    @property
    def max_content_length(self) -> int | None:
        """The largest body that is read, in bytes; that of an upload is a setting of its own."""
        config = current_app.config
        most: int = config["MAX_UPLOAD_BYTES" if self.mimetype == "multipart/form-data" else "MAX_JSON_BYTES"]
        # A body that does not state its length is cut there without a word; one byte more tells that it goes on.
        return most if self.content_length is not None else most + 1

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        raise AttributeError("the settings say how large a body may be")

    def _load_form_data(self) -> None:
        """Werkzeug's, which puts a large file of a form on the disk. Raises InsufficientStorage or Unavailable."""
        try:
            super()._load_form_data()
        except OSError as error:
            raise storage_errors.of_disk(error) from error


class NoSessions(SessionInterface):
    """Nobody gets a cookie; Flask's own interface would make ready to sign one in each request."""

    _none = NullSession()

    def open_session(self, app: flask.Flask, request: flask.Request) -> SessionMixin:
        """An empty one that can't be written to, and so is everybody's."""
        return self._none


class Application(flask.Flask):
    """Flask without what this service has no use for, and with what the log and the cache at the edge need to know."""

    request_class = Request
    session_interface = NoSessions()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._adapters: dict[tuple[str, ...], MapAdapter] = {}

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is: no view is a coroutine, and to find out costs several microseconds a request."""
        return func

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Flask's. What it finds out about a host is the same for each request to that host, and is kept."""
        place = _place(request.environ) if request is not None else None
        if request is None or place is None:
            return super().create_url_adapter(request)
        known = self._adapters.get(place)
        if known is None:
            return self._keep(place, super().create_url_adapter(request))
        path, method = request.environ["PATH_INFO"], request.environ["REQUEST_METHOD"]
        host = known.server_name, known.script_name, known.subdomain, known.url_scheme
        return MapAdapter(known.map, *host, path, method, request.environ.get("QUERY_STRING", ""))

    def _keep(self, place: tuple[str, ...], adapter: MapAdapter | None) -> MapAdapter | None:
        if adapter is not None:
            if len(self._adapters) >= _MOST_PLACES:
                self._adapters.clear()
            self._adapters[place] = adapter
        return adapter

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Let the view of the request's rule answer."""
        now = request_ctx.request
        rule = now.url_rule
        if rule is None:
            return super().dispatch_request()
        _refuse_misspelt(now)
        # The rule, not the address: what a client put into the latter may be a secret that went astray.
        now.environ[ROUTE] = rule.rule
        if now.environ["REQUEST_METHOD"] == "OPTIONS":
            return super().dispatch_request()
        view: Callable[..., ft.ResponseReturnValue] = self.view_functions[rule.endpoint]  # type: ignore[assignment]
        return view(**(now.view_args or {}))

    # Flask's next four send signals, and look for hooks of the request's blueprint too; here are none of either.

    def full_dispatch_request(self) -> Response:
        """Let the view or a hook answer, or an error's handler, and then the hooks after a request look at it."""
        self._got_first_request = True
        try:
            answer = self.preprocess_request()
            if answer is None:
                answer = self.dispatch_request()
        except Exception as error:
            answer = self.handle_user_exception(error)
        return self.process_response(self.make_response(answer))

    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        """Run the hooks before a request, of which one may answer."""
        for hook in self.before_request_funcs.get(None, ()):
            answer = hook()
            if answer is not None:
                return answer  # type: ignore[return-value]
        return None

    def process_response(self, response: Response) -> Response:
        """Run the hooks after a request, the last one first."""
        for hook in reversed(self.after_request_funcs.get(None, ())):
            response = hook(response)
        return response

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Run the hooks at the end of a request, the last one first."""
        for hook in reversed(self.teardown_request_funcs.get(None, ())):
            hook(exc)

    def spare_reads(self) -> None:
        """Let the hooks after a request and at its end, those that are there by now, pass reads by."""
        for hooks in (self.after_request_funcs, self.teardown_request_funcs):
            hooks[None] = list(map(_not_for_reads, hooks.get(None, ())))

    def send_static_file(self, filename: str) -> Response:
        """A file in one piece: while the server sends pieces, a thread waits for the client to take each."""
        response = super().send_static_file(filename)
        response.direct_passthrough = False
        response.set_data(response.get_data())
        return response


# A client can name any host.
_MOST_PLACES = 100


def _not_for_reads(hook: Callable[..., Any]) -> Callable[..., Any]:
    """The hook, which gives back what it is given where a request reads."""

    @functools.wraps(hook)
    def spared(given: Any) -> Any:
        return given if request_ctx.request.environ["REQUEST_METHOD"] in READ_METHODS else hook(given)

    return spared


def _place(environ: dict[str, Any]) -> tuple[str, ...] | None:
    """By which host, scheme and mount point a request came; None where its address must be decoded first."""
    is_plain = environ["PATH_INFO"].isascii() and environ.get("QUERY_STRING", "").isascii()
    # A WebSocket's scheme is another one.
    if not is_plain or "HTTP_HOST" not in environ or "HTTP_UPGRADE" in environ:
        return None
    return environ["HTTP_HOST"], environ["wsgi.url_scheme"], environ.get("SCRIPT_NAME", "")


def _refuse_misspelt(now: flask.Request) -> None:
    """Raises NotFound or MethodNotAllowed for what werkzeug forgives: `//v1/movies`, and `get` for GET.

    A proxy that lets some addresses and methods pass would not know these by sight.
    """
    if now.environ["PATH_INFO"].startswith("//"):
        raise NotFound
    if now.environ["REQUEST_METHOD"] != now.method:
        raise MethodNotAllowed(list(request_ctx.url_adapter.allowed_methods()))  # type: ignore[union-attr]


def init_app(app: flask.Flask) -> None:
    """Register the hooks and error handlers on `app`."""
    app.register_error_handler(errors.ApiError, _answer_problem)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(SQLAlchemyError, _answer_database_error)
    app.register_error_handler(Exception, _answer_failure)


def _problem(
    status: int,
    detail: str,
    field_errors: list[errors.FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    body = errors.problem_details(status, detail, request.environ.get(REQUEST_ID), field_errors)
    return Response(orjson.dumps(body), status, headers, content_type=errors.PROBLEM_MEDIA_TYPE)


def _answer_problem(problem: errors.ApiError) -> Response:
    if problem.status >= 500 and problem.__cause__ is not None:
        _log(problem)
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
    # Of a read; those of a write come as problems.
    if not storage_errors.is_of_file(error):
        return _answer_failure(error)
    unavailable = errors.Unavailable(storage_errors.NO_ANSWER)
    unavailable.__cause__ = error
    return _answer_problem(unavailable)


def _answer_failure(error: Exception) -> Response:
    _log(error)
    return _problem(500, "Something went wrong here; the log tells what, under this request id.")


def _log(error: Exception) -> None:
    known = request.environ.get
    logs.log_failure(
        error,
        request_id=known(REQUEST_ID),
        method=request.method,
        route=known(ROUTE),
        user_id=known(USER_ID),
    )
