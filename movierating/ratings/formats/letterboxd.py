"""Letterboxd's export, as the ZIP or as single files of it, and the CSV files that Letterboxd imports.

- `ratings.csv`: `Date,Name,Year,Letterboxd URI,Rating`, the current rating of each film, 0.5 to 5 stars.
- `diary.csv` has `…,Rating,Rewatch,Tags,Watched Date` behind that, `reviews.csv` a `Review` as well: a film as often as
  it was watched, rated or not. `Date` is when the entry was made, which is when the rating was given.
- What it imports: `LetterboxdURI,tmdbID,imdbID,Title,Year,Directors,Rating,Rating10,WatchedDate,Rewatch,Tags,Review`,
  1 MB a file (https://letterboxd.com/about/importing-data/).
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import partial
from itertools import chain, islice
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.csv_writer import format_csv_lines, join_into_blocks
from movierating.ratings.formats.dates import parse_time
from movierating.ratings.formats.field_parsers import STARS, TEN, WHOLE_TEN, Scale, parse_number, split_title
from movierating.ratings.formats.formulas import escape_formula, unescape_formula
from movierating.ratings.formats.rows import (
    ExportRow,
    RatedRow,
    Row,
    SkippedRow,
    UnknownColumns,
    add_note,
    parse_row,
)

MAX_PART_BYTES = 1_000_000

_EXPORT_FIELDS = {
    "title": "name",
    "year": "year",
    "rating": "rating",
    "entered": "date",
    "watched": "watched date",
}
_DATES = ("entered", "watched")
# The fields for which the importer has another name than ours.
IMPORTER_NAMES = {"imdb_id": "imdbid", "tmdb_id": "tmdbid", "rated_at": "watcheddate"}
_IMPORT_FIELDS = {
    **{name: name for name in ("title", "name", "year", "rating", "rating10")},
    **IMPORTER_NAMES,
}
# Columns that only files for the importer have.
_DISTINCTIVE_COLUMNS = {"letterboxduri", "rating10"}
_IMPORT_COLUMNS = {
    *("letterboxduri", "tmdbid", "imdbid", "title", "name", "year", "directors", "rating", "rating10"),
    *("watcheddate", "rewatch", "tags", "review"),
}
# No WatchedDate: Letterboxd would make a diary entry of each rating.
_HEADER = ("tmdbID", "imdbID", "Title", "Year", "Directors", "Rating10")

# Half points and time of a film's current rating, by name and year; None for two films of one name and year.
_CurrentRatings = dict[tuple[str | None, int | None], tuple[int, int] | None]
# The first rows decide whether a file has stars: a ZIP may contain many files of unknown formats.
_SAMPLE_ROWS = 1_000
_WHOLE_STARS = "all ratings are whole numbers up to 5, and are read as stars; `scale=10` reads them as points"


def matches(file: CsvFile) -> bool:
    """Return True if the file has Letterboxd's columns and one of ratings."""
    return _is_export(file) or _is_import(file)


def _is_export(file: CsvFile) -> bool:
    return {"name", "letterboxd uri", "rating"} <= set(file.columns)


def _is_import(file: CsvFile) -> bool:
    has_rating = "rating" in file.columns or "rating10" in file.columns
    has_movie = not {"title", "name", "imdbid", "tmdbid"}.isdisjoint(file.columns)
    is_known = not _DISTINCTIVE_COLUMNS.isdisjoint(file.columns) or _IMPORT_COLUMNS.issuperset(file.columns)
    return has_rating and has_movie and (is_known or _has_dated_stars(file))


def _has_dated_stars(file: CsvFile) -> bool:
    """Return True if the file has a `WatchedDate`, as those of others do, and its ratings can only be stars."""
    if "watcheddate" not in file.columns:
        return False
    sample = islice(file.read_numbers("rating"), _SAMPLE_ROWS)
    ratings = [rating for text in sample if (rating := parse_number(text)) is not None]
    return max(ratings, default=0) <= 5 and any(rating % 1 for rating in ratings)


