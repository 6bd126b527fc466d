"""Rows that every format reads or writes, independent of the file format."""

from collections.abc import Sequence
from typing import NamedTuple

from movierating.ratings.formats.table_reader import BadRow

__all__ = ["BadRow", "ExportRow", "RatedRow", "Row", "SkippedRow", "UnknownFormat", "check_row"]


class UnknownFormat(Exception):
    """The upload is rejected as a whole; the message is a sentence or two for the user."""


class RatedRow(NamedTuple):
    """A rating in an uploaded file.

    `line` is where the row starts: in a CSV file its line (the header's is 1), in JSON its place in the list, from 0.
    `file` is the file's name inside an uploaded ZIP, and empty without one. `value` counts half points, 1 to 20;
    `rated_at` microseconds since 1970, None where the file has no time. `alternative_title` is the original title.

    `kind` is None for a movie, and for what the file doesn't tell. Otherwise it is the file's own word for what was
    rated (`tvSeries`): such a row means the movie that carries one of its ids, if there is one, because catalogues
    disagree about what a movie is; it is never matched by title, adds no movie, and counts as skipped without one.
    """

    line: int
    imdb_id: str | None
    tmdb_id: int | None
    title: str | None
    alternative_title: str | None
    year: int | None
    value: int
    rated_at: int | None
    kind: str | None = None
    file: str = ""


class SkippedRow(NamedTuple):
    """A valid row without a rating, or of something that is no movie; `line` and `file` as in RatedRow."""

    line: int
    title: str | None
    year: int | None
    reason: str
    file: str = ""


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


def check_row(row: RatedRow) -> RatedRow | SkippedRow:
    """Return the row, or a SkippedRow for what is no movie. Raises ValueError if nothing says what was rated."""
    if row.imdb_id is not None or row.tmdb_id is not None:
        return row
    if row.kind is not None:
        return SkippedRow(row.line, row.title, row.year, f"it is no movie ({row.kind})", row.file)
    if row.title is None:
        raise ValueError("it names no movie, neither by an id nor by a title")
    return row
