"""FilmAffinity's ratings as two exporters write them, with semicolons: `ID;Title;Year;Vote;Voted;FA rate;…` in UTF-16,
and `title;year;user score;original title;directors` in UTF-8, in any order and with more columns.

`Vote` and `user score` are 1 to 10, `FA rate` is that of all users, and `Voted` a date such as `20151012`. A title may
end in FilmAffinity's mark of its kind: `(TV Series)`, `(Miniserie de TV)`, `(TV)` for television films, `(S)` or `(C)`
for short films.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import HALVES_TO_TEN
from movierating.ratings.formats.rows import Row, parse_row

_BY_ID = {
    **{"film_id": "id", "title": "title", "original_title": "original title", "year": "year"},
    **{"rating": "vote", "rated_at": "voted"},
}
_BY_TITLE = {**_BY_ID, "film_id": "fa movie id", "rating": "user score"}
_MARK = re.compile(r"(?<!\s)\s+\((?:((?:TV|Mini|Serie|Music|Vídeo)[\w -]+)|TV|S|C)\)\s*$", re.IGNORECASE)


def matches(file: CsvFile) -> bool:
    """Return True if the file has the columns of an exporter from FilmAffinity."""
    columns = set(file.columns)
    by_id = {"title", "vote"} <= columns and not columns.isdisjoint({"voted", "fa rate"})
    return by_id or {"title", "user score", "directors"} <= columns


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows; a series or music video has a `kind`."""
    for file in files:
        columns = _BY_TITLE if "user score" in file.columns else _BY_ID
        yield from file.read_rows(columns, _parse, dates=["rated_at"])


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    mark = _MARK.search(cells["title"][:500])
    kind = mark[1] if mark else None
    for name in ("title", "original_title"):
        cells[name] = _MARK.sub("", cells[name][:1000])
    return parse_row(file, line, HALVES_TO_TEN, **cells, kind=kind)
