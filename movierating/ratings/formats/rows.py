"""The rows that are read from and written to files, independent of their format."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from movierating.ratings.formats.field_parsers import (
    Scale,
    parse_imdb_id,
    parse_rating,
    parse_time,
    parse_title,
    parse_tmdb_id,
    parse_year,
)


class UnknownFormat(Exception):
    """The upload is rejected as a whole; the message is a sentence or two for the user."""


class RatedRow(NamedTuple):
    """A rating in an uploaded file.

    `line` is where the row starts: in a CSV file its line (the header's is 1), in JSON its place in the list, from 0.
    `file` is the file's name inside an uploaded ZIP, and empty without one. `value` counts half points, 1 to 20;
    `rated_at` microseconds since 1970, None where the file has no time.

    `kind` is None for a movie, and if the file does not say. Otherwise it is the file's word for what was rated
    (`tvSeries`). Such a row is matched by its ids alone, because catalogues disagree about what a movie is; if no movie
    has them, it is skipped. It never adds a movie.

    `film_id` is another service's id of the film, if the file has one for each film: rows of one title and year with
    different ids are different films. `note` tells the user how the row was read, if it could be read in another way.
    """

    line: int
    imdb_id: str | None
    tmdb_id: int | None
    title: str | None
    original_title: str | None
    year: int | None
    value: int
    rated_at: int | None
    kind: str | None = None
    file: str = ""
    film_id: str | None = None
    note: str | None = None


class SkippedRow(NamedTuple):
    """A valid row that is not imported; `line` and `file` as in RatedRow. `reason` may add to the outcome."""

    line: int
    title: str | None
    year: int | None
    outcome: Literal["older", "not_a_movie", "no_rating"]
    file: str = ""
    reason: str | None = None


class BadRow(NamedTuple):
    """A row that can't be read: `file` and `line` as in RatedRow, and the reason for the user."""

    file: str
    line: int
    reason: str


class ExportRow(NamedTuple):
    """A rating to export: `value` in half points, `rated_at` in microseconds since 1970."""

    imdb_id: str | None
    tmdb_id: int | None
    title: str
    original_title: str | None
    year: int | None
    directors: Sequence[str]
    value: int
    rated_at: int


Row = RatedRow | SkippedRow | BadRow


def parse_row(
    file: str,
    line: int,
    scale: Scale,
    rating: object,
    *,
    title: object,
    year: object,
    original_title: object = None,
    imdb_id: object = None,
    tmdb_id: object = None,
    rated_at: object = None,
    kind: str | None = None,
    allow_future: bool = False,
) -> RatedRow | SkippedRow:
    """Return the row of these cells or JSON values; a SkippedRow if it has no rating or is no movie.

    `rating` is on `scale`; `kind` is as in RatedRow. Raise ValueError with a reason for the user, also for a time in
    the future unless `allow_future`.
    """
    name, made_in = parse_title(title), parse_year(year)
    if rating is None or (isinstance(rating, str) and not rating.strip()):
        return SkippedRow(line, name, made_in, "no_rating", file)
    row = RatedRow(
        line,
        parse_imdb_id(imdb_id),
        parse_tmdb_id(tmdb_id),
        name,
        parse_title(original_title),
        made_in,
        parse_rating(scale, rating),
        parse_time(rated_at, allow_future=allow_future),
        kind,
        file,
    )
    return row if row.imdb_id is not None or row.tmdb_id is not None else _check_title(row)


def _check_title(row: RatedRow) -> RatedRow | SkippedRow:
    """Return a row without ids if its title may name a movie; skip other kinds. Raise ValueError without a title."""
    if row.kind is not None:
        return SkippedRow(
            row.line, row.title, row.year, "not_a_movie", row.file, f"it is no movie ({row.kind})"
        )
    if row.title is None:
        raise ValueError("it names no movie, neither by an id nor by a title")
    return row
