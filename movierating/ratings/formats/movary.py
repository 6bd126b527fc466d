"""Movary's export of ratings: `title,year,tmdbId,imdbId,userRating`, whole numbers from 1 to 10, no dates."""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import WHOLE_TEN
from movierating.ratings.formats.rows import Row, parse_row

_COLUMNS = {
    **{"title": "title", "year": "year", "imdb_id": "imdbid", "tmdb_id": "tmdbid"},
    "rating": "userrating",
}


def matches(file: CsvFile) -> bool:
    """Return True if the file has Movary's columns."""
    return {"title", "userrating"} <= set(file.columns)


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows, none with a time."""
    for file in files:
        yield from file.read_rows(_COLUMNS, _parse)


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    return parse_row(file, line, WHOLE_TEN, **cells)
