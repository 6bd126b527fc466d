"""Look up many movies by their ids."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, bindparam, select

from movierating.movies import retired_movies
from movierating.movies.merged_movies import find_merged
from movierating.movies.models import Movie
from movierating.storage.dialect import encode_values, in_many
from movierating.storage.statements import CompiledStatement

_movie = Movie.__table__.c

_IDS = {
    kind: CompiledStatement(select(_movie[name], _movie.id).where(in_many(_movie[name], bindparam("values"))))
    for kind, name in retired_movies.FILE_IDS.items()
}


def find_ids_by_imdb_id(connection: Connection, imdb_ids: Collection[str]) -> dict[str, int]:
    """Return the ids of the movies with these IMDb ids, their own or those of movies that were merged into them."""
    return _find_ids(connection, retired_movies.IMDB, sorted(imdb_ids))


def find_ids_by_tmdb_id(connection: Connection, tmdb_ids: Collection[int]) -> dict[int, int]:
    """Return the ids of the movies with these TMDB ids, as `find_ids_by_imdb_id` does."""
    return _find_ids(connection, retired_movies.TMDB, sorted(tmdb_ids))


def _find_ids(connection: Connection, kind: str, values: list[Any]) -> dict[Any, int]:
    # Read in this order, a movie that is merged meanwhile is found twice rather than not at all.
    own = dict(_IDS[kind].tuples(connection, values=encode_values(values)))
    return retired_movies.find_by_external_id(connection, kind, values) | own


def find_learning_ids(connection: Connection, imdb_ids: Collection[str]) -> set[str]:
    """Return those of these IMDb ids whose movies learn a TMDB id."""
    # Most movies have no TMDB id, and with it as a condition SQLite would walk through all of them.
    statement = select(_movie.imdb_id, _movie.tmdb_id).where(
        in_many(_movie.imdb_id, sorted(imdb_ids)), _movie.learns_ids
    )
    return {str(row.imdb_id) for row in connection.execute(statement) if row.tmdb_id is None}


def find_current_ids(connection: Connection, movie_ids: Collection[int]) -> dict[int, int]:
    """Return the ids of the movies with these ids, their own or those of movies that were merged into them.

    A movie that is being merged counts as merged.
    """
    existing = connection.scalars(select(_movie.id).where(in_many(_movie.id, sorted(movie_ids)))).all()
    return dict(zip(existing, existing, strict=True)) | find_merged(connection, movie_ids)


def find_titles(connection: Connection, movie_ids: Collection[int]) -> dict[int, tuple[str, int | None]]:
    """Return the titles and years of these movies, by their ids."""
    statement = select(_movie.id, _movie.title, _movie.year).where(in_many(_movie.id, sorted(movie_ids)))
    return {row.id: (row.title, row.year) for row in connection.execute(statement)}
