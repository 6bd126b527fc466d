"""Parse dates and times as services and spreadsheets write them.

`3/5/2023` is the third of May or the fifth of March: `date_order` detects which of them a column means.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial

from movierating import clock
from movierating.ratings.formats.field_parsers import (
    normalize_fact,
    normalize_text,
    parse_column,
    quote_value,
)

_ISO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?([Zz]|UTC|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_COMPACT_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
# Since 1973: smaller numbers may be seconds.
_MILLISECONDS = re.compile(r"\d{12,14}", re.ASCII)
_C_TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]?\d) (\d\d:\d\d:\d\d) (\d{4})", re.ASCII)
_TIME = r"(?:,? (\d{1,2}):(\d\d)(?::(\d\d))?(?: ?([AaPp])\.?[Mm]\.?)?)?"
NUMERIC_DATE = re.compile(r"(\d{1,4})([/.-])(\d{1,2})\2(\d{4}|\d{1,2})" + _TIME, re.ASCII)
_SHORT_DATE = re.compile(r"\d\d-\d\d-\d\d(?!\d)", re.ASCII)
# A spreadsheet's long date begins with the weekday.
_WEEKDAY = re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, ", re.ASCII)
_MONTH_FIRST = re.compile(r"([A-Za-z]{3})[a-z]*\.? (\d{1,2}),? (\d{4})" + _TIME, re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})[ /-]([A-Za-z]{3})[a-z]*\.?,?[ /-](\d{4}|\d{2})" + _TIME, re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MAX_DATE_LENGTH = 40

_EARLIEST = -62_135_596_800 * clock.SECOND  # 0001-01-01
_LATEST = 253_402_300_800 * clock.SECOND - 1  # the end of 9999
# East of Greenwich the date may already be tomorrow's, and a clock may be fast.
_MAX_FUTURE = timedelta(days=1) // timedelta(microseconds=1)


def parse_time(value: object, *, allow_future: bool = False) -> int | None:
    """Return the microseconds since 1970 of a time, or of a date's midnight, in UTC if it names no zone.

    Accepts RFC 3339 and its dates, `12/31/2016`, `31.12.2016`, `2016/12/31`, `Dec 31, 2016`, `31 Dec 2016`,
    `31-Dec-16`, `Saturday, December 31, 2016`, each with a time or without, `20161231`, and
    `Sat Dec 31 00:00:00 2016` of old IMDb files.

    Return None for a blank. Raise ValueError, also for a time in the future unless `allow_future`.
    """
    text = normalize_fact(value)
    if not text:
        return None
    at = _midnight(text) if len(text) <= _DATE_LENGTH else parse_microseconds(text)
    if is_future(at) and not allow_future:
        raise ValueError(f"its time {quote_value(text)} lies in the future")
    return at


def convert_milliseconds(value: object) -> str | None:
    """Return the time of a number of milliseconds since 1970 in RFC 3339; None for anything else."""
    text = normalize_text(value)
    if not _MILLISECONDS.fullmatch(text):
        return None
    return clock.format_rfc3339(int(text) * clock.SECOND // 1000)


def is_future(at: int) -> bool:
    """Return True if a time, in microseconds, is more than a day in the future."""
    return at > clock.now() + _MAX_FUTURE


def split_numeric_date(text: str) -> tuple[int, int] | None:
    """Return the first two numbers of a date that does not begin with the year; None for other texts."""
    text = text.strip()
    # The usual dates, 2024-01-15, begin with the year.
    if text[:4].isdigit() or len(text) > _MAX_DATE_LENGTH:
        return None
    match = NUMERIC_DATE.fullmatch(text)
    # With dots, the day is always first.
    if not match or match[2] == "." or len(match[1]) > 2 or _may_begin_with_year(text):
        return None
    return int(match[1]), int(match[3])


def _may_begin_with_year(text: str) -> bool:
    """Return True for a date such as `23-01-05`, whose year may be its first number or its last one."""
    return _SHORT_DATE.match(text) is not None and int(text[6:8]) <= 31


def parse_times(texts: Sequence[str]) -> Sequence[int | None]:
    """Return the times of a column as `parse_time` does, also those in the future.

    Raise ValueError as `parse_time` does, and for dates whose order has to be detected first.
    """
    if not all(map(_is_plain, texts)):
        if any(split_numeric_date(text) is not None for text in texts):
            raise ValueError("the order of day and month is open")
        return parse_column(partial(parse_time, allow_future=True), texts)
    return list(map(clock.from_datetime, map(datetime.fromisoformat, texts)))


def _is_plain(text: str) -> bool:
    """Return True if `datetime.fromisoformat` can parse the text unchanged, as in files of most programs."""
    return text[10:11] == "T" and text[-1:] == "Z"


def parse_microseconds(text: str, day_first: bool = False) -> int:
    """Return the microseconds since 1970 of a date or time, also of one in the future. Raise ValueError."""
    try:
        at = clock.from_datetime(
            datetime.fromisoformat(text if _is_plain(text) else to_rfc3339(text, day_first))
        )
    except ValueError:
        at = _EARLIEST - 1
    if not _EARLIEST <= at <= _LATEST:
        raise ValueError(f"{quote_value(text)} is not a date or time")
    return at


# A history has a few thousand days, most of them more than once.
_midnight = lru_cache(4096)(parse_microseconds)
_DATE_LENGTH = len("2016-12-31")


def to_rfc3339(text: str, day_first: bool) -> str:
    """Return a date or time in RFC 3339; its numbers may be impossible. Raise ValueError for any other text."""
    if match := _ISO_TIME.fullmatch(text):
        date, time, zone = match.groups()
        return f"{date}T{time or '00:00'}{'Z' if zone in (None, 'z', 'UTC') else zone}"
    if len(text) > _MAX_DATE_LENGTH:
        raise ValueError
    if match := _COMPACT_DATE.fullmatch(text):
        return _format_time(*match.groups())
    if _may_begin_with_year(text):
        raise ValueError
    if match := NUMERIC_DATE.fullmatch(text):
        first, separator, second, third = match.groups()[:4]
        return _format_time(*_order_parts(first, separator, second, third, day_first), *match.groups()[4:])
    text = _WEEKDAY.sub("", text)
    if match := _MONTH_FIRST.fullmatch(text):
        return _format_time(match[3], _number_month(match[1]), match[2], *match.groups()[3:])
    if match := _DAY_FIRST.fullmatch(text):
        return _format_time(_expand_year(match[3]), _number_month(match[2]), match[1], *match.groups()[3:])
    if match := _C_TIME.fullmatch(text):
        return f"{match[4]}-{_number_month(match[1])}-{match[2].strip():0>2}T{match[3]}Z"
    raise ValueError


def _order_parts(
    first: str, separator: str, second: str, third: str, day_first: bool
) -> tuple[str, str, str]:
    """Return the year, the month and the day of a numeric date."""
    if len(first) == 4:
        return first, second, third
    year = _expand_year(third)
    # A date that is impossible in the detected order has the other one.
    is_day_first = separator == "." or int(first) > 12 or (day_first and int(second) <= 12)
    return (year, second, first) if is_day_first else (year, first, second)


def _expand_year(year: str) -> str:
    """Return the year with four digits: spreadsheets write two."""
    return f"20{year}" if len(year) == 2 else year


def _number_month(name: str) -> str:
    return f"{_MONTHS.index(name.capitalize()) + 1:02}"


def _format_time(
    year: str,
    month: str,
    day: str,
    hour: str | None = None,
    minute: str | None = None,
    second: str | None = None,
    am_or_pm: str | None = None,
) -> str:
    """Return the parts of a time as RFC 3339 writes it in UTC. Raise ValueError for an impossible hour."""
    hours = int(hour or 0)
    if am_or_pm:
        if not 1 <= hours <= 12:
            raise ValueError
        hours = hours % 12 + (12 if am_or_pm in "Pp" else 0)
    return f"{year}-{month:0>2}-{day:0>2}T{hours:02}:{minute or '00'}:{second or '00'}Z"
