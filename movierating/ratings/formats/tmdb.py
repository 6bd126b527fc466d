"""TMDB's account export: `TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,Rating,Your Rating,
Date Rated`. `Rating` is of all users, `Your Rating` 0.5 to 10 by halves."""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import HALVES_TO_TEN, extract_year, parse_kind
from movierating.ratings.formats.rows import Row, mark_episode, parse_row

_COLUMNS = {
    **{"tmdb_id": "tmdb id", "imdb_id": "imdb id", "kind": "type", "title": "name", "year": "release date"},
    **{"season": "season number", "episode": "episode number"},
    **{"rating": "your rating", "rated_at": "date rated"},
}


def matches(file: CsvFile) -> bool:
    """Return True if the file has TMDB's columns."""
    return {"tmdb id", "your rating"} <= set(file.columns)


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows; a series has a `kind`; an episode, which carries its series's ids, is skipped."""
    for file in files:
        yield from file.read_rows(_COLUMNS, _parse, dates=["rated_at"])


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    # 1991-09-13, 1991-09 or 1991, and 9/13/1991 from a spreadsheet.
    cells["year"] = extract_year(cells["year"])
    cells["kind"] = parse_kind(cells["kind"])
    mark_episode(cells)
    return parse_row(file, line, HALVES_TO_TEN, **cells)
