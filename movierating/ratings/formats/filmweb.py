"""Filmweb's ratings as filmweb-export writes them, in a new and an old layout.

- `timestamp,favorite,user_rating,global_rating,global_rating_count,original_title,pl_title,year,movie_id,url,date`
- `timestamp,iso_date,user_comment,user_vote,global_rating,global_votes,original_title,pl_title,…,link,…,year`

The new `timestamp` is in milliseconds, the old one in seconds. Ratings are 1 to 10, and `global_rating` is that of all
users. The path of the address begins with the kind of what was rated. `original_title` is empty if it is the Polish
one.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.dates import convert_milliseconds
from movierating.ratings.formats.field_parsers import HALVES_TO_TEN, parse_kind
from movierating.ratings.formats.rows import Row, parse_row

_COLUMNS = {
    **{"title": "pl_title", "original_title": "original_title", "year": "year", "rating": "user_rating"},
    **{"rated_at": "date", "timestamp": "timestamp", "film_id": "movie_id", "url": "url"},
}
_OLD_COLUMNS = {**_COLUMNS, "rating": "user_vote", "rated_at": "iso_date", "url": "link"}
_KIND = re.compile(r"filmweb\.pl/([a-z]+)/")


def matches(file: CsvFile) -> bool:
    """Return True if the file has Filmweb's columns."""
    return "pl_title" in file.columns and not {"user_rating", "user_vote"}.isdisjoint(file.columns)


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows; a series or game has a `kind`."""
    for file in files:
        columns = _COLUMNS if "user_rating" in file.columns else _OLD_COLUMNS
        yield from file.read_rows(columns, _parse, dates=["rated_at"])


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    cells["rated_at"] = convert_milliseconds(cells.pop("timestamp")) or cells["rated_at"]
    kind = _KIND.search(cells.pop("url")[:1000])
    cells["kind"] = parse_kind(kind[1], ("film",)) if kind else None
    return parse_row(file, line, HALVES_TO_TEN, **cells)
