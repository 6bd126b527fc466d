"""Structured logs: one JSON object a line, or readable lines on a terminal; never a body, a token or an e-mail."""

import logging
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from movierating import clock

logger = logging.getLogger("movierating")

_FIELDS = "fields"

# For a library that would set up logging its own way: its records go to our handler with all others.
GRANIAN_LOG_CONFIG = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


class RequestRecord(NamedTuple):
    """A request and its answer: `at` and `seconds` in seconds, `cache` whether it was a hit or miss if it could be one.

    It is `shared` where another process had made the answer. `request_id` needs no escaping. `route` is
    the rule that the address matched, None where none did: an address may hold what went astray.
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
        """What its line tells."""
        return {
            "request_id": self.request_id,
            "method": self.method,
            "route": self.route,
            "user_id": self.user_id,
            "status": self.status,
            "duration_ms": round(self.seconds * 1000, 2),
        }


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message, the record's `fields`, a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
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

    def answer(self, answered: RequestRecord) -> str:
        """The line of an answered request, put together by hand: there is one for each, and this takes a quarter."""
        at, request_id, method, route, status, seconds, user_id, _ = answered
        second, fraction = divmod(at, 1)
        return (
            f'{{"time":"{_second(int(second))}.{int(fraction * clock.SECOND):06}Z","level":"info",'
            f'"logger":"movierating","message":"request","request_id":"{request_id}",{_place(method, route)},'
            f'"user_id":{"null" if user_id is None else user_id},"status":{status},'
            f'"duration_ms":{seconds * 1000:.2f}}}'
        )


@lru_cache(4)
def _second(second: int) -> str:
    return clock.format_rfc3339(second * clock.SECOND).removesuffix("Z")


@lru_cache(512)
def _place(method: str, route: str | None) -> str:
    return orjson.dumps({"method": method, "route": route}).decode()[1:-1]


class ConsoleFormatter(logging.Formatter):
    """A line for a person: the time of day, the level, the message, `name=value` pairs, and the traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = getattr(record, _FIELDS, {})
        pairs = "".join(f" {name}={value}" for name, value in fields.items() if value is not None)
        time_of_day = self.formatTime(record, "%H:%M:%S")
        line = f"{time_of_day} {record.levelname:<7} {record.getMessage()}{pairs}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    def answer(self, answered: RequestRecord) -> str:
        """The line of an answered request."""
        record = logging.LogRecord(logger.name, logging.INFO, "", 0, "request", None, None)
        record.created = answered.at
        setattr(record, _FIELDS, answered.fields())
        return self.format(record)


class _Handler(logging.StreamHandler[Any]):
    """Ours, so that a second application in one process replaces it and leaves others alone."""

    def write(self, answers: Sequence[RequestRecord]) -> None:
        """A line for each answer. As for any record, a stream that fails is nobody's error."""
        assert isinstance(self.formatter, JsonFormatter | ConsoleFormatter)
        text = "".join([self.formatter.answer(answered) + self.terminator for answered in answers])
        with self.lock or nullcontext(), suppress(OSError, ValueError):
            self.stream.write(text)
            self.stream.flush()


def configure(log_format: str | None, level: str) -> None:
    """Send the log to standard error, as `json` or `console` lines (None: by whether it is a terminal).

    `level` is our own lines'; those of libraries, and warnings, are there from WARNING on.
    """
    log_format = log_format or ("console" if sys.stderr.isatty() else "json")
    handler = _Handler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else ConsoleFormatter())
    root = logging.getLogger()
    root.handlers = [*(kept for kept in root.handlers if not isinstance(kept, _Handler)), handler]
    logger.setLevel(level)
    logging.captureWarnings(True)
    logging.getLogger("werkzeug").addFilter(_says_no_address)
    logging.getLogger("_granian").addFilter(_asks_for_nothing)


def _says_no_address(record: logging.LogRecord) -> bool:
    # Flask's development server logs each request with its query, where an e-mail may stand; we log it without.
    return " - - [" not in str(record.msg)


def _asks_for_nothing(record: logging.LogRecord) -> bool:
    # How many threads a worker has was measured, and nobody who runs the service can set it.
    return "Python threads, which seems quite high" not in record.getMessage()


def log_requests(answers: Sequence[RequestRecord]) -> None:
    """A line for each, in one write."""
    handler = next((each for each in logging.getLogger().handlers if isinstance(each, _Handler)), None)
    if handler is not None and logger.isEnabledFor(logging.INFO):
        handler.write(answers)


def log_failure(error: Exception, **request: Any) -> None:
    """The traceback of what ended a request with a 500 or 503, with what is known of that request."""
    logger.error("failure", exc_info=error, extra={_FIELDS: request})
