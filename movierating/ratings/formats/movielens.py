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
from typing import NamedTuple

from movierating import clock
from movierating.movies.genres import GENRES_BY_NAME
from movierating.ratings.formats.field_parsers import (
    STARS,
    parse_imdb_id,
    parse_rating,
    parse_title,
    parse_tmdb_id,
)
from movierating.ratings.formats.rows import RejectedRow
from movierating.ratings.formats.table_reader import Block, Table
from movierating.ratings.formats.title_parts import parse_movielens_title

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
_GENRES_BY_NAME = GENRES_BY_NAME | {"Children": "Family", "Children's": "Family"}

_SPARE_ZEROS = re.compile(r"(\.[05])0+$")
_MAX_ID = 2**63 - 1


class NotMovieLens(Exception):
    """The folder is not a MovieLens data set; the message is one line for the user and names the file."""


class DatasetMovie(NamedTuple):
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
    rejected: list[RejectedRow]
    bytes_read: int


# A data set's id of a movie, its IMDb id and TMDB id.
_Link = tuple[int, str | None, int | None]


@dataclass(frozen=True)
class Dataset:
    """A folder whose files have been recognized; of their rows only the links are held in memory."""

    rating_table: Table
    movie_table: Table
    link_table: Table | None
    list_genre_names: Callable[[list[str]], Iterable[str]]

    @property
    def size(self) -> int:
        """Return the size of the ratings file in bytes, the `bytes_read` of the last batch."""
        return self.rating_table.path.stat().st_size

    def read_movies(self) -> Iterator[DatasetMovie | RejectedRow]:
        """Yield the movies in the order of their file, after the rows of the links that can't be read."""
        links: dict[int, _Link] = {}
        for link in self.link_table.read_rows(_parse_link) if self.link_table else ():
            if isinstance(link, RejectedRow):
                yield link
            else:
                links[link[0]] = link
        for movie in self.movie_table.read_rows(self._parse_movie):
            if isinstance(movie, DatasetMovie) and movie.source_id in links:
                _, imdb_id, tmdb_id = links[movie.source_id]
                movie = movie._replace(imdb_id=imdb_id, tmdb_id=tmdb_id)
            yield movie

    def read_ratings(self) -> Iterator[RatingBatch]:
        """Yield the ratings in the order of their file; one dated later than now is a RejectedRow."""
        now = clock.now()
        for block in self.rating_table.read_blocks():
            yield _parse_plain_batch(self.rating_table, block, now) or _parse_rows_one_by_one(
                self.rating_table, block, now
            )

    def _parse_movie(self, line: int, cells: list[str]) -> DatasetMovie:
        title = parse_title(cells[1])
        if title is None:
            raise ValueError("it has no title")
        names = (_GENRES_BY_NAME.get(name) for name in self.list_genre_names(cells))
        genres = tuple(dict.fromkeys(name for name in names if name))
        return DatasetMovie(line, _parse_number("movie id", cells[0]), *parse_movielens_title(title), genres)


def open_folder(path: Path) -> Dataset:
    """Recognize the data set by its files' names and first lines. Raise NotMovieLens."""
    shapes = {"ratings.csv": _open_csv, "ratings.dat": _open_dat, "u.data": _open_100k}
    try:
        for name, open_shape in shapes.items():
            if (path / name).is_file():
                return open_shape(path)
    except OSError as error:
        raise NotMovieLens(f"{Path(error.filename).name} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise NotMovieLens(str(error)) from error
    raise NotMovieLens(f"{path} is not a MovieLens data set: it has none of {', '.join(shapes)}")


def _open_csv(path: Path) -> Dataset:
    links = path / "links.csv"
    return Dataset(
        Table.with_header(path / "ratings.csv", _RATING_COLUMNS),
        Table.with_header(path / "movies.csv", _MOVIE_COLUMNS),
        Table.with_header(links, _LINK_COLUMNS) if links.exists() else None,
        _list_named_genres,
    )


def _open_dat(path: Path) -> Dataset:
    return Dataset(
        Table.without_header(path / "ratings.dat", "::", len(_RATING_COLUMNS)),
        Table.without_header(path / "movies.dat", "::", len(_MOVIE_COLUMNS)),
        None,
        _list_named_genres,
    )


def _open_100k(path: Path) -> Dataset:
    return Dataset(
        Table.without_header(path / "u.data", "\t", len(_RATING_COLUMNS)),
        Table.without_header(path / "u.item", "|", _FLAGS_AT + len(_FLAGS)),
        None,
        _list_flagged_genres,
    )


def _list_named_genres(cells: list[str]) -> Iterable[str]:
    return cells[2].split("|")


def _list_flagged_genres(cells: list[str]) -> Iterable[str]:
    return (genre for genre, flag in zip(_FLAGS, cells[_FLAGS_AT:], strict=True) if flag == "1")


def _parse_link(_line: int, cells: list[str]) -> _Link:
    return _parse_number("movie id", cells[0]), parse_imdb_id(cells[1]), parse_tmdb_id(cells[2])


def _parse_plain_batch(table: Table, block: Block, now: int) -> RatingBatch | None:
    columns = table.split_plain_columns(block)
    if columns is None:
        return None
    try:
        users, movies, seconds = (list(map(int, columns[index])) for index in (0, 1, 3))
        half_points = list(map(STARS.half_points.__getitem__, columns[2]))
    except (KeyError, ValueError):
        return None
    if max(users) > _MAX_ID or max(movies) > _MAX_ID or max(seconds) * clock.SECOND > now:
        return None
    lines = range(block.first_line, block.first_line + len(users))
    rated_at = [second * clock.SECOND for second in seconds]
    return RatingBatch(lines, users, movies, half_points, rated_at, [], block.end)


def _parse_rows_one_by_one(table: Table, block: Block, now: int) -> RatingBatch:
    rows = list(table.parse_block(block, lambda line, cells: _parse_rating(line, cells, now)))
    rejected = [row for row in rows if isinstance(row, RejectedRow)]
    good = [row for row in rows if not isinstance(row, RejectedRow)]
    lines, users, movies, half_points, rated_at = ([row[index] for row in good] for index in range(5))
    return RatingBatch(lines, users, movies, half_points, rated_at, rejected, block.end)


def _parse_rating(line: int, cells: list[str], now: int) -> tuple[int, int, int, int, int]:
    user, movie, stars, timestamp = cells
    half_points = parse_rating(STARS, _SPARE_ZEROS.sub(r"\1", stars))
    if timestamp.startswith("-") and timestamp[1:].isdigit():
        raise ValueError("the rating is dated before 1970")
    rated_at = _parse_number("timestamp", timestamp) * clock.SECOND
    if rated_at > now:
        raise ValueError(f"the timestamp {timestamp} lies in the future")
    return line, _parse_number("user id", user), _parse_number("movie id", movie), half_points, rated_at


def _parse_number(name: str, text: str) -> int:
    # Not int() alone, which takes "1_2", " 12 " and the digits of every script as well.
    if not (text.isascii() and text.isdigit() and len(text) < 30 and int(text) <= _MAX_ID):
        raise ValueError(f"the {name} {text[:30]!r} is not a whole number below 2^63")
    return int(text)
