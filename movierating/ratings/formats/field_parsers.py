"""Parse the cells of a CSV file and the values of a JSON object: text, numbers or null.

Each function that parses a value raises ValueError with a reason for the user.
"""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

from movierating.http.fields import DISALLOWED
from movierating.ratings.formats import title_parts
from movierating.ratings.formats.stated_scale import split_scale

T = TypeVar("T")

# A movie that is added from a row must pass the validation of the API.
_MAX_TITLE_LENGTH = 500
_MAX_COMBINING_MARKS = 30

_IMDB_ID = re.compile(r"tt[0-9]{7,10}")
_BARE_IMDB_ID = re.compile(r"(?:tt)?0*([0-9]{1,10})(?:\.0)?", re.IGNORECASE)
_IMDB_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.|m\.)?imdb\.com/(?:[a-z-]+/)?title/tt0*([0-9]{1,10})(?![0-9])"
)
_TMDB_ID = re.compile(r"0*([0-9]{1,10})(?:\.0)?")
_MAX_TMDB_ID = 2**31 - 1

# What people, R, Python, SQL and JavaScript write for an unknown value, in lower case. Some are titles of films.
# An exporter from Filmweb writes IMDb's layout with `not-found` where it found no id.
_PLACEHOLDERS = {"-", "n/a", "na", "nan", "none", "null", "undefined", "\\n", "not-found"}
# Where the year is unknown, and the years of a series, also of one that has no end yet.
_NO_YEAR = re.compile(r"\?+")
_YEARS_OF_SERIES = re.compile(r"(\d{4})(?:\.0| ?[-\u2010-\u2015] ?(?:\d{4})?)", re.ASCII)
_YEAR_OF_DATE = re.compile(r"(?<!\d)\d{4}(?!\d)", re.ASCII)
_YEARS: dict[str, int | None] = {str(year): year for year in range(1870, 2101)} | {"": None, "0": None}


class Scale(NamedTuple):
    """The ratings of one service: the half points of each, by its text and by its number.

    With `highest`, all numbers up to it are ratings, and become the nearest half point.
    """

    half_points: dict[str | float, int]
    wording: str
    highest: int | None = None


