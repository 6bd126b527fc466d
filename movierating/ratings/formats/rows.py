"""What every format gives and takes: neutral rows, which say nothing of the file they come from or go to."""

from collections.abc import Sequence
from typing import NamedTuple

from movierating.ratings.formats.table_reader import BadRow

__all__ = ["BadRow", "ExportRow", "RatedRow", "Row", "SkippedRow", "UnknownFormat", "check_row"]


class UnknownFormat(Exception):
    """The upload can't be taken as a whole; the message is a sentence or two for the person who sent it."""


class RatedRow(NamedTuple):
    """Somebody's rating of something.

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
    """A row that is in order, but rates nothing, or nothing that is a movie; `line` and `file` as in RatedRow."""

    line: int
    title: str | None
    year: int | None
    reason: str
    file: str = ""


class ExportRow(NamedTuple):
    """A rating on its way out: `value` in half points, `rated_at` in microseconds."""

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
    """The row, or what it comes to; raises ValueError where it doesn't say what was rated."""
    if row.imdb_id is not None or row.tmdb_id is not None:
        return row
    if row.kind is not None:
        return SkippedRow(row.line, row.title, row.year, f"it is no movie ({row.kind})", row.file)
    if row.title is None:
        raise ValueError("it names no movie, neither by an id nor by a title")
    return row
