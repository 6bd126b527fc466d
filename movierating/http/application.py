"""The Flask application: no sessions, a URL adapter per host, and a short path where no hook is registered."""

from typing import Any

import flask
import flask.typing as ft
from flask import Response
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface, SessionMixin
from flask.signals import request_finished, request_started, request_tearing_down
from werkzeug.exceptions import BadRequest, MethodNotAllowed, NotFound
from werkzeug.routing import MapAdapter

from movierating.http.error_handlers import log_error
from movierating.http.proxies import has_one_host
from movierating.http.request_limits import Request
from movierating.http.response_cache import ROUTE

# Clients choose the Host header, so the number of adapters needs a limit.
_MAX_URL_ADAPTERS = 100

_APPLICATION_ONLY = frozenset({None})


class NullSessionInterface(SessionInterface):
    """Open an empty session for every request; Flask's default prepares to sign a cookie each time."""

    _session = NullSession()

    def open_session(self, app: flask.Flask, request: flask.Request) -> SessionMixin:
        """Return the read-only session that all requests share."""
        return self._session


class Application(flask.Flask):
    """A Flask application that skips signals without receivers and the lookup of blueprint hooks that don't exist.

    Hooks and signals work as Flask documents them.
    """

    request_class = Request
    session_interface = NullSessionInterface()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._url_adapters: dict[tuple[str, ...], MapAdapter] = {}

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Return Flask's adapter; what it derives from host, scheme and mount point is cached.

        Raises BadRequest, which Flask raises again when it dispatches the request, unless there is one Host header.
        """
        if request is not None and not has_one_host(request.environ):
            raise BadRequest("Send exactly one Host header.")
        key = _get_adapter_key(request.environ) if request is not None else None
        if request is None or key is None:
            return super().create_url_adapter(request)
        cached = self._url_adapters.get(key)
        if cached is None:
            return self._cache_adapter(key, super().create_url_adapter(request))
        path, method = request.environ["PATH_INFO"], request.environ["REQUEST_METHOD"]
        host = cached.server_name, cached.script_name, cached.subdomain, cached.url_scheme
        return MapAdapter(cached.map, *host, path, method, request.environ.get("QUERY_STRING", ""))

    def _cache_adapter(self, key: tuple[str, ...], adapter: MapAdapter | None) -> MapAdapter | None:
        if adapter is not None:
            if len(self._url_adapters) >= _MAX_URL_ADAPTERS:
                self._url_adapters.clear()
            self._url_adapters[key] = adapter
        return adapter

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Call the view. Raise NotFound or MethodNotAllowed for addresses and methods that only Werkzeug accepts."""
        request = request_ctx.request
        if request.url_rule is not None:
            _reject_irregular(request)
            # Log the rule instead of the path: a client may have put a secret into the path by mistake.
            request.environ[ROUTE] = request.url_rule.rule
        return super().dispatch_request()

    def full_dispatch_request(self) -> Response:
        """Dispatch the request; skip Flask's signals if they have no receivers."""
        if request_started.receivers or request_finished.receivers:
            return super().full_dispatch_request()
        self._got_first_request = True
        try:
            result = self.preprocess_request()
            if result is None:
                result = self.dispatch_request()
        except Exception as error:
            result = self.handle_user_exception(error)
        return self.process_response(self.make_response(result))

    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        """Run the hooks before a request, if there are any."""
        hooks = any(self.before_request_funcs.values())
        return super().preprocess_request() if hooks or self.url_value_preprocessors else None

    def process_response(self, response: Response) -> Response:
        """Run the hooks after a request."""
        hooks = self.after_request_funcs
        if request_ctx._after_request_functions or not hooks.keys() <= _APPLICATION_ONLY:
            return super().process_response(response)
        for hook in reversed(hooks.get(None, ())):
            response = self.ensure_sync(hook)(response)
        return response

    def do_teardown_request(self, *error: BaseException | None) -> None:
        """Run the hooks at the end of a request; skip the signal if it has no receivers."""
        hooks = self.teardown_request_funcs
        if not error or request_tearing_down.receivers or not hooks.keys() <= _APPLICATION_ONLY:
            super().do_teardown_request(*error)
            return
        for hook in reversed(hooks.get(None, ())):
            self.ensure_sync(hook)(*error)

    def log_exception(self, exc_info: Any) -> None:
        """Log an unhandled exception with its request."""
        log_error(exc_info[1])

    def send_static_file(self, filename: str) -> Response:
        """Return a file in one piece; a streamed one would occupy a thread while a slow client reads it."""
        response = super().send_static_file(filename)
        response.direct_passthrough = False
        response.set_data(response.get_data())
        return response


def _get_adapter_key(environ: dict[str, Any]) -> tuple[str, ...] | None:
    """Return host, scheme and mount point of a request, or None if its address must be decoded first."""
    is_ascii = environ["PATH_INFO"].isascii() and environ.get("QUERY_STRING", "").isascii()
    # Flask gives a WebSocket another scheme.
    if not is_ascii or "HTTP_HOST" not in environ or "HTTP_UPGRADE" in environ:
        return None
    return environ["HTTP_HOST"], environ["wsgi.url_scheme"], environ.get("SCRIPT_NAME", "")


def _reject_irregular(request: flask.Request) -> None:
    """Raise NotFound for `//v1/movies` and MethodNotAllowed for `get`, which Werkzeug would accept.

    A proxy that filters by address or method would not recognize them.
    """
    if request.environ["PATH_INFO"].startswith("//"):
        raise NotFound
    if request.environ["REQUEST_METHOD"] != request.method:
        raise MethodNotAllowed(list(request_ctx.url_adapter.allowed_methods()))  # type: ignore[union-attr]
