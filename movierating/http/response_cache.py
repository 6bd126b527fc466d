"""The outermost middleware: adds headers to every response, logs it, and stores responses to anonymous reads.

A stored response has the version of what it shows, read before the response was made, and is returned as long as that
is the current version. Each commit of the service that can change the response changes the version, so no response is
older than a write that was acknowledged before. Once a minute every version changes, for writes by other programs. The
size of the cache in bytes has a limit.

A page is stored only if the request has no cookie of the pages, so that no response for a person is given to another.
"""

import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from wsgiref.types import WSGIApplication

from sqlalchemy import Engine
from werkzeug.http import parse_etags, unquote_etag

from movierating.http.cache_subjects import find_subject
from movierating.http.compression import accepts_gzip
from movierating.http.request_context import READ_METHODS, REQUEST_ID, ROUTE, SUBJECT, USER_ID
from movierating.monitoring import request_log
from movierating.monitoring.logs import RequestRecord
from movierating.storage import database
from movierating.storage.cache_versions import Subject

MAX_CACHE_BYTES = 20 << 20

# The names of the pages' cookies start with it; over HTTPS another prefix is in front.
COOKIE_PREFIX = "movierating_"
# The paths of API operations and of the pages that visitors may read.
_API_PATH, _PAGE_PATHS = "/v1/", ("/movies", "/people")

# API responses contain nothing to frame, run or load; the docs page sets a policy of its own.
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_ADDED_HEADERS = [("X-Content-Type-Options", "nosniff")]
_DEFAULT_HEADERS = [
    *(("Content-Security-Policy", _API_POLICY), ("X-Frame-Options", "DENY")),
    ("Referrer-Policy", "no-referrer"),
]
_CONTENT_HEADERS = frozenset({"Content-Type", "Content-Length", "Content-Encoding"})

_REQUEST_ID_FORMAT = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

# The memory of an entry besides its body and key: two lists of headers, the subject and the dict slot.
_ENTRY_BYTES = 1_500

Headers = list[tuple[str, str]]
# The path, query and mount point of a request, and True if its client takes gzip.
_Key = tuple[str, str, str, bool]


@dataclass(slots=True)
class _StoredResponse:
    """A response with status 200 about `subject`. `headers` lack the request id; `is_used` is set by each hit."""

    subject: Subject | None
    version: Hashable
    headers: Headers
    body: bytes
    etag: str
    route: str | None
    is_used: bool = False
    not_modified_headers: Headers = field(init=False)

    def __post_init__(self) -> None:
        self.not_modified_headers = [header for header in self.headers if header[0] not in _CONTENT_HEADERS]

    def get_size(self, key: _Key) -> int:
        """Return the memory that the entry takes, in bytes. The query in the key may be in a `Link` header too."""
        return len(self.body) + 2 * sum(map(len, key[:3])) + _ENTRY_BYTES


class ResponseCache:
    """WSGI middleware that stores anonymous responses, each with the version of what it shows."""

    def __init__(self, application: WSGIApplication, engine: Engine) -> None:
        self._application = application
        self._engine = engine
        self._responses: OrderedDict[_Key, _StoredResponse] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._new_ids = map((secrets.token_hex(8) + "{:016x}").format, count(1))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Return the stored response, or the application's."""
        started = time.perf_counter()
        client_id = environ.get("HTTP_X_REQUEST_ID")
        is_valid = client_id and _REQUEST_ID_FORMAT.fullmatch(client_id)
        environ[REQUEST_ID] = client_id if is_valid else next(self._new_ids)
        path: str = environ["PATH_INFO"]
        if not _is_cacheable(environ, path):
            exchange = _Exchange(environ, started)
            return exchange.send(exchange.run(self._application), start_response)
        takes_gzip = accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING"))
        key = (path, environ.get("QUERY_STRING", ""), environ.get("SCRIPT_NAME", ""), takes_gzip)
        stored = self._responses.get(key)
        if stored is not None and stored.version == database.get_version(stored.subject, self._engine):
            stored.is_used = True
            return _send_stored(stored, environ, start_response, started, "hit")
        environ[SUBJECT] = subject = find_subject(path)
        version = database.get_version(subject, self._engine)
        exchange = _Exchange(environ, started, "miss")
        body = exchange.run_without_if_none_match(self._application)
        etag = exchange.get_storable_etag()
        if etag is None:
            return exchange.send(body, start_response)
        stored = _StoredResponse(subject, version, exchange.headers, _join(body), etag, environ.get(ROUTE))
        if version is not None:
            self._store(key, stored)
        return _send_stored(stored, environ, start_response, started, "miss")

    def _store(self, key: _Key, response: _StoredResponse) -> None:
        with self._lock:
            replaced = self._responses.pop(key, None)
            self._responses[key] = response
            self._bytes += response.get_size(key) - (replaced.get_size(key) if replaced else 0)
            response.is_used = replaced is not None
            while self._bytes > MAX_CACHE_BYTES:
                self._evict_or_requeue_oldest()

    def _evict_or_requeue_oldest(self) -> None:
        """Remove the oldest entry, or move it to the end if it had a hit since it was stored or moved."""
        key, oldest = self._responses.popitem(last=False)
        if oldest.is_used:
            oldest.is_used = False
            self._responses[key] = oldest
        else:
            self._bytes -= oldest.get_size(key)


