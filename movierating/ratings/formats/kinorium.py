"""Kinorium's export: UTF-16 with tabs, `Title,Original Title,Type,Year,My rating,Date`.

The type is in the language of the account. Ratings are 1 to 10.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import HALVES_TO_TEN
from movierating.ratings.formats.kinopoisk import find_kind
from movierating.ratings.formats.rows import Row, parse_row

_COLUMNS = {
    **{"title": "title", "original_title": "original title", "kind": "type", "year": "year"},
    **{"rating": "my rating", "rated_at": "date"},
}


def matches(file: CsvFile) -> bool:
    """Return True if the file has Kinorium's columns."""
    return {"title", "type", "my rating"} <= set(file.columns)


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows; a series has a `kind`."""
    for file in files:
        yield from file.read_rows(_COLUMNS, _parse, dates=["rated_at"])


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    cells["kind"] = find_kind(cells["kind"])
    return parse_row(file, line, HALVES_TO_TEN, **cells)
