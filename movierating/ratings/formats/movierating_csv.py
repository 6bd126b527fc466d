"""Our CSV, version 1: UTF-8, commas, CRLF (RFC 4180), one rating a line, nothing lost.

The header is `imdb_id,tmdb_id,title,original_title,year,value,rated_at,version`.

- `imdb_id` as `tt0111161`, `tmdb_id` a number; `original_title` if it differs from the title; any of them, and
  `year`, may be empty. `title` never is.
- `value` is 0.5 to 10 by halves. `rated_at` is RFC 3339 in UTC, with the fraction of a second if there is one.
- `version` is 1 in every row; a later version of the format counts up. A row with a version may be dated in the future:
  the clock of the instance that wrote it may have been fast, and every export must be importable.
- A title that starts like a spreadsheet's formula (such as `=`; `formulas` has the list) is escaped with an apostrophe
  in front; so is the text after each semicolon. Reading removes the apostrophes.
- The rows are sorted by `rated_at`, `imdb_id`, `tmdb_id`, `title` and `year`, empty values first; the caller of
  `write` sorts them.

The columns may be read in any order. Files of other programs need only `value`, and an id or the title. Without a
version, a title may end with the year in brackets or with its article: `Matrix, The (1999)`.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from movierating import clock
from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.csv_writer import format_csv_lines, join_into_blocks
from movierating.ratings.formats.dates import is_future, parse_times
from movierating.ratings.formats.field_parsers import (
    HALVES_TO_TEN,
    parse_column,
    parse_imdb_id,
    parse_title,
    parse_tmdb_id,
    parse_year,
    quote_value,
    split_title,
)
from movierating.ratings.formats.formulas import escape_formula, unescape_formula
from movierating.ratings.formats.rows import ExportRow, RatedRow, Row, parse_row

VERSION = "1"
_COLUMNS = ("imdb_id", "tmdb_id", "title", "original_title", "year", "value", "rated_at", "version")
_FIELDS = {name: name for name in _COLUMNS}


def matches(file: CsvFile) -> bool:
    """Return True if the file has a column of values and one that names movies."""
    return "value" in file.columns and not {"imdb_id", "tmdb_id", "title"}.isdisjoint(file.columns)


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows."""
    for file in files:
        yield from file.read_rows(_FIELDS, _parse, _parse_columns, dates=["rated_at"])


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    version, value = cells.pop("version").strip(), cells.pop("value")
    if version not in (VERSION, ""):
        raise ValueError(f"it is of version {quote_value(version)}, not {VERSION}")
    for name in ("title", "original_title"):
        cells[name] = unescape_formula(cells[name])
    if not version:
        cells["title"], cells["year"] = split_title(cells["title"], cells["year"])
    return parse_row(file, line, HALVES_TO_TEN, value, **cells, allow_future=version == VERSION)


def _parse_columns(file: str, line: int, columns: Sequence[Sequence[str]]) -> list[RatedRow] | None:
    """Return what `_parse` returns for each row, in half the time; None if one may be invalid or without a rating."""
    imdb_ids, tmdb_ids, titles, original_titles, years, values, times, versions = columns
    half_points = list(map(HALVES_TO_TEN.half_points.get, values))
    if None in half_points or not {VERSION, ""}.issuperset(versions):
        return None
    if "" in versions and any("," in title or ")" in title for title in titles):
        return None
    try:
        rated_at = parse_times(times)
        if "" in versions and any(at is not None and is_future(at) for at in rated_at):
            return None
        cells = zip(
            itertools.count(line),
            parse_column(parse_imdb_id, imdb_ids),
            parse_column(parse_tmdb_id, tmdb_ids),
            parse_column(_parse_title, titles),
            parse_column(_parse_title, original_titles),
            parse_column(parse_year, years),
            half_points,
            rated_at,
            itertools.repeat(None),
            itertools.repeat(file),
            itertools.repeat(None),
            itertools.repeat(None),
        )
    except ValueError:
        return None
    rows = list(map(RatedRow._make, cells))
    return rows if all(row.imdb_id or row.tmdb_id or row.title for row in rows) else None


def _parse_title(text: str) -> str | None:
    return parse_title(unescape_formula(text))


def write(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield the file in blocks of some 64 KB."""
    return join_into_blocks(format_csv_lines(_list_cells(rows)))


def _list_cells(rows: Iterable[ExportRow]) -> Iterator[Sequence[object]]:
    yield _COLUMNS
    for row in rows:
        title, original_title = map(escape_formula, (row.title, row.original_title or ""))
        value, rated_at = f"{row.value / 2:g}", clock.format_rfc3339(row.rated_at)
        yield row.imdb_id, row.tmdb_id, title, original_title, row.year, value, rated_at, VERSION
