"""Any CSV file, with columns that the user maps to the fields of a rating."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from movierating.ratings.formats.csv_reader import CsvFile, list_names
from movierating.ratings.formats.field_parsers import (
    HUNDRED,
    Scale,
    parse_number,
    quote_value,
    unescape_formula,
)
from movierating.ratings.formats.rows import InvalidColumn, Row, add_note, parse_row

TARGETS = ("title", "original_title", "year", "rating", "rated_at", "imdb_id", "tmdb_id")
# By the highest rating.
SCALES = {highest: Scale({}, f"a number up to {highest}", highest) for highest in (4, 5, 10, 20)}
SCALES |= {100: HUNDRED}


class ColumnMapping(NamedTuple):
    """How to read a CSV: the names of columns by target, and the highest rating; None if the ratings tell it.

    A target without a name takes the column of its own name, if there is one.
    """

    columns: Mapping[str, str]
    scale: int | None = None


def make_mapping(columns: Mapping[str, str], scale: int | None) -> ColumnMapping | None:
    """Return the mapping; None if it has neither columns nor a scale."""
    return ColumnMapping(columns, scale) if columns or scale else None


def parse_columns(values: Iterable[str]) -> dict[str, str]:
    """Return the names of columns by target, from texts such as `title=Film`. Raise ValueError."""
    columns: dict[str, str] = {}
    for value in values:
        target, separator, name = value.partition("=")
        target, name = target.strip(), name.strip()
        if not separator or not name:
            raise ValueError(f"{quote_value(value)} is not FIELD=COLUMN, such as title=Film.")
        if target not in TARGETS:
            raise ValueError(f"{quote_value(target)} is not one of {', '.join(TARGETS)}.")
        if target in columns:
            raise ValueError(f"There are two columns for {target}.")
        columns[target] = name
    return columns


def read(file: CsvFile, mapping: ColumnMapping) -> Iterator[Row]:
    """Return the rows. Raise InvalidColumn if the file doesn't have the columns."""
    _check_columns(file, mapping)
    columns = {target: mapping.columns.get(target, target).lower() for target in TARGETS}
    scale = mapping.scale or _find_scale(file.column(columns["rating"]))
    rows = file.rows(columns, partial(_parse, SCALES[scale]), dates=["rated_at"])
    if mapping.scale:
        return rows
    return add_note(rows, f"ratings are read on a scale of {scale}; `scale` sets another")


def _check_columns(file: CsvFile, mapping: ColumnMapping) -> None:
    """Raise InvalidColumn unless the file has each column once, and one of ratings and one that names movies."""
    for name in mapping.columns.values():
        count = file.columns.count(name.lower())
        if count != 1:
            problem = f"{count} columns" if count else "no column"
            raise InvalidColumn(
                f"The file has {problem} “{name[:40]}”. Its columns: {list_names(file.header)}."
            )
    available = {*mapping.columns, *file.columns}
    if "rating" not in available:
        raise InvalidColumn(f"Name the column of ratings: rating=COLUMN. Columns: {list_names(file.header)}.")
    if available.isdisjoint({"title", "imdb_id", "tmdb_id"}):
        raise InvalidColumn(f"Name the column of titles: title=COLUMN. Columns: {list_names(file.header)}.")


def _find_scale(ratings: Iterable[str]) -> int:
    """Return 5 only if a fraction tells that the ratings are no whole points up to 10."""
    numbers = [number for rating in ratings if (number := parse_number(rating)) is not None]
    highest = max(numbers, default=0)
    if highest <= 5 and any(number % 1 for number in numbers):
        return 5
    return 10 if highest <= 10 else 100


def _parse(scale: Scale, file: str, line: int, cells: dict[str, Any]) -> Row:
    for name in ("title", "original_title"):
        cells[name] = unescape_formula(cells[name])
    return parse_row(file, line, scale, **cells)
