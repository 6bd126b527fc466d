"""Read IMDb's data sets: tab-separated text without quoting, `\\N` for null, with or without gzip.

Source: https://developer.imdb.com/non-commercial-datasets/. The columns are found by the names in the first line.
`title.basics` has titles of all kinds, `title.ratings` the number of votes, `title.akas` alternative titles.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from movierating.movies.genres import GENRES_BY_NAME
from movierating.movies.models import MAX_RUNTIME_MINUTES

BASICS, RATINGS, AKAS = "title.basics", "title.ratings", "title.akas"
_COLUMNS: dict[str, tuple[str, ...]] = {
    BASICS: (
        *("tconst", "titleType", "primaryTitle", "originalTitle", "isAdult", "startYear"),
        *("runtimeMinutes", "genres"),
    ),
    RATINGS: ("tconst", "numVotes"),
    AKAS: ("titleId", "title", "types"),
}
_MOVIE_TYPES = frozenset({b"movie", b"tvMovie"})
_NULL = b"\\N"
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_BLOCK_BYTES = 1 << 18
_MAX_LINE_BYTES = 1 << 16

Progress = Callable[[int], None]


class InvalidFile(Exception):
    """A file can't be imported; the message is one line that names it."""


class Line(NamedTuple):
    """The number of a line, and its cells of the columns that are read; None if it has too few or too many cells."""

    number: int
    cells: list[bytes] | None


class ImdbFile(NamedTuple):
    """One of IMDb's files: `kind` is BASICS, RATINGS or AKAS.

    `column_indexes` are the positions of the columns that are read; the file has `column_count` columns.
    """

    path: Path
    kind: str
    column_indexes: tuple[int, ...]
    column_count: int

    def read(self, progress: Progress) -> Iterator[Line]:
        """Yield the lines after the first. Call `progress` with the number of bytes of the file that are read.

        Raise InvalidFile if the file is damaged or incomplete, or has a line that is too long.
        """
        lines = chain.from_iterable(_read_lines(self.path, progress))
        for number, text in enumerate(islice(lines, 1, None), 2):
            cells = text.rstrip(b"\r").split(b"\t")
            is_complete = len(cells) == self.column_count
            yield Line(number, [cells[index] for index in self.column_indexes] if is_complete else None)


def open_file(path: Path) -> ImdbFile | None:
    """Return the file if its first line has the columns of one of IMDb's, otherwise None. Raise InvalidFile."""
    first = next(_read_lines(path, lambda _bytes: None), [b""])[0]
    names = first.removeprefix(_BOM).rstrip(b"\r").decode("utf-8", "replace").split("\t")
    for kind, columns in _COLUMNS.items():
        if set(columns) <= set(names):
            return ImdbFile(path, kind, tuple(names.index(column) for column in columns), len(names))
    return None


def _read_lines(path: Path, progress: Progress) -> Iterator[list[bytes]]:
    """Yield the lines of a file, many at a time; the lines have no line end."""
    rest = b""
    try:
        with path.open("rb") as raw:
            is_compressed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            file = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if is_compressed else raw
            while block := file.read(_BLOCK_BYTES):
                *lines, rest = (rest + block).split(b"\n")
                if len(rest) > _MAX_LINE_BYTES:
                    raise InvalidFile(f"{path.name}: a line is longer than {_MAX_LINE_BYTES} bytes.")
                if lines:
                    yield lines
                progress(raw.tell())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidFile(f"{path.name}: the gzip file is damaged or incomplete.") from error
    if rest:
        yield [rest]


def parse_movie(cells: list[bytes]) -> dict[str, Any] | None:
    """Return the facts of a row of BASICS, by column of our table; None for other titles than movies.

    Adult movies and movies without a year are left out too. Raise ValueError with the reason.
    """
    imdb_id, kind, title, original_title, is_adult, year, runtime, genres = cells
    if kind not in _MOVIE_TYPES or is_adult == b"1" or year == _NULL:
        return None
    primary, original = _decode(title), _decode(original_title)
    minutes = int(runtime) if runtime.isdigit() else 0
    return {
        "title": primary,
        "original_title": original if original != primary else None,
        "year": _parse_number("startYear", year),
        "runtime_minutes": minutes if 0 < minutes <= MAX_RUNTIME_MINUTES else None,
        "genres": [GENRES_BY_NAME[name] for name in _decode(genres).split(",") if name in GENRES_BY_NAME],
        "directors": [],
        "language": None,
        "country": None,
        "imdb_id": _decode(imdb_id),
        "tmdb_id": None,
        "wikidata_id": None,
    }


def parse_votes(cells: list[bytes]) -> tuple[str, int]:
    """Return the IMDb id and the number of votes of a row of RATINGS. Raise ValueError with the reason."""
    imdb_id, votes = cells
    return _decode(imdb_id), _parse_number("numVotes", votes)


def parse_alternative_title(cells: list[bytes]) -> tuple[str, str] | None:
    """Return the IMDb id and the title of a row of AKAS; None for a working title. Raise ValueError with the reason."""
    imdb_id, title, types = cells
    # The types are separated by \x02.
    if b"working" in types or title in (_NULL, b""):
        return None
    return _decode(imdb_id), _decode(title)


def _decode(cell: bytes) -> str:
    try:
        return cell.decode()
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8") from error


def _parse_number(column: str, cell: bytes) -> int:
    if not cell.isdigit() or len(cell) > 12:
        raise ValueError(f"{column} is {_decode(cell)!r} instead of a number")
    return int(cell)
