"""Yamtrack's CSV: `media_id,source,media_type,title,image,season_number,episode_number,score,progress,status,
start_date,end_date,notes,…`.

`score` is 0 to 10, where 0 is no rating. `media_id` is the id at the `source`, which is `tmdb` for nearly all movies.
Older files lack the column: their movies all have ids of TMDB. A title has no year, and may be empty beside an id.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import TEN, parse_kind
from movierating.ratings.formats.rows import Row, parse_row

_COLUMNS = {
    **{"media_id": "media_id", "source": "source", "kind": "media_type", "title": "title"},
    **{"rating": "score", "rated_at": "end_date"},
}


def matches(file: CsvFile) -> bool:
    """Return True if the file has Yamtrack's columns."""
    return {"media_id", "media_type", "score"} <= set(file.columns)


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows; what is not a movie has a `kind`."""
    for file in files:
        yield from file.read_rows(_COLUMNS, _parse, dates=["rated_at"])


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    media_id, source = cells.pop("media_id"), cells.pop("source")
    cells["kind"] = parse_kind(cells["kind"])
    tmdb_id = media_id if source.strip().lower() in ("", "tmdb") else None
    return parse_row(file, line, TEN, **cells, year=None, tmdb_id=tmdb_id)
