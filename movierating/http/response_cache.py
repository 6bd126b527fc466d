"""The outermost layer: what every answer carries, and the answers that are given again without asking the application.

An answer to anybody, one without credentials, is kept with the stamp that was read before it was made, and is given
again for as long as the same stamp is read. A stamp changes with every commit of ours that can change the answer, so no
answer is older than a write that was acknowledged before; and once a minute, for what other programs write. The cache
is bounded by the bytes it keeps.
"""

import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from werkzeug.http import parse_etags, unquote_etag

from movierating.http.proxies import has_one_host
from movierating.monitoring import request_log
from movierating.monitoring.logs import RequestRecord

MAX_CACHE_BYTES = 20 << 20

# In a request's environment: its id, and what the application finds out about it for the log.
REQUEST_ID, ROUTE, USER_ID = "movierating.request_id", "movierating.route", "movierating.user_id"

# An API's answers hold nothing to frame, run or load; the pages set a policy of their own.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_CARRIED = [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer")]
_UNLESS_SET = [("Content-Security-Policy", API_POLICY), ("X-Frame-Options", "DENY")]
READ_METHODS = frozenset({"GET", "HEAD"})
_OF_CONTENT = frozenset({"Content-Type", "Content-Length"})

# What an entry takes besides its body: its headers, key and place in the dict.
_ENTRY_BYTES = 1_300

Headers = list[tuple[str, str]]
WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(slots=True)
class _Kept:
    """A good answer: `headers` but for the request's id; `used` since it was looked at."""

    stamp: Hashable
    headers: Headers
    body: bytes
    etag: str
    route: str | None
    used: bool = False
    _brief: Headers | None = None

    def brief(self) -> Headers:
        """The headers of a 304."""
        if self._brief is None:
            self._brief = [header for header in self.headers if header[0] not in _OF_CONTENT]
        return self._brief


class ResponseCache:
    """WSGI middleware that stores anonymous responses, each with its validator `stamp(path)`.

    A stored response is returned while `stamp` returns the same value. It returns None if the version is unknown.
    """

    def __init__(self, application: WSGI, stamp: Callable[[str], Hashable]) -> None:
        self._application = application
        self._stamp = stamp
        self._kept: OrderedDict[tuple[str, str, str], _Kept] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._new_ids = map((secrets.token_hex(8) + "{:016x}").format, count(1))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        started = time.perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else next(self._new_ids)
        path: str = environ["PATH_INFO"]
        if not _is_anybodys(environ, path):
            return _Answer(environ, start_response, request_id, started).of(self._application)
        key = (path, environ.get("QUERY_STRING", ""), environ.get("SCRIPT_NAME", ""))
        stamp = self._stamp(path)
        kept = self._kept.get(key)
        if kept is not None and kept.stamp == stamp is not None:
            kept.used = True
            return _given_again(kept, environ, start_response, request_id, started)
        answer = _Answer(environ, start_response, request_id, started, cache="miss")
        body = answer.of(self._application)
        if stamp is None or not answer.can_be_kept():
            return body
        kept = answer.made(stamp, _joined(body))
        self._keep(key, kept)
        return [kept.body]

    def _keep(self, key: tuple[str, str, str], kept: _Kept) -> None:
        with self._lock:
            replaced = self._kept.pop(key, None)
            self._kept[key] = kept
            self._bytes += _size(kept) - (_size(replaced) if replaced else 0)
            kept.used = replaced is not None
            while self._bytes > MAX_CACHE_BYTES:
                self._look_at_the_oldest()

    def _look_at_the_oldest(self) -> None:
        """Remove the oldest entry, or move it to the end if it was used since it was last looked at."""
        key, oldest = self._kept.popitem(last=False)
        if oldest.used:
            oldest.used = False
            self._kept[key] = oldest
        else:
            self._bytes -= _size(oldest)


def _size(kept: _Kept) -> int:
    return len(kept.body) + _ENTRY_BYTES


def _is_anybodys(environ: dict[str, Any], path: str) -> bool:
    """Return True if the response depends only on the URL and the database."""
    return (
        path.startswith("/v1/")
        and environ["REQUEST_METHOD"] in READ_METHODS
        and "HTTP_AUTHORIZATION" not in environ
        and "HTTP_ORIGIN" not in environ
        and has_one_host(environ)
    )


def _given_again(
    kept: _Kept,
    environ: dict[str, Any],
    start_response: Callable[..., Any],
    request_id: str,
    started: float,
) -> Iterable[bytes]:
    known = environ.get("HTTP_IF_NONE_MATCH")
    method = environ["REQUEST_METHOD"]
    if known is not None and (known == kept.etag or _names(known, kept.etag)):
        status, body = 304, b""
        start_response("304 NOT MODIFIED", [*kept.brief(), ("X-Request-ID", request_id)])
    else:
        status, body = 200, kept.body if method == "GET" else b""
        start_response("200 OK", [*kept.headers, ("X-Request-ID", request_id)])
    seconds = time.perf_counter() - started
    request_log.append(
        RequestRecord(time.time(), request_id, method, kept.route, status, seconds, None, "hit")
    )
    return [body]


def _names(if_none_match: str, etag: str) -> bool:
    return bool(parse_etags(if_none_match).contains_weak(unquote_etag(etag)[0]))


class _Answer:
    """What the application answers to one request, with what every answer carries."""

    def __init__(
        self,
        environ: dict[str, Any],
        start_response: Callable[..., Any],
        request_id: str,
        started: float,
        cache: str | None = None,
    ) -> None:
        self._environ = environ
        self._start_response = start_response
        self._request_id = request_id
        self._started = started
        self._cache = cache
        self._status = 500
        self._headers: Headers = []
        self._etag: str | None = None

    def of(self, application: WSGI) -> Iterable[bytes]:
        """Let the application answer; its body, to be passed on as it is."""
        environ = self._environ
        environ[REQUEST_ID] = self._request_id
        body = application(environ, self._begin)
        seconds = time.perf_counter() - self._started
        method, route, user_id = environ["REQUEST_METHOD"], environ.get(ROUTE), environ.get(USER_ID)
        request_log.append(
            RequestRecord(
                time.time(), self._request_id, method, route, self._status, seconds, user_id, self._cache
            )
        )
        return body

    def _begin(self, status: str, headers: Headers, exc_info: Any = None) -> Any:
        self._status = int(status[:3])
        if self._status == 204:
            headers = [header for header in headers if header[0] != "Content-Type"]
        names = dict(headers)
        missing = [header for header in _UNLESS_SET if header[0] not in names]
        self._etag = names.get("ETag")
        if "Cache-Control" not in names:
            missing.append(
                ("Cache-Control", "no-store" if "HTTP_AUTHORIZATION" in self._environ else "no-cache")
            )
        self._headers = [*headers, *_CARRIED, *missing]
        return self._start_response(status, [*self._headers, ("X-Request-ID", self._request_id)], exc_info)

    def can_be_kept(self) -> bool:
        """Whether it was a good and whole answer with a tag."""
        is_whole = self._environ["REQUEST_METHOD"] == "GET"
        return is_whole and self._status == 200 and self._etag is not None

    def made(self, stamp: Hashable, body: bytes) -> _Kept:
        """It, with its whole body, to be given again."""
        etag = dict(self._headers)["ETag"]
        return _Kept(stamp, self._headers, body, etag, self._environ.get(ROUTE))


def _joined(body: Any) -> bytes:
    try:
        # A copy takes no more than its size; what orjson gives takes up to twenty times as much.
        return bytes(memoryview(b"".join(body)))
    finally:
        if hasattr(body, "close"):
            body.close()
