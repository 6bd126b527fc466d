"""Filmtipset's export: `VoteDate;MovieTitle;IMDB;Score`, 1 to 5.

`IMDB` is the number alone, often without its zeros; -1 or nothing if it is unknown. Titles have no year.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import WHOLE_FIVE
from movierating.ratings.formats.rows import Row, parse_row

_COLUMNS = {"rated_at": "votedate", "title": "movietitle", "imdb_id": "imdb", "rating": "score"}


def matches(file: CsvFile) -> bool:
    """Return True if the file has Filmtipset's columns."""
    return {"movietitle", "imdb", "score"} <= set(file.columns)


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows."""
    for file in files:
        yield from file.read_rows(_COLUMNS, _parse, dates=["rated_at"])


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    if cells["imdb_id"].strip() == "-1":
        cells["imdb_id"] = None
    return parse_row(file, line, WHOLE_FIVE, **cells, year=None)
