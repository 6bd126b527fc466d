"""Exports of one user's ratings: the same ratings give the same bytes on any account and instance.

An export shows the ratings of the moment it began. Facts of movies are read while it is sent, a page at a time, so a
movie that is changed meanwhile may appear in either form, one that is merged meanwhile as the one that stays, and one
that is deleted meanwhile is left out. Between two pages no transaction is open, however slowly the client reads.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, bindparam, func, select

from movierating.movies.merged_movies import find_merged
from movierating.movies.models import Movie
from movierating.ratings.bulk import StoredRating
from movierating.ratings.formats.rows import ExportRow
from movierating.ratings.formats.writers import ExportFile, write_export
from movierating.ratings.models import Rating
from movierating.storage.database import db, read
from movierating.storage.dialect import by_bytes, encode_values, in_many
from movierating.storage.statements import CompiledStatement

_rating, _movie = Rating.__table__.c, Movie.__table__.c

# The order must not depend on values that differ between instances, such as the movie's id.
_ORDER = (
    _rating.rated_at,
    by_bytes(func.coalesce(_movie.imdb_id, "")),
    func.coalesce(_movie.tmdb_id, 0),
    by_bytes(_movie.title),
    _movie.year_rank,
)
_RATINGS = (
    select(_rating.movie_id, _rating.value, _rating.rated_at)
    .join(Movie, _movie.id == _rating.movie_id)
    .order_by(*_ORDER)
)
_FACTS = (
    _movie.id,
    _movie.imdb_id,
    _movie.tmdb_id,
    _movie.title,
    _movie.original_title,
    _movie.year,
    _movie.directors,
)
_MOVIES = CompiledStatement(select(*_FACTS).where(in_many(_movie.id, bindparam("movies"))))
_PAGE_ROWS = 500

# In characters, which are in memory at once. The titles of 100,000 movies usually have less than a third.
MAX_REPLACED_LENGTH = 1 << 24


def export_ratings(user_id: int, format_name: str) -> ExportFile:
    """Return a user's ratings, oldest first, as a file in one of the formats of `writers`."""
    # The first query must not run in the generator: the response would have begun before it fails.
    return write_export(format_name, _iterate_rows(db.engine, _read_ratings(user_id)))


def _read_ratings(user_id: int) -> "array[int]":
    """Return movie id, half points and microseconds of each rating: 24 bytes."""
    with read().execute(_RATINGS.where(_rating.user_id == user_id)) as result:
        return array("q", chain.from_iterable(result))


def _iterate_rows(engine: Engine, values: "array[int]") -> Iterator[ExportRow]:
    """Yield the ratings of `_read_ratings` with the facts of their movies."""
    for start in range(0, len(values), 3 * _PAGE_ROWS):
        page = values[start : start + 3 * _PAGE_ROWS]
        ratings = list(zip(page[::3], page[1::3], page[2::3], strict=True))
        yield from _join_movies(read(engine), ratings)


def _join_movies(connection: Connection, ratings: Sequence[StoredRating]) -> Iterator[ExportRow]:
    """Yield the ratings with the facts of their movies, or of those that they were merged into.

    Ratings of deleted movies are left out.
    """
    movie_ids = {movie_id for movie_id, _, _ in ratings}
    facts = _read_facts(connection, movie_ids)
    if missing := movie_ids - facts.keys():
        merged = find_merged(connection, missing)
        survivors = _read_facts(connection, set(merged.values()))
        facts |= {
            former_id: survivors[into_id] for former_id, into_id in merged.items() if into_id in survivors
        }
    for movie_id, value, rated_at in ratings:
        if movie_id in facts:
            imdb_id, tmdb_id, title, original_title, year, directors = facts[movie_id]
            yield ExportRow(
                imdb_id, tmdb_id, title, original_title, year, orjson.loads(directors), value, rated_at
            )


def _read_facts(connection: Connection, movie_ids: set[int]) -> dict[int, Any]:
    movies = _MOVIES.tuples(connection, movies=encode_values(sorted(movie_ids)))
    return {movie_id: row for movie_id, *row in movies}


def format_replaced(connection: Connection, ratings: Sequence[StoredRating]) -> str | None:
    """Return ratings that an import replaced as our own CSV, in the order of an export.

    Return None if there are none, or if their titles have more than MAX_REPLACED_LENGTH characters.
    """
    rows: list[ExportRow] = []
    length = 0
    for start in range(0, len(ratings), _PAGE_ROWS):
        page = list(_join_movies(connection, ratings[start : start + _PAGE_ROWS]))
        length += sum(len(row.title) + len(row.original_title or "") for row in page)
        if length > MAX_REPLACED_LENGTH:
            return None
        rows += page
    rows.sort(key=lambda row: (row.rated_at, row.imdb_id or "", row.tmdb_id or 0, row.title, row.year or 0))
    return b"".join(write_export("csv", rows).blocks).decode() if rows else None
