"""Our own CSV, version 1: UTF-8, commas, CRLF (RFC 4180), one rating a line, nothing lost.

The header is `imdb_id,tmdb_id,title,original_title,year,value,rated_at,version`.

- `imdb_id` as `tt0111161`, `tmdb_id` a number; `original_title` where it is another than the title; any of them, and
  `year`, may be empty. `title` never is.
- `value` is 0.5 to 10 by halves. `rated_at` is RFC 3339 in UTC, with as much of a fraction as there is.
- `version` is 1 in every row; a later version of the format counts up. A row with a version may be dated in the future:
  the clock of the instance that wrote it may have been fast, and what was exported must come back.
- Where a title starts like a spreadsheet's formula (`=`, `+`, `-`, `@`), with quotation marks or apostrophes before
  that or without, it has one apostrophe more in front, which reading takes away; so behind every semicolon in it.
- The lines are in the order of `rated_at`, `imdb_id`, `tmdb_id`, `title`, `year`, nothing before something; it is for
  whoever calls `write` to keep it.

Read are the same columns in any order, and also files that other programs write: `value`, and an id or the title, are
enough.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from movierating import clock
from movierating.ratings.formats import field_parsers
from movierating.ratings.formats.csv_reader import CsvFile, csv_lines, in_blocks
from movierating.ratings.formats.rows import ExportRow, RatedRow, Row, SkippedRow, check_row

VERSION = "1"
_COLUMNS = ("imdb_id", "tmdb_id", "title", "original_title", "year", "value", "rated_at", "version")


def sniff(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is ours."""
    return "value" in columns and not {"imdb_id", "tmdb_id", "title"}.isdisjoint(columns)


def parse(sheets: Iterable[CsvFile]) -> Iterator[Row]:
    """The ratings."""
    for sheet in sheets:
        name = sheet.source.name
        yield from sheet.rows(_COLUMNS, partial(_row, name), partial(_plain_rows, name))


def _plain_rows(file: str, line: int, columns: Sequence[Sequence[str]]) -> list[RatedRow] | None:
    """Return what `_row` makes of each row, in half the time; None if one of them may be no rating or invalid."""
    imdb_ids, tmdb_ids, titles, original_titles, made_in, values, rated_at, versions = columns
    half_points = list(map(field_parsers.HALVES_TO_TEN.half_points.get, values))
    if None in half_points or not {VERSION, ""}.issuperset(versions):
        return None
    try:
        times = field_parsers.parse_times(rated_at)
        if "" in versions and any(at is not None and field_parsers.is_future(at) for at in times):
            return None
        rows = zip(
            itertools.count(line),
            field_parsers.parse_column(field_parsers.parse_imdb_id, imdb_ids),
            field_parsers.parse_column(field_parsers.parse_tmdb_id, tmdb_ids),
            field_parsers.parse_column(_title, titles),
            field_parsers.parse_column(_title, original_titles),
            field_parsers.parse_column(field_parsers.parse_year, made_in),
            half_points,
            times,
            itertools.repeat(None),
            itertools.repeat(file),
        )
    except ValueError:
        return None
    made = list(map(RatedRow._make, rows))
    return made if all(row.imdb_id or row.tmdb_id or row.title for row in made) else None


def _title(text: str) -> str | None:
    return field_parsers.parse_title(field_parsers.unescape_formula(text))


def _row(file: str, line: int, row: Sequence[str]) -> Row:
    imdb_id, tmdb_id, title, original_title, made_in, value, rated_at, version = row
    if version not in (VERSION, ""):
        raise ValueError(f"it is of version {field_parsers.quote_value(version)}, not {VERSION}")
    name, year = _title(title), field_parsers.parse_year(made_in)
    if not value or value.isspace():
        return SkippedRow(line, name, year, "it has no rating", file)
    return check_row(
        RatedRow(
            line,
            field_parsers.parse_imdb_id(imdb_id),
            field_parsers.parse_tmdb_id(tmdb_id),
            name,
            _title(original_title),
            year,
            field_parsers.parse_rating(field_parsers.HALVES_TO_TEN, value),
            field_parsers.parse_time(rated_at, allow_future=version == VERSION),
            None,
            file,
        )
    )


def write(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield the file in blocks of some 64 KB."""
    return in_blocks(csv_lines(_cells(rows)))


def _cells(rows: Iterable[ExportRow]) -> Iterator[Sequence[object]]:
    yield _COLUMNS
    for row in rows:
        title, original_title = (
            field_parsers.escape_formula(row.title),
            field_parsers.escape_formula(row.original_title or ""),
        )
        value, rated_at = f"{row.value / 2:g}", clock.format_rfc3339(row.rated_at)
        yield row.imdb_id, row.tmdb_id, title, original_title, row.year, value, rated_at, VERSION
