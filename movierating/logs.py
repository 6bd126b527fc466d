"""Structured logs: one JSON object a line, or readable lines on a terminal; never a body, a token or an e-mail."""

import logging
import sys
from typing import Any

import orjson
from flask import g, request

from movierating import times

logger = logging.getLogger("movierating")

_FIELDS = "fields"

# For a library that would set up logging its own way: its records go to our handler with all others.
PASSED_ON = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message, the record's `fields`, a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return orjson.dumps(
            {
                "time": times.to_rfc3339(int(record.created * times.SECOND)),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": record.getMessage(),
                **getattr(record, _FIELDS, {}),
                **({"traceback": self.formatException(record.exc_info)} if record.exc_info else {}),
            },
            default=str,
        ).decode()


class ConsoleFormatter(logging.Formatter):
    """A line for a person: the time of day, the level, the message, `name=value` pairs, and the traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = getattr(record, _FIELDS, {})
        pairs = "".join(f" {name}={value}" for name, value in fields.items() if value is not None)
        clock = self.formatTime(record, "%H:%M:%S")
        line = f"{clock} {record.levelname:<7} {record.getMessage()}{pairs}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Handler(logging.StreamHandler[Any]):
    """Ours, so that a second application in one process replaces it and leaves others alone."""


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


def _says_no_address(record: logging.LogRecord) -> bool:
    # Flask's development server logs each request with its query, where an e-mail may stand; we log it without.
    return " - - [" not in str(record.msg)


def log_request(status: int, seconds: float) -> None:
    """One line for the request under way."""
    if not logger.isEnabledFor(logging.INFO):
        return
    logger.info(
        "request",
        extra={_FIELDS: {**_request_fields(), "status": status, "duration_ms": round(seconds * 1000, 2)}},
    )


def log_failure(error: Exception) -> None:
    """The traceback of what ended the request under way with a 500 or 503."""
    logger.error("failure", exc_info=error, extra={_FIELDS: _request_fields()})


def _request_fields() -> dict[str, Any]:
    caller = g.get("caller")
    return {
        "request_id": g.get("request_id"),
        "method": request.method,
        # The rule, not the address: what a client put into the latter may be a secret that went astray.
        "route": request.url_rule.rule if request.url_rule else None,
        "user_id": caller.user_id if caller else None,
    }
