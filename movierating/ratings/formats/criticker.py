"""Criticker's ratings: a CSV with a blank behind each comma, and XML.

- CSV: `Score, Film Name, Year, Date Rated, Mini Review, URL, IMDB ID`.
- XML: `<recentratings><film>` with the elements `filmname` (`Title (Year)`), `filmlink`, `rating` or, in older files,
  `score`, `reviewdate` and `imdbid`.

Scores are 0 to 100 and become the nearest half point, 0 the lowest rating. Dates are as `Apr 23 2017, 08:18`.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import HUNDRED, parse_number, parse_title
from movierating.ratings.formats.rows import Row, add_note, parse_row
from movierating.ratings.formats.title_parts import move_article_to_front, split_year
from movierating.ratings.formats.xml_reader import Item, XmlFile

_COLUMNS = {
    **{"rating": "score", "title": "film name", "year": "year", "rated_at": "date rated"},
    **{"url": "url", "imdb_id": "imdb id"},
}
_KIND = re.compile(r"criticker\.com/(tv|games?)/")
# Some people rate from 0 to 10 there; the scores of others soon exceed 10.
_SAMPLE = 1_000
_LOW_SCORES = "the first scores are 10 or less; all are read on a scale of 100"


def matches_csv(file: CsvFile) -> bool:
    """Return True if a CSV file has Criticker's columns."""
    return {"score", "film name"} <= set(file.columns)


def matches_xml(file: XmlFile) -> bool:
    """Return True if an XML file has Criticker's root element."""
    return file.root == "recentratings"


def read(files: Iterable[CsvFile | XmlFile]) -> Iterator[Row]:
    """Yield the rows; a series or game has a `kind`. The first row has a note if all scores may be out of 10."""
    for file in files:
        if isinstance(file, CsvFile):
            scores, rows = file.read_column("score"), file.read_rows(_COLUMNS, _parse, dates=["rated_at"])
        else:
            scores, rows = map(_find_score, file.read_items()), file.read_rows(_parse_item)
        has_high_score = any((parse_number(score) or 0) > 10 for score in islice(scores, _SAMPLE))
        yield from rows if has_high_score else add_note(rows, _LOW_SCORES)


def _find_score(item: Item) -> str:
    return item.get("rating") or item.get("score", "")


def _parse_item(file: str, index: int, item: Item) -> Row:
    title, year = split_year(parse_title(item.get("filmname")) or "")
    cells = {"title": title, "year": year, "rating": _find_score(item), "rated_at": item.get("reviewdate")}
    return _parse(file, index, {**cells, "imdb_id": item.get("imdbid"), "url": item.get("filmlink", "")})


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    # A title may end with its article, as in a sorted list: `Silent Harbour, The`.
    cells["title"] = move_article_to_front(cells["title"])
    kind = _KIND.search(cells.pop("url")[:1000])
    return parse_row(file, line, HUNDRED, **cells, kind=kind[1] if kind else None)
