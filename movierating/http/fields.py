"""Strict marshmallow fields: a string is not accepted for a number, nor a number for a boolean."""

import json
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from movierating import clock

# Control characters, lone surrogates, line and paragraph separators, bidirectional overrides and isolates.
_DISALLOWED_CHARACTERS = r"\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069"
DISALLOWED = re.compile(f"[{_DISALLOWED_CHARACTERS}]")
# Characters without a shape and without a width of their own, and letters and a symbol that look like a space.
_INVISIBLE_CHARACTERS = (
    r"\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    r"\u115f\u1160\u2800\u3164\uffa0"
)
_VISIBLE = re.compile(rf"[^\s{_INVISIBLE_CHARACTERS}\U000e0000-\U000e0fff]")
# The OpenAPI document can't contain surrogates.
_DOCUMENTED = _DISALLOWED_CHARACTERS.replace(r"\ud800-\udfff", "")
_LINE_PATTERN = rf"^[^{_DOCUMENTED}]*[^\s{_DOCUMENTED}{_INVISIBLE_CHARACTERS}][^{_DOCUMENTED}]*$"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
_RFC3339 = re.compile(rf"\d{{4}}-\d\d-\d\d[Tt ]{_CLOCK}:[0-5]\d(\.\d{{1,9}})?([Zz]|[+-]{_CLOCK})", re.ASCII)

MAX_QUOTED_LENGTH = 40

_reads_text: ContextVar[bool] = ContextVar("reads_text", default=False)


@contextmanager
def reading_text() -> Iterator[None]:
    """Load fields of a query or a form in the block: a string may stand for a number or a boolean, unlike in JSON."""
    token = _reads_text.set(True)
    try:
        yield
    finally:
        _reads_text.reset(token)


def in_range(minimum: int, maximum: int) -> ma.validate.Range:
    """Return a validator of whole numbers."""
    # A JSON number may have three hundred digits.
    return ma.validate.Range(minimum, maximum, error="Must be from {min} to {max}, not {input:.16g}.")


def quote_value(value: Any) -> str:
    """Return a JSON value for an error message, shortened to MAX_QUOTED_LENGTH characters.

    A part of a form may be a file.
    """
    text = json.dumps(value, default=lambda _: "a file", ensure_ascii=False)
    text = DISALLOWED.sub(lambda match: json.dumps(match[0])[1:-1], text)
    return text if len(text) <= MAX_QUOTED_LENGTH else f"{text[: MAX_QUOTED_LENGTH - 3]}..."


class StrictInteger(ma.fields.Integer):
    """A whole JSON number; in a query, ASCII digits, at most as many as in a JSON number."""

    default_error_messages = {"invalid": "Must be a whole number, not {input}."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and _reads_text.get():
            if not re.fullmatch(r"-?[0-9]{1,300}", value):
                raise self.make_error("invalid", input=quote_value(value))
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise self.make_error("invalid", input=quote_value(value))
        return int(value)


class QueryNumber(ma.fields.Float):
    """A number in a query, which may have a fraction and an exponent, as in JSON."""

    default_error_messages = {"invalid": "Must be a number, not {input}."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        if not re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", value):
            raise self.make_error("invalid", input=quote_value(value))
        return float(value)


# Python's `requests` sends True for a boolean, and other clients send 1.
QUERY_BOOLEANS = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}


class StrictBoolean(ma.fields.Boolean):
    """A JSON boolean; in a query, one of QUERY_BOOLEANS."""

    default_error_messages = {"invalid": "Must be true or false, not {input}."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if isinstance(value, str) and _reads_text.get() and value in QUERY_BOOLEANS:
            return QUERY_BOOLEANS[value]
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=quote_value(value))
        return value


class SingleLineString(ma.fields.String):
    """One line of text without control characters, trimmed and in NFC before its length is checked.

    Text of invisible characters counts as empty.
    """

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        shape = {"minLength": 1, "maxLength": max_length, "pattern": _LINE_PATTERN}
        self.metadata = {**shape, **self.metadata}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if DISALLOWED.search(text):
            raise ma.ValidationError("Must not contain control characters.")
        text = text.strip() if _VISIBLE.search(text) else ""
        # The time to normalize a letter grows with the square of its combining marks.
        if len(text) <= 4 * self.max_length:
            text = unicodedata.normalize("NFC", text)
        if not 1 <= len(text) <= self.max_length:
            raise ma.ValidationError(f"Must be 1 to {self.max_length} characters long.")
        return text


class HalfPoints(ma.fields.Field[int]):
    """A rating: a JSON number from 0.5 to 10 in steps of 0.5, loaded as half points (1 to 20)."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and _reads_text.get():
            number = float(value) if re.fullmatch(r"[0-9]{1,2}(\.[05])?", value) else None
        else:
            number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        if number is None or not 0.5 <= number <= 10 or number * 2 % 1:
            message = f"Must be a number from 0.5 to 10 in steps of 0.5, not {quote_value(value)}."
            raise ma.ValidationError(message)
        return int(number * 2)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> float | None:
        return None if value is None else value / 2


class Timestamp(ma.fields.Field[int]):
    """A time: RFC 3339 with an offset, loaded as microseconds since 1970 and shown in UTC with a `Z`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metadata = {"example": "2024-01-15T10:30:00Z", **self.metadata}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not _RFC3339.fullmatch(value):
            raise ma.ValidationError("Must be a time such as 2024-01-15T10:30:00Z.")
        try:
            return clock.from_datetime(datetime.fromisoformat(value.upper()).astimezone(UTC))
        except (ValueError, OverflowError) as error:
            raise ma.ValidationError("Must be a valid time.") from error

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else clock.format_rfc3339(value)


def require_past(microseconds: int) -> None:
    """Raise ValidationError unless the time has passed."""
    if microseconds > clock.now():
        raise ma.ValidationError("Must not be in the future.")


def require_future(microseconds: int) -> None:
    """Raise ValidationError unless the time is in the future."""
    if microseconds <= clock.now():
        raise ma.ValidationError("Must be in the future.")
