"""TV Time's history as its exporters write it: `imdb_id,tvdb_id,type,title,season,episode,is_special,is_watched,
watched_at,status,is_watchlisted,rating`.

Ratings are 1 to 10; older files have none. Titles have no year. Rows may end before `rating`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import HALVES_TO_TEN, parse_kind
from movierating.ratings.formats.rows import Row, mark_episode, parse_row

_COLUMNS = {
    **{"imdb_id": "imdb_id", "kind": "type", "title": "title", "season": "season", "episode": "episode"},
    **{"rated_at": "watched_at", "rating": "rating"},
}


def matches(file: CsvFile) -> bool:
    """Return True if the file has TV Time's columns."""
    return {"tvdb_id", "type", "title", "is_watched", "rating"} <= set(file.columns)


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows; a series has a `kind`; an episode, which carries its series's id, is skipped."""
    for file in files:
        yield from file.read_rows(_COLUMNS, _parse, dates=["rated_at"])


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    cells["kind"] = parse_kind(cells["kind"])
    mark_episode(cells)
    return parse_row(file, line, HALVES_TO_TEN, **cells, year=None)
