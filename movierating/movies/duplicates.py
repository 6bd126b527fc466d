"""Find pairs of movies that may be the same one."""

from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Row, and_, func, or_, select, union_all

from movierating.movies.models import Movie, MovieFacet, MovieTitle
from movierating.movies.names import NAME_FACET
from movierating.storage.database import read

_facet, _title = MovieFacet.__table__.c, MovieTitle.__table__.c


def list_duplicates() -> list[Row[Any]]:
    """Return pairs of movies that look alike: the id, title, year and number of ratings of one, then of the other.

    They share a title apart from case, accents and punctuation, are at most a year apart, and have no different ids of
    the same kind. The movie with more ratings comes second: it is the one to keep.
    """
    names = _select_shared_names()
    name, other_name = names.alias("name"), names.alias("other_name")
    movie, other = Movie.__table__.alias("movie"), Movie.__table__.alias("other")
    columns = [
        each.c[column] for each in (movie, other) for column in ("id", "title", "year", "rating_count")
    ]
    same_name = (name.c.key == other_name.c.key) & (name.c.movie_id != other_name.c.movie_id)
    statement = (
        select(*columns)
        .distinct()
        .select_from(name)
        .join(other_name, same_name)
        .join(movie, movie.c.id == name.c.movie_id)
        .join(other, other.c.id == other_name.c.movie_id)
        .where(_may_be_same(movie, other), _has_fewer_ratings(movie, other))
        .order_by(other.c.id, movie.c.id)
    )
    return list(read().execute(statement))


def _select_shared_names() -> CTE:
    """Return the match keys that titles of several movies share, with the ids of these movies.

    Few titles are shared: finding those first takes about half of the time of joining all.
    """
    facets = select(func.substr(_facet.facet, len(NAME_FACET) + 1).label("key"), _facet.movie_id).where(
        _facet.facet >= NAME_FACET, _facet.facet < NAME_FACET[:-1] + ";"
    )
    names = union_all(facets, select(_title.match_key, _title.movie_id)).cte("names")
    is_shared = func.min(names.c.movie_id) < func.max(names.c.movie_id)
    shared_keys = select(names.c.key).where(names.c.key != "").group_by(names.c.key).having(is_shared)
    return select(names).where(names.c.key.in_(shared_keys)).cte("shared_names")


def _may_be_same(movie: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Return the condition that two movies are at most a year apart, and have no different ids of the same kind."""
    return and_(
        or_(movie.c.year.is_(None), other.c.year.is_(None), func.abs(movie.c.year - other.c.year) <= 1),
        *(
            or_(movie.c[kind].is_(None), other.c[kind].is_(None), movie.c[kind] == other.c[kind])
            for kind in ("imdb_id", "tmdb_id", "wikidata_id")
        ),
    )


def _has_fewer_ratings(movie: FromClause, other: FromClause) -> ColumnElement[bool]:
    return or_(
        movie.c.rating_count < other.c.rating_count,
        (movie.c.rating_count == other.c.rating_count) & (movie.c.id > other.c.id),
    )