def _make_scale(steps: int, highest: int, wording: str) -> Scale:
    """Return the scale of the ratings from `highest / steps` to `highest`, in equal steps."""
    half_points: dict[str | float, int] = {}
    for step in range(1, steps + 1):
        rating = step * highest / steps
        # A spreadsheet writes 4 as 4.0, and in half of Europe 3.5 as 3,5.
        forms = {f"{rating:g}", f"{rating:.1f}", f"{rating:.2f}"}
        forms |= {form.replace(".", ",") for form in forms}
        half_points |= dict.fromkeys((*forms, rating), step * 20 // steps)
    return Scale(half_points, wording)


STARS = _make_scale(10, 5, "0.5 to 5 stars by halves")
WHOLE_FIVE = _make_scale(5, 5, "a whole number from 1 to 5")
WHOLE_TEN = _make_scale(10, 10, "a whole number from 1 to 10")
HALVES_TO_TEN = _make_scale(20, 10, "a number from 0.5 to 10 by halves")
TEN = Scale({}, "a number up to 10", 10)
_ZEROS = ("0", "0.0", "0,0", "0.00", "0,00")
HUNDRED = Scale(dict.fromkeys((*_ZEROS, 0), 1), "a number from 0 to 100", 100)

_DECIMAL = re.compile(r"(\d{1,3})(?:[.,](\d{1,6}))?", re.ASCII)
# What services write for "not rated".
_NO_RATING = {"", *_ZEROS, "-", "-1"}


def has_rating(scale: Scale, value: object) -> bool:
    """Return False for a blank, and for 0 unless it is a rating on the scale."""
    if value is None:
        return False
    if not isinstance(value, str | int | float):
        # `parse_rating` rejects it.
        return True
    text = str(value).strip()
    if text in _NO_RATING or text in scale.half_points:
        return text in scale.half_points
    if isinstance(value, str) and text.lower() in _PLACEHOLDERS:
        return False
    stated = split_scale(text)
    return stated is None or stated[0] not in _NO_RATING or stated[1] == HUNDRED.highest


def parse_rating(scale: Scale, value: object) -> int:
    """Return the half points of a rating that is text or a JSON number. A text such as `8/10` has its own scale."""
    half_points = None
    if isinstance(value, str):
        half_points = scale.half_points.get(value) or scale.half_points.get(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool):
        half_points = scale.half_points.get(value)
    if half_points is None and isinstance(value, str) and (stated := split_scale(value)):
        rating, highest = stated
        half_points = _round_rating(highest, rating)
    elif half_points is None and scale.highest is not None:
        half_points = _round_rating(scale.highest, value)
    if half_points is None:
        raise ValueError(f"the rating {quote_value(value)} is not {scale.wording}")
    return half_points


def parse_number(value: object) -> float | None:
    """Return a number from 0 to 999 with a decimal point or comma; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _DECIMAL.fullmatch(str(value)[:20].strip())
    return float(f"{match[1]}.{match[2] or 0}") if match else None


def _round_rating(highest: int, value: object) -> int | None:
    number = parse_number(value)
    return None if number is None or number > highest else max(1, math.floor(number * 20 / highest + 0.5))


def parse_imdb_id(value: object) -> str | None:
    """Return `tt0111161`, also for the number alone, with its zeros or without, or an address; None for a blank."""
    if isinstance(value, str) and _IMDB_ID.fullmatch(value):
        return value
    text = normalize_fact(value)
    if not text:
        return None
    match = _IMDB_ADDRESS.match(text) or _BARE_IMDB_ID.fullmatch(text)
    if not match:
        raise ValueError(f"{quote_value(value)} is not an IMDb id")
    return f"tt{match[1]:0>7}" if match[1] != "0" else None


def parse_tmdb_id(value: object) -> int | None:
    """Return the number; None for a blank and for 0."""
    if isinstance(value, str) and len(value) < 10 and value.isascii() and value.isdigit():
        return int(value) or None
    text = normalize_fact(value)
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
    text = normalize_text(value)
    if not text:
        return None
    if not text.isascii() and len(text) <= 4 * _MAX_TITLE_LENGTH:
        text = _compose(text)
    if len(text) > _MAX_TITLE_LENGTH:
        raise ValueError(f"a title is longer than {_MAX_TITLE_LENGTH} characters")
    if not text.isprintable() and DISALLOWED.search(text):
        raise ValueError("a title has control characters or broken ones")
    return text


def _compose(text: str) -> str:
    """Return the text in NFC, or unchanged if more than 30 combining marks follow one letter.

    Normalizing takes quadratic time in these; the limit is that of the Stream-Safe Text Format (Unicode Standard
    Annex #15). Titles that are in NFC already, such as those of our exports, come out the same either way.
    """
    runs = groupby(text, lambda letter: unicodedata.combining(letter) > 0)
    if any(is_mark and len(list(marks)) > _MAX_COMBINING_MARKS for is_mark, marks in runs):
        return text
    return unicodedata.normalize("NFC", text)


def parse_kind(text: str, movie_words: Collection[str] = ("movie",)) -> str | None:
    """Return None for a blank and for one of `movie_words` (lower case) in any letter case; otherwise the text."""
    kind = text.strip()[:100]
    return None if not kind or kind.lower() in movie_words else kind


def parse_year(value: object) -> int | None:
    """Return the year, 1870 to 2100, the first of two, as of a series; None for a blank, 0 and `????`."""
    if isinstance(value, str) and value in _YEARS:
        return _YEARS[value]
    text = normalize_fact(value)
    if _NO_YEAR.fullmatch(text[:10]):
        return None
    if match := _YEARS_OF_SERIES.fullmatch(text):
        text = match[1]
    if text not in _YEARS:
        raise ValueError(f"{quote_value(value)} is not a year in which movies were made")
    return _YEARS[text]


def split_title(title: str, year: str) -> tuple[str, str]:
    """Return the title without the year in brackets at its end and with its article in front, and the year.

    A year of its own that is another one than that in brackets leaves both as they are.
    """
    name, year_in_brackets = title_parts.split_year(title[: 2 * _MAX_TITLE_LENGTH])
    if year_in_brackets is not None and year.strip() in ("", str(year_in_brackets)):
        title, year = name, str(year_in_brackets)
    return title_parts.move_article_to_front(title), year


def extract_year(date: str) -> str:
    """Return the year of a date in any order, or the text itself if it has no year of four digits."""
    match = _YEAR_OF_DATE.search(date[:100])
    return match[0] if match else date


def parse_column(parse: Callable[[str], T], texts: Sequence[str]) -> Sequence[T | None]:
    """Return `parse` of each cell of a column; it must return None for a blank. Raise what it raises."""
    return list(map(parse, texts)) if any(texts) else (None,) * len(texts)


def normalize_text(value: object) -> str:
    """Return a JSON value as a CSV cell holds it, trimmed: a string, a number, nothing for null."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("it has a list, an object or a flag where a text or a number belongs")
    return str(value)


def normalize_fact(value: object) -> str:
    """Return an id, a year or a date as `normalize_text` does, and nothing for a placeholder such as `N/A`."""
    text = normalize_text(value)
    return "" if isinstance(value, str) and text.lower() in _PLACEHOLDERS else text


def quote_value(value: object) -> str:
    """Return a value as error messages quote it, that of JSON as in JSON."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str | float | int):
        return repr(value[:30]) if isinstance(value, str) else repr(value)[:30]
    return "value"
