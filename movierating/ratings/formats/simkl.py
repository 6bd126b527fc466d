"""Simkl's CSV: `SIMKL_ID,Title,Type,Year,Watchlist,LastEpWatched,WatchedDate,Rating,Memo,TVDB,TMDB,IMDB`, and the one
that it imports: `simkl_id,TVDB_ID,TMDB,IMDB_ID,MAL_ID,Type,Title,Year,LastEpWatched,Watchlist,WatchedDate,Rating,Memo`.

Ratings are whole, 1 to 10. Dates have the month first.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import WHOLE_TEN, parse_kind
from movierating.ratings.formats.rows import Row, parse_row

_COLUMNS = {
    **{"film_id": "simkl_id", "title": "title", "kind": "type", "year": "year"},
    **{"rated_at": "watcheddate", "rating": "rating", "tmdb_id": "tmdb"},
}


def matches(file: CsvFile) -> bool:
    """Return True if the file has Simkl's columns; `simkl_id` may be missing, because its import does not need it."""
    columns = set(file.columns)
    return {"title", "type", "rating"} <= columns and not columns.isdisjoint({"simkl_id", "lastepwatched"})


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows; a series or anime has a `kind`."""
    for file in files:
        columns = {**_COLUMNS, "imdb_id": "imdb" if "imdb" in file.columns else "imdb_id"}
        yield from file.rows(columns, _parse, dates=["rated_at"], is_month_first=True)


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    cells["kind"] = parse_kind(cells["kind"])
    if cells["kind"] is not None:
        # TMDB counts series apart: number 1396 is a movie as well.
        cells["tmdb_id"] = None
    return parse_row(file, line, WHOLE_TEN, **cells)
