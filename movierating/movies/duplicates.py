"""Find pairs of movies that may be the same one."""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    and_,
    exists,
    func,
    or_,
    select,
    union_all,
)

from movierating.errors import NotFound, invalid_field
from movierating.movies import service
from movierating.movies.models import DifferentMovies, Movie, MovieFacet, MovieTitle
from movierating.movies.names import NAME_FACET
from movierating.storage.database import read, write
from movierating.storage.dialect import upsert

# Titles shared by more movies are compared within groups of this size, because the number of pairs grows quadratically.
MAX_GROUP_SIZE = 50

_movie, _facet, _title = Movie.__table__.c, MovieFacet.__table__.c, MovieTitle.__table__.c
_different = DifferentMovies.__table__.c
_ID_COLUMNS = ("imdb_id", "tmdb_id", "wikidata_id")


def list_duplicates() -> list[Row[Any]]:
    """Return pairs of movies that look alike: the id, title, year and number of ratings of one, then of the other.

    They share a title apart from case, accents and punctuation, their years differ by at most one or are unknown, they
    have no different ids of the same kind, and `mark_as_different` has not been called for them. The movie with more
    ratings comes second: it is the one to keep.
    """
    names = _select_shared_names()
    movie, other = names.alias("movie"), names.alias("other")
    columns = [
        each.c[column] for each in (movie, other) for column in ("id", "title", "year", "rating_count")
    ]
    statement = (
        select(*columns)
        .distinct()
        .select_from(movie)
        .join(other, (movie.c.key == other.c.key) & (movie.c.group_number == other.c.group_number))
        .where(_may_be_same(movie, other), _has_fewer_ratings(movie, other), ~_is_marked(movie, other))
        .order_by(other.c.id, movie.c.id)
    )
    # Fetch all rows: an open statement would hold a snapshot while the command's output is read.
    return list(read().execute(statement))


def mark_as_different(movie_id: int, other_id: int) -> None:
    """Store that two movies are different ones; `list_duplicates` then leaves them out.

    Raise NotFound if the first does not exist, and InvalidRequest if the other one does not, or is the same.
    """
    if movie_id == other_id:
        raise invalid_field("json", "into", "A movie can't be different from itself.")

    def insert_pair(connection: Connection) -> None:
        service.require_movie(connection, movie_id)
        try:
            service.require_movie(connection, other_id)
        except NotFound as error:
            raise invalid_field("json", "into", f"There is no movie {other_id}.") from error
        smaller_id, larger_id = sorted((movie_id, other_id))
        statement = upsert(connection.dialect, DifferentMovies.__table__)
        pair = {"movie_id": smaller_id, "other_id": larger_id}
        connection.execute(statement.values(pair).on_conflict_do_nothing())

    write(insert_pair, ())


def _select_shared_names() -> CTE:
    """Return the match keys that titles of several movies share, with these movies and the group of each.

    Few titles are shared: finding those first takes about half of the time of joining all. Movies of a group are near
    in time.
    """
    # `;` is the character after `:`.
    facets = select(func.substr(_facet.facet, len(NAME_FACET) + 1).label("key"), _facet.movie_id).where(
        _facet.facet >= NAME_FACET, _facet.facet < NAME_FACET[:-1] + ";"
    )
    names = union_all(facets, select(_title.match_key, _title.movie_id)).cte("names")
    is_shared = func.min(names.c.movie_id) < func.max(names.c.movie_id)
    shared_keys = select(names.c.key).where(names.c.key != "").group_by(names.c.key).having(is_shared)
    shared = select(names).where(names.c.key.in_(shared_keys)).distinct().subquery("shared")
    number = func.row_number().over(partition_by=shared.c.key, order_by=(_movie.year, _movie.id))
    columns = (
        _movie.id,
        _movie.title,
        _movie.year,
        _movie.rating_count,
        *(_movie[name] for name in _ID_COLUMNS),
    )
    return (
        select(shared.c.key, ((number - 1) // MAX_GROUP_SIZE).label("group_number"), *columns)
        .join(Movie, _movie.id == shared.c.movie_id)
        .cte("shared_names")
    )


def _may_be_same(movie: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Return the condition that two movies may be one.

    Their years differ by at most one or are unknown, and they have no different ids of the same kind.
    """
    return and_(
        or_(movie.c.year.is_(None), other.c.year.is_(None), func.abs(movie.c.year - other.c.year) <= 1),
        *(
            or_(movie.c[kind].is_(None), other.c[kind].is_(None), movie.c[kind] == other.c[kind])
            for kind in _ID_COLUMNS
        ),
    )


def _has_fewer_ratings(movie: FromClause, other: FromClause) -> ColumnElement[bool]:
    return or_(
        movie.c.rating_count < other.c.rating_count,
        (movie.c.rating_count == other.c.rating_count) & (movie.c.id > other.c.id),
    )


def _is_marked(movie: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Return the condition that `mark_as_different` has stored these movies."""
    pairs = ((movie, other), (other, movie))
    return or_(
        *(
            exists().where(_different.movie_id == one.c.id, _different.other_id == two.c.id)
            for one, two in pairs
        )
    )
