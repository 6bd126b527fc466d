"""The first rows of a file as an import would read them, before it is known which movies they mean."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from movierating import clock
from movierating.ratings.formats.custom_csv import ColumnMapping
from movierating.ratings.formats.rows import RatedRow, RejectedFile, Row, UnknownColumns, describe_kind
from movierating.ratings.formats.upload_reader import open_upload
from movierating.ratings.imports import reject_file

MAX_ROWS = 5
MAX_COLUMNS = 100
MAX_CELL_LENGTH = 100
_FIELDS = ("title", "original_title", "year", "imdb_id", "tmdb_id", "value", "rated_at", "reason")


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """The format, the columns of a CSV and a dict for each row.

    If the columns must be named first, the format is None, the message tells why, and instead of `rows` there are the
    cells of each row.
    """

    format: str | None
    columns: Sequence[str]
    message: str | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)


def preview_file(
    file: BinaryIO, expected_format: str | None = None, mapping: ColumnMapping | None = None
) -> ImportPreview:
    """Read the first rows of a file as `import_file` does. Raise InvalidRequest if it is rejected as a whole."""
    try:
        return _preview_rows(file, expected_format, mapping)
    except RejectedFile as error:
        raise reject_file(error) from error


def _preview_rows(
    file: BinaryIO, expected_format: str | None, mapping: ColumnMapping | None
) -> ImportPreview:
    try:
        upload = open_upload(file, expected_format, mapping)
        rows = list(islice(upload.rows, MAX_ROWS))
    except UnknownColumns as error:
        return _preview_cells(error)
    return ImportPreview(upload.format, upload.columns[:MAX_COLUMNS], rows=list(map(_describe_row, rows)))


def _preview_cells(unknown: UnknownColumns) -> ImportPreview:
    rows = unknown.read_cells(MAX_ROWS)
    cells = [[cell[:MAX_CELL_LENGTH] for cell in row[:MAX_COLUMNS]] for row in rows]
    return ImportPreview(None, unknown.columns[:MAX_COLUMNS], str(unknown), cells=cells)


def _describe_row(row: Row) -> dict[str, Any]:
    """Return the facts of a row; None for those that it does not have or that were not read."""
    facts = {
        "file": row.file or None,
        "line": row.line,
        **{name: getattr(row, name, None) for name in _FIELDS},
    }
    if isinstance(row, RatedRow):
        rated_at = None if row.rated_at is None else clock.format_rfc3339(row.rated_at)
        if row.kind is not None:
            row = row.prepend_note(f"{describe_kind(row.kind)}, unless one has its IMDb id")
        facts |= {"value": row.value / 2, "rated_at": rated_at, "reason": row.note}
    return facts
