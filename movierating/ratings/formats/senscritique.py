"""SensCritique's ratings: `date_notation,type,titre,titre_original,auteurs,sortie,…,note`.

`note` is 1 to 10, `sortie` a year or a date. SensCritique rates books, games, music and series as well.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import HALVES_TO_TEN, extract_year, parse_kind
from movierating.ratings.formats.rows import Row, parse_row

_COLUMNS = {
    **{"rated_at": "date_notation", "kind": "type", "title": "titre", "original_title": "titre_original"},
    **{"year": "sortie", "rating": "note"},
}


def matches(file: CsvFile) -> bool:
    """Return True if the file has SensCritique's columns."""
    columns = set(file.columns)
    return {"titre", "note"} <= columns and not columns.isdisjoint({"date_notation", "titre_original"})


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows; what is not a film has a `kind`."""
    for file in files:
        yield from file.read_rows(_COLUMNS, _parse, dates=["rated_at"])


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    cells["kind"] = parse_kind(cells["kind"], ("film", "films"))
    cells["year"] = extract_year(cells["year"])
    return parse_row(file, line, HALVES_TO_TEN, **cells)
