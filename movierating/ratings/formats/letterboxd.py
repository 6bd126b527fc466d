"""Letterboxd's export, as the ZIP or as single files of it, and the CSV files that Letterboxd imports.

- `ratings.csv`: `Date,Name,Year,Letterboxd URI,Rating`, the current rating of each film, 0.5 to 5 stars.
- `diary.csv` has `…,Rating,Rewatch,Tags,Watched Date` behind that, `reviews.csv` a `Review` as well: a film as often as
  it was watched, rated or not. `Date` is when the entry was made, which is when the rating was given.
- What it imports: `LetterboxdURI,tmdbID,imdbID,Title,Year,Directors,Rating,Rating10,WatchedDate,Rewatch,Tags,Review`,
  1 MB a file (https://letterboxd.com/about/importing-data/).
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from movierating import clock
from movierating.ratings.formats import field_parsers
from movierating.ratings.formats.csv_reader import CsvFile, csv_lines, in_blocks
from movierating.ratings.formats.rows import ExportRow, RatedRow, Row, SkippedRow, check_row

MAX_PART_BYTES = 1_000_000

_EXPORT = ("name", "year", "rating", "date", "watched date")
_IMPORT = ("title", "year", "rating", "rating10", "watcheddate", "imdbid", "tmdbid")
_ONLY_IMPORT = {"letterboxduri", "rating10", "watcheddate"}
_HEADER = ("tmdbID", "imdbID", "Title", "Year", "Directors", "Rating10", "WatchedDate")

# Of a film, by name and year: half points and time of its current rating.
_Current = dict[tuple[str | None, int | None], tuple[int, int]]


def sniff(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is Letterboxd's and holds ratings."""
    return _is_export(columns) or _is_import(columns)


def _is_export(columns: Sequence[str]) -> bool:
    return {"name", "letterboxd uri", "rating"} <= set(columns)


def _is_import(columns: Sequence[str]) -> bool:
    rated = "rating" in columns or "rating10" in columns
    named = not {"title", "imdbid", "tmdbid"}.isdisjoint(columns)
    return rated and named and not _ONLY_IMPORT.isdisjoint(columns)


def parse(sheets: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the ratings. With `ratings.csv` beside it, the diary only adds later times of the same rating.

    An entry in the diary that differs from the film's current rating tells of an earlier one, unless it was watched
    and rated later.
    """
    # The diary has more columns than the current ratings.
    in_order = sorted(sheets, key=lambda sheet: len(sheet.columns))
    current: _Current = {}
    for sheet in in_order:
        file = sheet.source.name
        if not _is_export(sheet.columns):
            yield from sheet.rows(_IMPORT, partial(_from_import, file))
        elif "watched date" in sheet.columns:
            yield from sheet.rows(_EXPORT, partial(_from_diary, file, current))
        elif sheet is in_order[-1]:
            yield from sheet.rows(_EXPORT, partial(_from_export, file))
        else:
            yield from _noted(sheet.rows(_EXPORT, partial(_from_export, file)), current)


def _noted(rows: Iterable[Row], current: _Current) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, RatedRow):
            current[row.title, row.year] = row.value, row.rated_at or 0
        yield row


def _from_export(file: str, line: int, row: Sequence[str]) -> Row:
    name, year, rating, date, watched = row
    title, made_in = field_parsers.parse_title(name), field_parsers.parse_year(year)
    if not rating.strip():
        return SkippedRow(line, title, made_in, "it has no rating", file)
    value = field_parsers.parse_rating(field_parsers.STARS, rating)
    rated_at = field_parsers.parse_time(date if date.strip() else watched)
    return check_row(RatedRow(line, None, None, title, None, made_in, value, rated_at, file=file))


def _from_diary(file: str, current: _Current, line: int, row: Sequence[str]) -> Row:
    made = _from_export(file, line, row)
    known = current.get((made.title, made.year)) if isinstance(made, RatedRow) else None
    if known is None or not isinstance(made, RatedRow):
        return made
    value, rated_at = known
    newest = (
        min(made.rated_at or 0, field_parsers.parse_time(row[-1]) or 0)
        if made.value != value
        else made.rated_at or 0
    )
    if newest > rated_at:
        return made
    return SkippedRow(line, made.title, made.year, "ratings.csv has the current rating of the film", file)


def _from_import(file: str, line: int, row: Sequence[str]) -> Row:
    name, year, stars, rating10, watched, imdb_id, tmdb_id = row
    title, made_in = (
        field_parsers.parse_title(field_parsers.unescape_formula(name)),
        field_parsers.parse_year(year),
    )
    if rating10.strip():
        value = field_parsers.parse_rating(field_parsers.WHOLE_TEN, rating10)
    elif stars.strip():
        value = field_parsers.parse_rating(field_parsers.STARS, stars)
    else:
        return SkippedRow(line, title, made_in, "it has no rating", file)
    ids = field_parsers.parse_imdb_id(imdb_id), field_parsers.parse_tmdb_id(tmdb_id)
    return check_row(
        RatedRow(line, *ids, title, None, made_in, value, field_parsers.parse_time(watched), file=file)
    )


def write(rows: Iterable[ExportRow]) -> tuple[bool, Iterator[bytes]]:
    """Return whether the file is a ZIP, and its bytes: one CSV file, or a ZIP of several if that would be over 1 MB.

    Letterboxd's scale has ten steps, so a half point of ours is rounded up, and its dates have no time of day.
    The first megabyte of rows is taken at once, the others as the bytes are asked for.
    """
    parts = _parts(rows)
    first, second = next(parts), next(parts, None)
    if second is None:
        return False, iter([first])
    return True, in_blocks(_zipped(parts, first, second))


def _parts(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    header, *_ = csv_lines([_HEADER])
    part = bytearray(header)
    for line in csv_lines(map(_cells, rows)):
        if len(part) + len(line) > MAX_PART_BYTES:
            yield bytes(part)
            part = bytearray(header)
        part += line
    yield bytes(part)


def _cells(row: ExportRow) -> Sequence[object]:
    directors = field_parsers.escape_formula(", ".join(row.directors))
    rating, watched = (row.value + 1) // 2, clock.format_rfc3339(row.rated_at)[:10]
    return (
        row.tmdb_id,
        row.imdb_id,
        field_parsers.escape_formula(row.title),
        row.year,
        directors,
        rating,
        watched,
    )


def _zipped(rest: Iterable[bytes], *first: bytes) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        number = 0
        for parts in (first, rest):
            for part in parts:
                number += 1
                # Without a date of its own it would carry the present one.
                archive.writestr(zipfile.ZipInfo(f"letterboxd-{number}.csv"), part, zipfile.ZIP_DEFLATED)
                yield sink.drain()
    yield sink.drain()


class _Sink(io.RawIOBase):
    """Takes what is written until it is drained; zipfile sees that it can't go back in it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        """Return what was written since the last call."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data
