"""Ratings from Kinopoisk as two exporters write them: `id,nameEng,nameRus,rating,date,year,link`, and
`Num,Date,Name,NameRus,Rating_10,Rating,Year,Duration,Type`, where `Rating` is the half of `Rating_10`.

Ratings are 1 to 10, dates as `09.09.2009, 15:34`. The English name is the original one, or empty. Kinopoisk writes the
kind and the years behind the Russian name: `(сериал, 2011-2019)`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import HALVES_TO_TEN
from movierating.ratings.formats.rows import Row, parse_row

_BY_ID = {
    **{"film_id": "id", "title": "namerus", "original_title": "nameeng", "year": "year"},
    **{"rating": "rating", "rated_at": "date", "link": "link", "kind": "type"},
}
# `Num` is the place in the list, and no id of the film.
_BY_NUMBER = {field: column for field, column in _BY_ID.items() if field != "film_id"}
_BY_NUMBER |= {"original_title": "name", "rating": "rating_10"}
# Parts of the words for movies. Television films have the abbreviation alone, shows have more behind it.
_MOVIE = re.compile("movie|film|video|short|фильм|фільм|видео|відео|коротк|^(?:тв|tv)?$")
# "Video game" and "short series" have a word for movies in them.
_NO_MOVIE = re.compile("game|seri|игр|сериал|серіал|відеогра")
_KIND_AND_YEAR = re.compile(r"(?<!\s)\s*\((?:([\w -]+), )?\d{4}(?: ?[-\u2013] ?(?:\d{4}|\.\.\.)?)?\)$")


def matches(file: CsvFile) -> bool:
    """Return True if the file has the columns of an exporter from Kinopoisk."""
    columns = set(file.columns)
    return {"namerus", "nameeng", "rating"} <= columns or {"namerus", "rating_10"} <= columns


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows; a series has a `kind`."""
    for file in files:
        columns = _BY_NUMBER if "rating_10" in file.columns else _BY_ID
        yield from file.read_rows(columns, _parse, dates=["rated_at"])


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    title = cells["title"].strip()[:1000]
    if mark := _KIND_AND_YEAR.search(title):
        cells["title"] = title[: mark.start()]
        cells["kind"] = cells["kind"] or mark[1] or ""
    if "/series/" in cells.pop("link"):
        cells["kind"] = "series"
    cells["kind"] = find_kind(cells["kind"])
    return parse_row(file, line, HALVES_TO_TEN, **cells)


def find_kind(text: str) -> str | None:
    """Return None for an English, Russian or Ukrainian word for movies and for a blank; otherwise the text."""
    kind = text.strip()[:100]
    lower = kind.lower()
    return None if _MOVIE.search(lower) and not _NO_MOVIE.search(lower) else kind