def has_only_import_columns(columns: Set[str]) -> bool:
    """Return True if Letterboxd imports all these columns, and no other service has one of them."""
    return columns <= _IMPORT_COLUMNS and not columns.isdisjoint({*_DISTINCTIVE_COLUMNS, "watcheddate"})


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows. With `ratings.csv` beside it, the diary only adds later times of the same rating.

    An entry in the diary that differs from the film's current rating is an earlier one, unless it was watched and rated
    later.
    """
    current: _CurrentRatings = {}
    # The diary has more columns than the current ratings.
    files = sorted(files, key=lambda file: len(file.columns))
    yield from _read_imports([file for file in files if not _is_export(file)])
    for file in filter(_is_export, files):
        if "watched date" in file.columns:
            yield from file.read_rows(_EXPORT_FIELDS, partial(_parse_diary, current), dates=_DATES)
        else:
            # The URI is the film's. In the diary it is the entry's.
            columns = {**_EXPORT_FIELDS, "film_id": "letterboxd uri"}
            yield from _remember_ratings(file.read_rows(columns, _parse_export, dates=_DATES), current)


def _remember_ratings(rows: Iterable[Row], current: _CurrentRatings) -> Iterator[Row]:
    """Yield the rows, and add their ratings to `current`."""
    film_ids: dict[tuple[str | None, int | None], str | None] = {}
    for row in rows:
        if isinstance(row, RatedRow):
            name = row.title, row.year
            is_same = film_ids.setdefault(name, row.film_id) == row.film_id
            current[name] = (row.value, row.rated_at or 0) if is_same else None
        yield row


def _parse_export(file: str, line: int, cells: dict[str, Any]) -> Row:
    entered, watched = cells.pop("entered"), cells.pop("watched")
    return parse_row(file, line, STARS, **cells, rated_at=entered if entered.strip() else watched)


def _parse_diary(current: _CurrentRatings, file: str, line: int, cells: dict[str, Any]) -> Row:
    watched = cells["watched"]
    row = _parse_export(file, line, cells)
    if not isinstance(row, RatedRow) or (row.title, row.year) not in current:
        return row
    reason = "ratings.csv has the current rating of the film"
    if (rating := current[row.title, row.year]) is None:
        reason = "ratings.csv has two films with this name and year, and the diary does not tell them apart"
    else:
        value, current_rated_at = rating
        rated_at = row.rated_at or 0
        if row.value != value:
            rated_at = min(rated_at, _parse_watched(watched))
        if rated_at > current_rated_at:
            return row
    return SkippedRow(line, row.title, row.year, "older", file, reason)


def _parse_watched(watched: str) -> int:
    try:
        return parse_time(watched) or 0
    except ValueError:
        return 0


def _read_imports(files: Sequence[CsvFile]) -> Iterator[Row]:
    """Return the rows of files for Letterboxd's importer. A rating above 5 shows that they have no stars.

    Raise UnknownColumns if one is above 10: on a scale of 100, an 8 is another rating.
    """
    texts = chain.from_iterable(file.read_column("rating") for file in files)
    numbers = {number for text in texts if (number := parse_number(text)) is not None}
    highest = max(numbers, default=0)
    if highest > 10:
        raise UnknownColumns(
            "Some ratings are above 10. Name the columns with `column`, such as title=Title, and the highest rating "
            "with `scale`, such as 100.",
            files[0].header,
            files[0].read_cells,
        )
    parse = partial(_parse_import, TEN if highest > 5 else STARS)
    rows = chain.from_iterable(file.read_rows(_IMPORT_FIELDS, parse, dates=["rated_at"]) for file in files)
    if highest > 5:
        return add_note(rows, "some ratings are above 5, so all are read on a scale of 10")
    is_certain = any(number % 1 for number in numbers) or any(
        not _DISTINCTIVE_COLUMNS.isdisjoint(file.columns) for file in files
    )
    return rows if is_certain or highest == 0 else add_note(rows, _WHOLE_STARS)


def _parse_import(scale: Scale, file: str, line: int, cells: dict[str, Any]) -> Row:
    name = cells.pop("name")
    cells["title"] = unescape_formula(cells["title"].strip() or name)
    stars, rating10 = cells.pop("rating"), cells.pop("rating10")
    if not rating10.strip():
        # Our export has `Rating10` and exact titles.
        cells["title"], cells["year"] = split_title(cells["title"], cells["year"])
    scale, rating = (WHOLE_TEN, rating10) if rating10.strip() else (scale, stars)
    return parse_row(file, line, scale, rating, **cells)


def write(rows: Iterable[ExportRow]) -> tuple[bool, Iterator[bytes]]:
    """Return whether the file is a ZIP, and its bytes: one CSV file, or if that would be over 1 MB, a ZIP of several.

    Letterboxd's scale has ten steps, so a half point of ours is rounded up. The file has no dates.
    The first megabyte of rows is read at once, the others as the bytes are consumed.
    """
    parts = _split_parts(rows)
    first, second = next(parts), next(parts, None)
    if second is None:
        return False, iter([first])
    return True, join_into_blocks(_zip(chain([first, second], parts)))


def _split_parts(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    header, *_ = format_csv_lines([_HEADER])
    part = bytearray(header)
    for line in format_csv_lines(map(_list_cells, rows)):
        if len(part) + len(line) > MAX_PART_BYTES:
            yield bytes(part)
            part = bytearray(header)
        part += line
    yield bytes(part)


def _list_cells(row: ExportRow) -> Sequence[object]:
    title, directors = escape_formula(row.title), escape_formula(", ".join(row.directors))
    return row.tmdb_id, row.imdb_id, title, row.year, directors, (row.value + 1) // 2


def _zip(parts: Iterable[bytes]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, part in enumerate(parts, 1):
            # Without a date of its own it would carry the present one.
            archive.writestr(zipfile.ZipInfo(f"letterboxd-{number}.csv"), part, zipfile.ZIP_DEFLATED)
            yield sink.drain()
    yield sink.drain()


class _Sink(io.RawIOBase):
    """A buffer of written bytes until `drain`. It is not seekable, so zipfile writes a stream."""

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
