"""The Flask application and its requests.

Flask's sessions are not used, URL adapters are cached, and requests without hooks or signals take a short path. Each
operation has a size limit for bodies, and a body may be a file.
"""

import functools
from typing import Any, TypeVar

import flask
import flask.typing as ft
from flask import Response, current_app
from flask.sessions import NullSession, SessionInterface, SessionMixin
from flask.signals import request_finished, request_started, request_tearing_down
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, MethodNotAllowed, NotFound
from werkzeug.formparser import default_stream_factory
from werkzeug.routing import MapAdapter

from movierating.http.error_handlers import log_error
from movierating.http.request_context import ROUTE, get_context
from movierating.http.request_parser import FILE_MEDIA_TYPES
from movierating.http.response_cache import has_one_host
from movierating.storage import storage_errors

# Clients choose the Host header, so the number of adapters needs a limit.
_MAX_URL_ADAPTERS = 100

# Views and hooks. Functions of `after_this_request` are new each time, so the number needs a limit.
_MAX_SYNC_FUNCTIONS = 512

# Flask's key for hooks of the application; those of a blueprint have its name.
_APPLICATION_ONLY = frozenset({None})

_FILE_BLOCK_BYTES = 1 << 16

_View = TypeVar("_View")


def accept_files(view: _View) -> _View:
    """Mark a view function whose requests may have MAX_UPLOAD_BYTES. Apply it below the decorator of the route."""
    view.accepts_files = True  # type: ignore[attr-defined]
    return view


class Request(flask.Request):
    """A request whose operation has a size limit. If it accepts files, the body may be a file instead of a form."""

    @property
    def accepts_files(self) -> bool:
        """Return True if the operation accepts files, as the attribute of this name of its View or function says."""
        view = current_app.view_functions.get(self.endpoint or "")
        return getattr(getattr(view, "view_class", view), "accepts_files", False)

    @property
    def max_content_length(self) -> int | None:
        """Return the size limit of the body in bytes; files have a limit of their own."""
        limit: int = current_app.config["MAX_UPLOAD_BYTES" if self.accepts_files else "MAX_JSON_BYTES"]
        # Werkzeug silently truncates a body without a length at the limit; one more byte shows that it was longer.
        return limit if self.content_length is not None else limit + 1

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        raise AttributeError("set MAX_JSON_BYTES or MAX_UPLOAD_BYTES instead")

    def _load_form_data(self) -> None:
        """Parse the form; large files go to disk. Raise InsufficientStorage or Unavailable if that fails."""
        try:
            if self.accepts_files and self.mimetype in FILE_MEDIA_TYPES:
                self._load_file()
            else:
                super()._load_form_data()
        except OSError as error:
            raise storage_errors.from_os_error(error) from error

    def _load_file(self) -> None:
        """Set `form` and `files` as for a form with the body as its `file`. Flask closes the files of a request."""
        file = default_stream_factory(self.content_length, self.mimetype, None)
        storage = FileStorage(file, "body", content_type=self.mimetype)
        self.__dict__["form"] = self.parameter_storage_class()
        self.__dict__["files"] = self.parameter_storage_class([("file", storage)])
        # Werkzeug's stream raises 413 if it is read again after as many bytes as the limit allows.
        length = self.content_length
        while (length is None or file.tell() < length) and (block := self.stream.read(_FILE_BLOCK_BYTES)):
            file.write(block)
        file.seek(0)


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
        # Flask inspects each function that it calls for a request, again for each request.
        self.ensure_sync = functools.lru_cache(_MAX_SYNC_FUNCTIONS)(self.ensure_sync)  # type: ignore[method-assign]

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Return Flask's adapter. What it derives from the host, scheme and mount point is cached."""
        # Flask gives a WebSocket another scheme.
        if request is None or "HTTP_UPGRADE" in request.environ:
            return super().create_url_adapter(request)
        key = request.environ.get("HTTP_HOST", ""), request.scheme, request.root_path
        cached = self._url_adapters.get(key)
        if cached is None:
            cached = super().create_url_adapter(request)
            assert cached is not None
            if len(self._url_adapters) >= _MAX_URL_ADAPTERS:
                self._url_adapters.clear()
            self._url_adapters[key] = cached
        # Not `cached` itself: Flask's has the path as it was sent, which is empty for CONNECT.
        host = cached.server_name, cached.script_name, cached.subdomain, cached.url_scheme
        query = request.query_string.decode(errors="replace")
        return MapAdapter(cached.map, *host, request.path, request.method, query)

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Call the view. Reject what Werkzeug accepts but a proxy that filters requests may read otherwise.

        Raise BadRequest unless there is one Host header and the query is UTF-8, NotFound for `//v1/movies`,
        MethodNotAllowed for `get`.
        """
        context = get_context()
        request, environ = context.request, context.request.environ
        if not has_one_host(environ):
            raise BadRequest("Send exactly one Host header.")
        if request.url_rule is not None:
            if environ["PATH_INFO"].startswith("//"):
                raise NotFound
            if environ["REQUEST_METHOD"] != request.method:
                assert context.url_adapter is not None
                raise MethodNotAllowed(list(context.url_adapter.allowed_methods()))
            # Log the rule instead of the path: a client may have put a secret into the path by mistake.
            environ[ROUTE] = request.url_rule.rule
        _require_utf8(request.query_string)
        return super().dispatch_request()

    def full_dispatch_request(self) -> Response:
        """Dispatch the request; skip Flask's signals if they have no receivers, and hooks if there are none."""
        if request_started.receivers or request_finished.receivers:
            return super().full_dispatch_request()
        self._got_first_request = True
        try:
            has_hooks = any(self.before_request_funcs.values()) or self.url_value_preprocessors
            result = self.preprocess_request() if has_hooks else None
            if result is None:
                result = self.dispatch_request()
        except Exception as error:
            result = self.handle_user_exception(error)
        return self.process_response(self.make_response(result))

    def process_response(self, response: Response) -> Response:
        """Run the hooks after a request."""
        hooks = self.after_request_funcs
        context = get_context()
        if context._after_request_functions or not hooks.keys() <= _APPLICATION_ONLY:
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
        """Return a file in one piece; a streamed one would occupy a thread while a slow client reads it.

        `responses.finish_response` compares its ETag.
        """
        folder, max_age = str(self.static_folder), self.get_send_file_max_age(filename)
        response = flask.send_from_directory(folder, filename, conditional=False, max_age=max_age)
        response.direct_passthrough = False
        # Closes the file; Werkzeug doesn't after 304.
        with response:
            response.set_data(response.get_data())
        return response


def _require_utf8(query: bytes) -> None:
    """Raise BadRequest if the query is not UTF-8: Granian rejects it, other servers pass it on."""
    try:
        query.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("Percent-encode the query as UTF-8.") from error
