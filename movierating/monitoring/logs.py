"""Write logs as one JSON object a line, or as text on a terminal; never with a body, a token or an e-mail."""

import logging
import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from movierating import clock

logger = logging.getLogger("movierating")

_FIELDS = "fields"
_COLOUR_CODE = re.compile(r"\x1b\[\d+m")

# Granian configures logging itself; this sends its records to our handler.
GRANIAN_LOG_CONFIG = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


# A quarter faster than an f-string.
_REQUEST_LINE = (
    '{"time":"%s.%06dZ","level":"info","logger":"movierating","message":"request","request_id":"%s",%s,'
    '"user_id":%s,"status":%d,"duration_ms":%.2f}'
)


class RequestRecord(NamedTuple):
    """A handled request. `at` is in seconds since 1970, `seconds` the duration; `cache` is `hit`, `miss` or None.

    `request_id` needs no escaping. `route` is the URL rule, or None without a match: a path may contain a secret.
    """

    at: float
    request_id: str
    method: str
    route: str | None
    status: int
    seconds: float
    user_id: int | None
    cache: str | None = None

    def fields(self) -> dict[str, Any]:
        """Return the fields of the log line."""
        return {
            "request_id": self.request_id,
            "method": self.method,
            "route": self.route,
            "user_id": self.user_id,
            "status": self.status,
            "duration_ms": round(self.seconds * 1000, 2),
        }


class JsonFormatter(logging.Formatter):
    """Format a record as a JSON object: time, level, logger, message, the record's `fields`, and any traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return orjson.dumps(
            {
                "time": clock.format_rfc3339(int(record.created * clock.SECOND)),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": record.getMessage(),
                **getattr(record, _FIELDS, {}),
                **({"traceback": self.formatException(record.exc_info)} if record.exc_info else {}),
            },
            default=str,
        ).decode()

    def format_request(self, request: RequestRecord) -> str:
        """Return the line of a request, four times as fast as `format`."""
        at, request_id, method, route, status, seconds, user_id, _ = request
        second = int(at)
        return _REQUEST_LINE % (
            _format_second(second),
            (at - second) * clock.SECOND,
            request_id,
            _encode_route(method, route),
            "null" if user_id is None else user_id,
            status,
            seconds * 1000,
        )


@lru_cache(4)
def _format_second(second: int) -> str:
    return clock.format_rfc3339(second * clock.SECOND).removesuffix("Z")


@lru_cache(512)
def _encode_route(method: str, route: str | None) -> str:
    return orjson.dumps({"method": method, "route": route}).decode()[1:-1]


class ConsoleFormatter(logging.Formatter):
    """Format a record as text: time of day, level, message, `name=value` pairs, and any traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        fields = getattr(record, _FIELDS, {})
        pairs = "".join(f" {name}={value}" for name, value in fields.items() if value is not None)
        time_of_day = self.formatTime(record, "%H:%M:%S")
        line = f"{time_of_day} {record.levelname:<7} {record.getMessage()}{pairs}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    def format_request(self, request: RequestRecord) -> str:
        """Return the line of a request."""
        record = logging.LogRecord(logger.name, logging.INFO, "", 0, "request", None, None)
        record.created = request.at
        setattr(record, _FIELDS, request.fields())
        return self.format(record)


class _Handler(logging.StreamHandler[Any]):
    """The handler of this package, which a second application in the process replaces."""

    def write(self, requests: Sequence[RequestRecord]) -> None:
        """Write a line per request. Ignore errors of the stream, as for any record."""
        assert isinstance(self.formatter, JsonFormatter | ConsoleFormatter)
        text = "".join([self.formatter.format_request(request) + self.terminator for request in requests])
        with self.lock or nullcontext(), suppress(OSError, ValueError):
            self.stream.write(text)
            self.stream.flush()


def configure(log_format: str | None, level: str) -> None:
    """Log to standard error, as `json` or `console` lines (None: `console` on a terminal).

    `level` applies to this package; libraries and warnings are logged from WARNING on.
    """
    log_format = log_format or ("console" if sys.stderr.isatty() else "json")
    handler = _Handler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else ConsoleFormatter())
    root = logging.getLogger()
    root.handlers = [*(other for other in root.handlers if not isinstance(other, _Handler)), handler]
    logger.setLevel(level)
    logging.captureWarnings(True)
    logging.getLogger("werkzeug").addFilter(_filter_werkzeug)
    logging.getLogger("_granian").addFilter(_filter_granian)


def _filter_werkzeug(record: logging.LogRecord) -> bool:
    # Flask's development server colours its lines even if they go to a pipe.
    record.msg = _COLOUR_CODE.sub("", str(record.msg))
    # It logs each request with its query, which may contain an e-mail address; our own line does not.
    return " - - [" not in record.msg


def _filter_granian(record: logging.LogRecord) -> bool:
    # The number of threads of a worker was measured, and operators can't set it.
    return "Python threads, which seems quite high" not in record.getMessage()


def log_requests(requests: Sequence[RequestRecord]) -> None:
    """Log a line per request, in one write."""
    if logger.isEnabledFor(logging.INFO):
        for handler in logging.getLogger().handlers:
            if isinstance(handler, _Handler):
                handler.write(requests)


def log_failure(error: Exception, **request: Any) -> None:
    """Log the traceback of a request that failed with a 500 or 503, with the fields of the request."""
    logger.error("failure", exc_info=error, extra={_FIELDS: request})