def has_one_host(environ: dict[str, Any]) -> bool:
    """Return True if the client or the proxy in front sent exactly one `Host` header that is not empty."""
    # The server joins repeated headers with commas, and sets an empty one if there is none.
    received: dict[str, Any] = environ.get("werkzeug.proxy_fix.orig", environ)
    host: str = received.get("HTTP_HOST", "")
    return bool(host) and "," not in host


def _is_cacheable(environ: dict[str, Any], path: str) -> bool:
    """Return True if the response depends only on the URL and the database."""
    return (
        (path.startswith(_API_PATH) or _is_anonymous_page(environ, path))
        and environ["REQUEST_METHOD"] in READ_METHODS
        and "HTTP_AUTHORIZATION" not in environ
        and "HTTP_ORIGIN" not in environ
        and has_one_host(environ)
    )


def _is_anonymous_page(environ: dict[str, Any], path: str) -> bool:
    return path.startswith(_PAGE_PATHS) and COOKIE_PREFIX not in environ.get("HTTP_COOKIE", "")


def _send_stored(
    stored: _StoredResponse,
    environ: dict[str, Any],
    start_response: Callable[..., Any],
    started: float,
    cache: str,
) -> Iterable[bytes]:
    etags = environ.get("HTTP_IF_NONE_MATCH")
    request_id = ("X-Request-ID", environ[REQUEST_ID])
    if etags is not None and (etags == stored.etag or _contains(etags, stored.etag)):
        status, body = 304, b""
        start_response("304 NOT MODIFIED", [*stored.not_modified_headers, request_id])
    else:
        status, body = 200, stored.body if environ["REQUEST_METHOD"] == "GET" else b""
        start_response("200 OK", [*stored.headers, request_id])
    _log(environ, stored.route, status, started, cache)
    return [body]


def _contains(if_none_match: str, etag: str) -> bool:
    return bool(parse_etags(if_none_match).contains_weak(unquote_etag(etag)[0]))


@dataclass(slots=True)
class _Exchange:
    """A request that the application responds to; `status` and `headers` are those of the response."""

    environ: dict[str, Any]
    started: float
    cache: str | None = None
    status: str = ""
    headers: Headers = field(default_factory=list)

    def run(self, application: WSGIApplication) -> Iterable[bytes]:
        """Call the application, and return the body of its response."""
        return application(self.environ, self._start)  # type: ignore[arg-type]  # Flask does not use `write`

    def run_without_if_none_match(self, application: WSGIApplication) -> Iterable[bytes]:
        """Call the application as `run` does, but without `If-None-Match` for a GET: a 304 could not be stored."""
        etags = self.environ["REQUEST_METHOD"] == "GET" and self.environ.pop("HTTP_IF_NONE_MATCH", None)
        body = self.run(application)
        if etags:
            self.environ["HTTP_IF_NONE_MATCH"] = etags
        return body

    def send(self, body: Iterable[bytes], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Start the response, log it, and return its body."""
        start_response(self.status, [*self.headers, ("X-Request-ID", self.environ[REQUEST_ID])])
        _log(self.environ, self.environ.get(ROUTE), int(self.status[:3]), self.started, self.cache)
        return body

    def get_storable_etag(self) -> str | None:
        """Return the ETag of the response to an anonymous GET; None if it must not be stored."""
        headers = dict(self.headers)
        is_for_all = headers.get("Cache-Control") == "no-cache" and "Set-Cookie" not in headers
        is_storable = self.environ["REQUEST_METHOD"] == "GET" and self.status[:3] == "200" and is_for_all
        return headers.get("ETag") if is_storable else None

    def _start(self, status: str, headers: Headers, _exc_info: Any = None) -> None:
        self.status = status
        if status[:3] == "204":
            headers = [header for header in headers if header[0] != "Content-Type"]
        names = dict(headers)
        defaults = [header for header in _DEFAULT_HEADERS if header[0] not in names]
        if "Cache-Control" not in names:
            defaults.append(("Cache-Control", self._get_cache_control("ETag" in names)))
        self.headers = [*headers, *_ADDED_HEADERS, *defaults]

    def _get_cache_control(self, has_etag: bool) -> str:
        """Return `Cache-Control`: clients store and revalidate responses; shared caches only anonymous ones."""
        if "HTTP_AUTHORIZATION" not in self.environ:
            return "no-cache"
        is_read = self.environ["REQUEST_METHOD"] in READ_METHODS
        return "private, no-cache" if is_read and has_etag else "no-store"


def _log(environ: dict[str, Any], route: str | None, status: int, started: float, cache: str | None) -> None:
    seconds = time.perf_counter() - started
    request_id, method, user_id = environ[REQUEST_ID], environ["REQUEST_METHOD"], environ.get(USER_ID)
    request_log.append(RequestRecord(time.time(), request_id, method, route, status, seconds, user_id, cache))


def _join(body: Any) -> bytes:
    try:
        # A copy takes no more than its size; orjson's buffers take up to twenty times as much.
        return bytes(memoryview(b"".join(body)))
    finally:
        if hasattr(body, "close"):
            body.close()
