"""Conflicts between a movie's facts and other movies."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from movierating.errors import Conflict
from movierating.movies import retired_movies
from movierating.movies.models import Movie
from movierating.movies.titles import fold

_movie = Movie.__table__.c


def make_conflict(field: str, movie_id: int | None) -> Conflict:
    """Return the error if a movie has the same value of `field`; "title" stands for title and year."""
    detail = f"Another movie has this {'title and year' if field == 'title' else field}."
    conflict = {"field": field} if movie_id is None else {"field": field, "movie_id": movie_id}
    return Conflict(detail, kind="movie-exists", conflict=conflict)


def reject_same_title(connection: Connection, row: Mapping[str, Any], own_id: int | None) -> None:
    """Raise Conflict if another movie has this folded title and year, unless both have different IMDb ids.

    No unique index can express this; but writers come one at a time, so what is read here holds until the commit.
    """
    key = row.get("title_key") or fold(row["title"])
    same = and_(_movie.title_key == key, _movie.year == row["year"])
    if row["imdb_id"] is not None:
        same = and_(same, or_(_movie.imdb_id.is_(None), _movie.imdb_id == row["imdb_id"]))
    if own_id is not None:
        same = and_(same, _movie.id != own_id)
    movie = connection.execute(select(_movie.id, _movie.imdb_id, _movie.tmdb_id).where(same).limit(1)).first()
    if movie is not None:
        # An id says more than a title: a client can look the movie up by it.
        ids = {"imdb_id": movie.imdb_id, "tmdb_id": movie.tmdb_id}
        equal = (name for name, value in ids.items() if value is not None and row.get(name) == value)
        raise make_conflict(next(equal, "title"), movie.id)


def reject_merged_ids(connection: Connection, row: Mapping[str, Any], own_id: int | None) -> None:
    """Raise Conflict if an id belongs to a movie that was merged into another one than the row's own."""
    for kind, name in retired_movies.FILE_IDS.items():
        if row.get(name) is not None:
            merged = retired_movies.find_by_external_id(connection, kind, [row[name]])
            if merged and own_id not in merged.values():
                raise make_conflict(name, merged[row[name]])
