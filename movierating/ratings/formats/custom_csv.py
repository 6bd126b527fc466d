"""Any CSV file, with columns that the user maps to the fields of a rating."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from movierating.ratings.formats.csv_reader import CsvFile, list_names
from movierating.ratings.formats.field_parsers import (
    HUNDRED,
    Scale,
    extract_year,
    parse_number,
    quote_value,
    split_title,
)
from movierating.ratings.formats.formulas import unescape_formula
from movierating.ratings.formats.letterboxd import IMPORTER_NAMES
from movierating.ratings.formats.rows import InvalidColumn, Row, add_note, parse_row

FIELDS = ("title", "original_title", "year", "rating", "rated_at", "imdb_id", "tmdb_id")
# By the highest rating.
SCALES = {highest: Scale({}, f"a number up to {highest}", highest) for highest in (4, 5, 10, 20)}
SCALES |= {100: HUNDRED}
# Files for Letterboxd's importer are read by these names too: if all their ratings are whole, `scale` may be needed.
_OTHER_NAMES = {"title": "name", **IMPORTER_NAMES}
_MAX_MESSAGES = 20


class ColumnMapping(NamedTuple):
    """How to read a CSV: the names of columns by field, and the highest rating, None to derive it from the ratings.

    A field that is not in `columns` is read from the column of its own name or, if there is none, of the one that
    Letterboxd's importer knows it by; a field with an empty name is not read.
    """

    columns: Mapping[str, str]
    scale: int | None = None


def make_mapping(columns: Mapping[str, str], scale: int | None) -> ColumnMapping | None:
    """Return the mapping; None if it has neither columns nor a scale."""
    return ColumnMapping(columns, scale) if columns or scale else None


def parse_columns(values: Iterable[str]) -> dict[str, str]:
    """Return the names of columns by field, from texts such as `title=Film`; `year=` names none.

    Raise ValueError with a message for each invalid text.
    """
    columns: dict[str, str] = {}
    messages = []
    for value in values:
        field, separator, name = value.partition("=")
        field, name = field.strip(), name.strip()
        if not separator:
            messages.append(f"{quote_value(value)} is not FIELD=COLUMN, such as title=Film.")
        elif field not in FIELDS:
            messages.append(f"{quote_value(field)} is not one of {', '.join(FIELDS)}.")
        elif field in columns:
            messages.append(f"There are two columns for {field}.")
        else:
            columns[field] = name
    if messages:
        raise ValueError(*messages[:_MAX_MESSAGES])
    return columns


def read(files: Sequence[CsvFile], mapping: ColumnMapping) -> Iterator[Row]:
    """Return the rows of files that have the columns of the mapping. Their ratings have one scale."""
    columns = [name_columns(file.columns, mapping.columns) for file in files]
    ratings = chain.from_iterable(
        file.read_column(names["rating"]) for file, names in zip(files, columns, strict=True)
    )
    derived = None if mapping.scale else _find_scale(ratings)
    parse = partial(_parse, SCALES[mapping.scale or derived or 10])
    rows = chain.from_iterable(
        file.read_rows(names, parse, dates={"rated_at"} & names.keys())
        for file, names in zip(files, columns, strict=True)
    )
    if derived is None:
        return rows
    return add_note(rows, f"ratings are read on a scale of {derived}; `scale` sets another")


def name_columns(available: Collection[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each field that is read, in lower case, of the `available` ones in lower case.

    `chosen` are those of a ColumnMapping. A field that is not in it, and has no column, has its own name.
    """
    columns = {}
    for field in FIELDS:
        other = _OTHER_NAMES.get(field, field)
        name = chosen.get(field, other if field not in available and other in available else field)
        if name:
            columns[field] = name.lower()
    return columns


def check_columns(file: CsvFile, mapping: ColumnMapping) -> None:
    """Raise InvalidColumn unless the file has each column once, and one of ratings and one that names movies."""
    problems = []
    for name in filter(None, mapping.columns.values()):
        count = file.columns.count(name.lower())
        if count != 1:
            problems.append(f"The file has {f'{count} columns' if count else 'no column'} “{name[:40]}”.")
    columns = name_columns(file.columns, mapping.columns)
    available = {field for field, name in columns.items() if field in mapping.columns or name in file.columns}
    if "rating" not in available:
        problems.append("Name the column of ratings: rating=COLUMN.")
    if available.isdisjoint({"title", "imdb_id", "tmdb_id"}):
        problems.append("Name the column of titles: title=COLUMN.")
    if problems:
        raise InvalidColumn(f"{' '.join(problems)} Its columns: {list_names(file.header)}.")


def _find_scale(ratings: Iterable[str]) -> int | None:
    """Return the highest rating of the scale: 5, 10 or 100; None if no rating is a number alone.

    It is 5 only if some ratings have a fraction: whole numbers up to 5 may be on a scale of 10. Raise InvalidColumn if
    all are 0 or 1: these may be likes, and 1 would be the lowest rating.
    """
    numbers = [number for rating in ratings if (number := parse_number(rating)) is not None]
    if not numbers:
        return None
    if {0, 1}.issuperset(numbers):
        raise InvalidColumn(
            "All ratings are 0 or 1. If they are not likes, name the highest rating with `scale`."
        )
    highest = max(numbers)
    if highest <= 5 and any(number % 1 for number in numbers):
        return 5
    return 10 if highest <= 10 else 100


def _parse(scale: Scale, file: str, line: int, cells: dict[str, Any]) -> Row:
    cells = {**dict.fromkeys(FIELDS, ""), **cells}
    for name in ("title", "original_title"):
        cells[name] = unescape_formula(cells[name])
    # The column may hold the date of the release.
    cells["title"], cells["year"] = split_title(cells["title"], extract_year(cells["year"]))
    return parse_row(file, line, scale, **cells)
