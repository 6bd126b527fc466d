"""Ryot's export: JSON, `{"metadata": [{"lot", "source_id", "identifier", "source", "reviews": [{"rating", "review":
{"date"}}], …}], "people": […], …}`, where older files have `media` instead of `metadata`.

`identifier` is the id at the `source`, which is `tmdb` for most movies. `source_id` is the title; files that other
programs make for Ryot's importer often have the id there, too. There is no year. Ratings are 0 to 100, as text
(https://docs.ryot.io/exporting).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.field_parsers import HUNDRED, has_rating, normalize_text, parse_kind
from movierating.ratings.formats.json_reader import JsonFile, get_object
from movierating.ratings.formats.rows import Row, parse_row


def matches(file: JsonFile) -> bool:
    """Return True if the first items of a JSON file are Ryot's."""
    return any(isinstance(item, dict) and {"lot", "source", "reviews"} <= item.keys() for item in file.sample)


def read(files: Iterable[JsonFile]) -> Iterator[Row]:
    """Yield the rows; what is not a movie has a `kind`."""
    for file in files:
        yield from file.read_rows(_parse)


def _parse(file: str, index: int, item: Any) -> Row:
    if not isinstance(item, dict):
        raise ValueError("it is not an object with a movie")
    review = _select_review(item.get("reviews"))
    title, identifier = item.get("source_id"), item.get("identifier")
    is_of_tmdb = normalize_text(item.get("source")).lower() == "tmdb"
    return parse_row(
        *(file, index, HUNDRED, review.get("rating")),
        title=None if title == identifier else title,
        year=None,
        tmdb_id=identifier if is_of_tmdb else None,
        rated_at=_get_date(review),
        kind=parse_kind(normalize_text(item.get("lot"))),
    )


def _select_review(reviews: object) -> dict[str, Any]:
    """Return the newest review with a rating; an empty one if there is none."""
    reviews = reviews if isinstance(reviews, list) else []
    rated = (each for each in reviews if isinstance(each, dict) and has_rating(HUNDRED, each.get("rating")))
    return max(rated, key=lambda review: str(_get_date(review) or ""), default={})


def _get_date(review: dict[str, Any]) -> object:
    return get_object(review, "review").get("date")
