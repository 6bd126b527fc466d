"""Ratings from Flixster and Rotten Tomatoes, as their sites send them: JSON, a list or `{"ratings": […]}`.

- Flixster: `{"movie": {"title", "year"}, "score": "4.5"}`; `WTS` is "want to see", `NI` "not interested".
- Rotten Tomatoes: `{"item": {"title", "releaseYear"}, "review": {"score", "age"}}`, where `age` is a date, and later
  `{"createTime", "review": {"score"}, "media": {"title", "type"}}` with milliseconds and without a year.

Scores are 0.5 to 5 stars.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.dates import convert_milliseconds
from movierating.ratings.formats.field_parsers import STARS, normalize_text, parse_kind
from movierating.ratings.formats.json_reader import JsonFile, find_object, get_object
from movierating.ratings.formats.rows import Row, parse_row

_MOVIES = ("movie", "item", "media")
_NO_SCORE = ("WTS", "NI")


def matches(file: JsonFile) -> bool:
    """Return True if the first items are those of Flixster or Rotten Tomatoes."""
    return any(_is_rating(item) for item in file.sample)


def _is_rating(item: object) -> bool:
    if not isinstance(item, dict) or find_object(item, _MOVIES) is None:
        return False
    return "score" in item or isinstance(item.get("review"), dict)


def read(files: Iterable[JsonFile]) -> Iterator[Row]:
    """Yield the rows; a series or season has a `kind`."""
    for file in files:
        yield from file.read_rows(_parse)


def _parse(file: str, index: int, item: Any) -> Row:
    name = find_object(item, _MOVIES)
    if name is None:
        raise ValueError("it is not an object with a movie")
    movie, review = item[name], get_object(item, "review")
    score = item.get("score", review.get("score"))
    return parse_row(
        *(file, index, STARS, None if score in _NO_SCORE else score),
        title=movie.get("title"),
        year=movie.get("year", movie.get("releaseYear")),
        rated_at=convert_milliseconds(item.get("createTime")) or review.get("age"),
        kind=parse_kind(normalize_text(movie.get("type"))),
    )
