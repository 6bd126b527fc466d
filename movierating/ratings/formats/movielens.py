"""MovieLens data sets, a folder each (https://grouplens.org/datasets/movielens/), in their three shapes.

- ml-latest, ml-latest-small, ml-25m, ml-32m: `ratings.csv`, `movies.csv`, `links.csv` with headers. Without
  `links.csv` (a folder made by hand) the movies have no ids of other catalogues.
- ml-1m, ml-10m: `ratings.dat`, `movies.dat` by `::`, no header.
- ml-100k: `u.data` by tabs, `u.item` by `|` with 19 flags for the genres, no header.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from movierating import clock
from movierating.movies.genres import GENRES
from movierating.movies.titles import parse_movielens_title
from movierating.ratings.formats.rows import BadRow
from movierating.ratings.formats.table_reader import Block, Table

_RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
_MOVIE_COLUMNS = ("movieId", "title", "genres")
_LINK_COLUMNS = ("movieId", "imdbId", "tmdbId")

# The order of the flags in u.item, after id, title, two dates and a URL; the first is "unknown".
_FLAGS_AT = 5
_FLAGS = (
    *("", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War"),
    "Western",
)
_OUR_GENRE = {genre: genre for genre in GENRES} | {
    "Children": "Family",
    "Children's": "Family",
    "Film-Noir": "Film Noir",
    "Sci-Fi": "Science Fiction",
}

# A star is two points of the scale, four half points: "0.5" gives 2, "5" and "5.0" give 20.
_HALF_POINTS = {form: 2 * n for n in range(1, 11) for form in (f"{n / 2:g}", f"{n / 2:.1f}")}
_SPARE_ZEROS = re.compile(r"(\.[05])0+$")
_MAX_ID = 2**63 - 1
_MAX_TITLE = 500
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

T = TypeVar("T")


class NotMovieLens(Exception):
    """The folder is no MovieLens data set; the message is one line for the user and names the file."""


class MovieRow(NamedTuple):
    """A movie; the title has its article in front, and no year where MovieLens gives none."""

    line: int
    source_id: int
    title: str
    original_title: str | None
    year: int | None
    genres: tuple[str, ...]
    imdb_id: str | None = None
    tmdb_id: int | None = None


class RatingBatch(NamedTuple):
    """Some ten thousand ratings by columns of one length, and the rows among them that can't be read.

    Columns, because a bulk load can then map and zip them without Python code for each rating. `half_points`
    are 2 to 20 (half a star to five), `rated_at` microseconds since 1970 in UTC, `bytes_read` counts from the
    file's start.
    """

    lines: Sequence[int]
    user_ids: list[int]
    movie_ids: list[int]
    half_points: list[int]
    rated_at: list[int]
    bad: list[BadRow]
    bytes_read: int


class _Link(NamedTuple):
    movie_id: int
    imdb_id: str | None
    tmdb_id: int | None


@dataclass(frozen=True)
class Dataset:
    """A folder whose files have been recognized; of their rows only the links are held in memory."""

    rating_table: Table
    movie_table: Table
    link_table: Table | None
    genre_names: Callable[[list[str]], Iterable[str]]

    @property
    def size(self) -> int:
        """Bytes of the ratings file, which the last batch's `bytes_read` comes to."""
        return self.rating_table.path.stat().st_size

    def movies(self) -> Iterator[MovieRow | BadRow]:
        """Yield the movies in the order of their file, after the rows of the links that can't be read."""
        links: dict[int, _Link] = {}
        for link in _rows(self.link_table, _link) if self.link_table else ():
            if isinstance(link, BadRow):
                yield link
            else:
                links[link.movie_id] = link
        for movie in _rows(self.movie_table, self._movie):
            if not isinstance(movie, BadRow) and (found := links.get(movie.source_id)):
                movie = movie._replace(imdb_id=found.imdb_id, tmdb_id=found.tmdb_id)
            yield movie

    def ratings(self) -> Iterator[RatingBatch]:
        """Yield the ratings in the order of their file; one dated later than now is a bad row."""
        now = clock.now()
        for block in self.rating_table.blocks():
            yield _plain_batch(self.rating_table, block, now) or _careful_batch(self.rating_table, block, now)

    def _movie(self, line: int, cells: list[str]) -> MovieRow:
        text = cells[1].strip()
        if not text or len(text) > _MAX_TITLE:
            raise ValueError(f"the title has {len(text)} characters, not 1 to {_MAX_TITLE}")
        if _CONTROL.search(text):
            raise ValueError("the title has a control character")
        names = (_OUR_GENRE.get(name) for name in self.genre_names(cells))
        genres = tuple(dict.fromkeys(name for name in names if name))
        return MovieRow(line, _number("movie id", cells[0]), *parse_movielens_title(text), genres)


