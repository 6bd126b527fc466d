"""Ryot's export: JSON, `{"metadata": [{"lot", "source_id", "identifier", "source", "reviews": [{"rating", "review":
{"date"}}], …}], "people": […], …}`, where older files have `media` instead of `metadata`.

`identifier` is the id at the `source`, which is `tmdb` for most movies. `source_id` is the title; files that other
programs make for Ryot's importer often have the id there, too. There is no year.

Ratings are text. They are 0 to 100 (https://docs.ryot.io/exporting), but Ryot divides them if its settings show ratings
up to 10 or 5. The file does not name the scale.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain
from typing import Any

from movierating.ratings.formats.field_parsers import (
    HUNDRED,
    TEN,
    Scale,
    has_rating,
    normalize_text,
    parse_kind,
    parse_number,
)
from movierating.ratings.formats.json_reader import JsonFile, get_object
from movierating.ratings.formats.rows import RejectedFile, Row, add_note, parse_row

_FIVE = Scale({}, "a number up to 5", 5)
_ADVICE = "To name the scale, choose ratings up to 100 in Ryot's settings and export again."


def matches(file: JsonFile) -> bool:
    """Return True if the first items of a JSON file are Ryot's."""
    return any(isinstance(item, dict) and {"lot", "source", "reviews"} <= item.keys() for item in file.sample)


def read(files: Iterable[JsonFile]) -> Iterator[Row]:
    """Yield the rows; what is not a movie has a `kind`. The first rating has a note unless the scale ends at 100."""
    files = list(files)
    scale = _find_scale(files)
    rows = chain.from_iterable(file.read_rows(partial(_parse, scale)) for file in files)
    if scale == HUNDRED:
        return rows
    note = f"ratings are read on a scale of {scale.highest}, because none is higher"
    return add_note(rows, f"{note}. {_ADVICE}")


def _find_scale(files: Iterable[JsonFile]) -> Scale:
    """Return the smallest scale with all the ratings, also those of books and series.

    Raise RejectedFile if they are whole numbers up to 5, which may be stars or few ratings up to 10.
    """
    highest, has_fractions = 0.0, False
    for file in files:
        with closing(file.read_items()) as items:
            for rating in chain.from_iterable(map(_list_ratings, items)):
                number = parse_number(rating) or 0.0
                highest, has_fractions = max(highest, number), has_fractions or not number.is_integer()
                if highest > 10:
                    return HUNDRED
    if 0 < highest <= 5 and not has_fractions:
        raise RejectedFile(
            f"The ratings are whole numbers up to {highest:g}: their scale may end at 5 or at 10. {_ADVICE}"
        )
    return TEN if highest > 5 else _FIVE


def _list_ratings(item: object) -> list[object]:
    reviews = item.get("reviews") if isinstance(item, dict) else None
    reviews = reviews if isinstance(reviews, list) else []
    return [review.get("rating") for review in reviews if isinstance(review, dict)]


def _parse(scale: Scale, file: str, index: int, item: Any) -> Row:
    if not isinstance(item, dict):
        raise ValueError("it is not an object with a movie")
    review = _select_review(scale, item.get("reviews"))
    title, identifier = item.get("source_id"), item.get("identifier")
    is_of_tmdb = normalize_text(item.get("source")).lower() == "tmdb"
    return parse_row(
        *(file, index, scale, review.get("rating")),
        title=None if title == identifier else title,
        year=None,
        tmdb_id=identifier if is_of_tmdb else None,
        rated_at=_get_date(review),
        kind=parse_kind(normalize_text(item.get("lot"))),
    )


def _select_review(scale: Scale, reviews: object) -> dict[str, Any]:
    """Return the newest review with a rating; an empty one if there is none."""
    reviews = reviews if isinstance(reviews, list) else []
    rated = (each for each in reviews if isinstance(each, dict) and has_rating(scale, each.get("rating")))
    return max(rated, key=lambda review: str(_get_date(review) or ""), default={})


def _get_date(review: dict[str, Any]) -> object:
    return get_object(review, "review").get("date")
