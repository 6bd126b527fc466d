"""Parse the cells of a CSV file and the values of a JSON object: text, numbers or null.

Each function that parses a value raises ValueError with a reason for the user.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby
from typing import NamedTuple, TypeVar

from movierating import clock

T = TypeVar("T")

# As in `http.fields`: a movie that is added from a row must pass its validation.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_MAX_TITLE_LENGTH = 500
_MAX_COMBINING_MARKS = 30

_IMDB_ID = re.compile(r"tt[0-9]{7,10}")
_BARE_IMDB_ID = re.compile(r"(?:tt)?0*([0-9]{1,10})(?:\.0)?", re.IGNORECASE)
_TMDB_ID = re.compile(r"0*([0-9]{1,10})(?:\.0)?")
_MAX_TMDB_ID = 2**31 - 1

_YEARS: dict[str, int | None] = {str(year): year for year in range(1870, 2101)} | {"": None, "0": None}

_ISO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?([Zz]|UTC|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_SLASHED_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_C_TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]?\d) (\d\d:\d\d:\d\d) (\d{4})", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EARLIEST = -62_135_596_800 * clock.SECOND  # 0001-01-01
_LATEST = 253_402_300_800 * clock.SECOND - 1  # the end of 9999
# East of Greenwich the date may already be tomorrow's.
_MAX_UTC_OFFSET = timedelta(hours=14) // timedelta(microseconds=1)

# A spreadsheet runs a cell that starts with one of these characters; with the full-width ones where Japanese or
# Chinese is typed. Where the comma is the decimal mark, spreadsheets also start a cell after a semicolon.
_STARTS_CELL, _STARTS_FORMULA = "(?:^|(?<=;))", "(?=[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20])"
# Spreadsheets may drop quotation marks; apostrophes must be distinguishable from our own.
_FORMULA = re.compile(f"{_STARTS_CELL}([\"']*){_STARTS_FORMULA}")
_ESCAPED_FORMULA = re.compile(f"{_STARTS_CELL}'([\"']*){_STARTS_FORMULA}")


class Scale(NamedTuple):
    """The ratings of one service: the half points of each, by its text and by its number."""

    half_points: dict[str | float, int]
    wording: str


def _scale(steps: int, highest: int, wording: str) -> Scale:
    half_points: dict[str | float, int] = {}
    for step in range(1, steps + 1):
        rating = step * highest / steps
        # A spreadsheet writes 4 as 4.0, and in half of Europe 3.5 as 3,5.
        forms = {f"{rating:g}", f"{rating:.1f}"}
        forms |= {form.replace(".", ",") for form in forms}
        half_points |= dict.fromkeys((*forms, rating), step * 20 // steps)
    return Scale(half_points, wording)


STARS = _scale(10, 5, "0.5 to 5 stars by halves")
WHOLE_TEN = _scale(10, 10, "a whole number from 1 to 10")
HALVES_TO_TEN = _scale(20, 10, "a number from 0.5 to 10 by halves")


def parse_rating(scale: Scale, value: object) -> int:
    """Return the half points of a rating that is text or a JSON number."""
    half_points = None
    if isinstance(value, str):
        half_points = scale.half_points.get(value) or scale.half_points.get(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool):
        half_points = scale.half_points.get(value)
    if half_points is None:
        raise ValueError(f"the rating {quote_value(value)} is not {scale.wording}")
    return half_points


def parse_imdb_id(value: object) -> str | None:
    """Return `tt0111161`, also for the number alone, with its zeros or without; None for a blank."""
    if isinstance(value, str) and _IMDB_ID.fullmatch(value):
        return value
    text = _text(value)
    if not text:
        return None
    match = _BARE_IMDB_ID.fullmatch(text)
    if not match:
        raise ValueError(f"{quote_value(value)} is not an IMDb id")
    return f"tt{match[1]:0>7}" if match[1] != "0" else None


def parse_tmdb_id(value: object) -> int | None:
    """Return the number; None for a blank and for 0."""
    if isinstance(value, str) and len(value) < 10 and value.isascii() and value.isdigit():
        return int(value) or None
    text = _text(value)
    if not text:
        return None
    match = _TMDB_ID.fullmatch(text)
    number = int(match[1]) if match else _MAX_TMDB_ID + 1
    if number > _MAX_TMDB_ID:
        raise ValueError(f"{quote_value(value)} is not a TMDB id")
    return number or None


def parse_title(value: object) -> str | None:
    """Return the title trimmed and in NFC; None for a blank."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= _MAX_TITLE_LENGTH:
        return value.strip() or None
    text = _text(value)
    if not text:
        return None
    if not text.isascii() and len(text) <= 4 * _MAX_TITLE_LENGTH:
        text = _compose(text)
    if len(text) > _MAX_TITLE_LENGTH:
        raise ValueError(f"a title is longer than {_MAX_TITLE_LENGTH} characters")
    if not text.isprintable() and _UNWANTED.search(text):
        raise ValueError("a title has control characters or broken ones")
    return text