def open_folder(path: Path) -> Dataset:
    """Recognize the data set by its files' names and first lines. Raises NotMovieLens."""
    shapes = {"ratings.csv": _open_csv, "ratings.dat": _open_dat, "u.data": _open_100k}
    try:
        for name, open_shape in shapes.items():
            if (path / name).is_file():
                return open_shape(path)
    except OSError as error:
        raise NotMovieLens(f"{Path(error.filename).name} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise NotMovieLens(str(error)) from error
    raise NotMovieLens(f"{path} is no MovieLens data set: it has none of {', '.join(shapes)}")


def _open_csv(path: Path) -> Dataset:
    links = path / "links.csv"
    return Dataset(
        Table.with_header(path / "ratings.csv", _RATING_COLUMNS),
        Table.with_header(path / "movies.csv", _MOVIE_COLUMNS),
        Table.with_header(links, _LINK_COLUMNS) if links.exists() else None,
        _named_genres,
    )


def _open_dat(path: Path) -> Dataset:
    return Dataset(
        Table.without_header(path / "ratings.dat", "::", len(_RATING_COLUMNS)),
        Table.without_header(path / "movies.dat", "::", len(_MOVIE_COLUMNS)),
        None,
        _named_genres,
    )


def _open_100k(path: Path) -> Dataset:
    return Dataset(
        Table.without_header(path / "u.data", "\t", len(_RATING_COLUMNS)),
        Table.without_header(path / "u.item", "|", _FLAGS_AT + len(_FLAGS)),
        None,
        _flagged_genres,
    )


def _named_genres(cells: list[str]) -> Iterable[str]:
    return cells[2].split("|")


def _flagged_genres(cells: list[str]) -> Iterable[str]:
    return (genre for genre, flag in zip(_FLAGS, cells[_FLAGS_AT:], strict=True) if flag == "1")


def _rows(table: Table, make: Callable[[int, list[str]], T]) -> Iterator[T | BadRow]:
    for block in table.blocks():
        yield from table.parse(block, make)


def _link(_line: int, cells: list[str]) -> _Link:
    # Spreadsheets drop leading zeros, and make 862.0 of a number in a column with blanks.
    imdb = _number("IMDb id", cells[1].removeprefix("tt") or "0")
    if imdb >= 10**10:
        raise ValueError(f"the IMDb id {imdb} has more than 10 digits")
    tmdb = _number("TMDB id", cells[2].removesuffix(".0") or "0")
    return _Link(_number("movie id", cells[0]), f"tt{imdb:07}" if imdb else None, tmdb or None)


def _plain_batch(table: Table, block: Block, now: int) -> RatingBatch | None:
    columns = table.plain_columns(block)
    if columns is None:
        return None
    try:
        users, movies, seconds = (list(map(int, columns[place])) for place in (0, 1, 3))
        half_points = list(map(_HALF_POINTS.__getitem__, columns[2]))
    except (KeyError, ValueError):
        return None
    if max(users) > _MAX_ID or max(movies) > _MAX_ID or max(seconds) * clock.SECOND > now:
        return None
    lines = range(block.first_line, block.first_line + len(users))
    rated_at = [second * clock.SECOND for second in seconds]
    return RatingBatch(lines, users, movies, half_points, rated_at, [], block.end)


def _careful_batch(table: Table, block: Block, now: int) -> RatingBatch:
    rows: list[tuple[int, ...]] = []
    bad: list[BadRow] = []
    for row in table.parse(block, lambda line, cells: _rating(line, cells, now)):
        if isinstance(row, BadRow):
            bad.append(row)
        else:
            rows.append(row)
    lines, users, movies, half_points, rated_at = ([row[place] for row in rows] for place in range(5))
    return RatingBatch(lines, users, movies, half_points, rated_at, bad, block.end)


def _rating(line: int, cells: list[str], now: int) -> tuple[int, int, int, int, int]:
    user, movie, stars, timestamp = cells
    half_points = _HALF_POINTS.get(stars) or _HALF_POINTS.get(_SPARE_ZEROS.sub(r"\1", stars))
    if half_points is None:
        raise ValueError(f"the rating {stars[:30]!r} is not 0.5 to 5 stars by halves")
    if timestamp.startswith("-") and timestamp[1:].isdigit():
        raise ValueError("the rating is dated before 1970")
    rated_at = _number("timestamp", timestamp) * clock.SECOND
    if rated_at > now:
        raise ValueError(f"the timestamp {timestamp} lies in the future")
    return line, _number("user id", user), _number("movie id", movie), half_points, rated_at


def _number(name: str, text: str) -> int:
    # Not int() alone, which takes "1_2", " 12 " and the digits of every script as well.
    if not (text.isascii() and text.isdigit() and len(text) < 30 and int(text) <= _MAX_ID):
        raise ValueError(f"the {name} {text[:30]!r} is not a whole number below 2^63")
    return int(text)