def _compose(text: str) -> str:
    """Return the text in NFC, or unchanged if more than 30 combining marks follow one letter.

    Normalizing takes quadratic time in these; the limit is that of the Stream-Safe Text Format (Unicode Standard
    Annex #15). Titles that are in NFC already, such as those of our own exports, come out the same either way.
    """
    runs = groupby(text, lambda letter: unicodedata.combining(letter) > 0)
    if any(is_mark and len(list(marks)) > _MAX_COMBINING_MARKS for is_mark, marks in runs):
        return text
    return unicodedata.normalize("NFC", text)


def parse_kind(text: str) -> str | None:
    """Return None for `movie` and for a blank, and else the word for what was rated."""
    kind = text.strip()[:100]
    return None if kind.lower() in ("movie", "") else kind


def parse_year(value: object) -> int | None:
    """Return the year, 1870 to 2100; None for a blank and for 0."""
    if isinstance(value, str) and value in _YEARS:
        return _YEARS[value]
    text = _text(value).removesuffix(".0")
    if text not in _YEARS:
        raise ValueError(f"{quote_value(value)} is not a year in which movies were made")
    return _YEARS[text]


def parse_time(value: object, *, allow_future: bool = False) -> int | None:
    """Return the microseconds since 1970 of a time, or of a date's midnight, in UTC if it names no zone.

    Accepts RFC 3339 and its dates, a spreadsheet's `12/31/2016`, and `Sat Dec 31 00:00:00 2016` of old IMDb files.
    Returns None for a blank. Raise ValueError, also for a time in the future unless `allow_future`.
    """
    text = _text(value)
    if not text:
        return None
    at = _midnight(text) if len(text) <= _DATE_LENGTH else _microseconds(text)
    if is_future(at) and not allow_future:
        raise ValueError(f"its time {quote_value(text)} lies in the future")
    return at


def is_future(at: int) -> bool:
    """Return True if a time, in microseconds, is in the future in every time zone."""
    return at > clock.now() + _MAX_UTC_OFFSET


def parse_column(parse: Callable[[str], T], texts: Sequence[str]) -> Sequence[T | None]:
    """Return `parse` of each cell of a column; it must return None for a blank. Raise what it raises."""
    return list(map(parse, texts)) if any(texts) else (None,) * len(texts)


def parse_times(texts: Sequence[str]) -> Sequence[int | None]:
    """Return the times of a column as `parse_time` does, also those in the future."""
    if not all(map(_is_plain, texts)):
        return parse_column(partial(parse_time, allow_future=True), texts)
    return list(map(clock.from_datetime, map(datetime.fromisoformat, texts)))


def _is_plain(text: str) -> bool:
    """Return True if `datetime.fromisoformat` can parse the text unchanged, as in files of most programs."""
    return text[10:11] == "T" and text[-1:] == "Z"


def _microseconds(text: str) -> int:
    try:
        at = clock.from_datetime(datetime.fromisoformat(text if _is_plain(text) else _in_rfc3339(text)))
    except ValueError:
        at = _EARLIEST - 1
    if not _EARLIEST <= at <= _LATEST:
        raise ValueError(f"{quote_value(text)} is not a date or time")
    return at


# A history has a few thousand days, most of them more than once.
_midnight = lru_cache(4096)(_microseconds)
_DATE_LENGTH = len("2016-12-31")


def _in_rfc3339(text: str) -> str:
    if match := _ISO_TIME.fullmatch(text):
        date, time, zone = match.groups()
        return f"{date}T{time or '00:00'}{'Z' if zone in (None, 'z', 'UTC') else zone}"
    if match := _SLASHED_DATE.fullmatch(text):
        month, day, year = match.groups()
        return f"{year}-{month:0>2}-{day:0>2}T00:00Z"
    if (match := _C_TIME.fullmatch(text)) and match[1] in _MONTHS:
        return f"{match[4]}-{_MONTHS.index(match[1]) + 1:02}-{match[2].strip():0>2}T{match[3]}Z"
    raise ValueError


def escape_formula(text: str) -> str:
    """Return the text with an apostrophe before each start of a spreadsheet formula; `unescape_formula` reverts it."""
    # Nearly all titles are harmless, and this is a tenth of the work.
    if text[:1].isalnum() and ";" not in text:
        return text
    return _FORMULA.sub(r"'\1", text)


def unescape_formula(text: str) -> str:
    """Return the text that `escape_formula` escaped; other texts unchanged."""
    return _ESCAPED_FORMULA.sub(r"\1", text) if "'" in text else text


def _text(value: object) -> str:
    """Return a JSON value as a CSV cell holds it, trimmed: a string, a number, nothing for null."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("it has a list, an object or a flag where a text or a number belongs")
    return str(value)


def quote_value(value: object) -> str:
    """Return a value as error messages quote it."""
    if isinstance(value, str | float | None):
        return repr(value[:30] if isinstance(value, str) else value)
    return "value"
