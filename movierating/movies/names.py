"""Look up movies by their names, as files of other services spell them.

Facets hold the match keys of a movie's title and original title (`name:…`) and of the parts of both (`part:…`);
`movie_title` holds those of alternative titles.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, select

from movierating.movies.models import Movie, MovieFacet, MovieTitle
from movierating.movies.titles import list_part_keys, match_key
from movierating.storage.dialect import in_many

_movie, _facet, _title = Movie.__table__.c, MovieFacet.__table__.c, MovieTitle.__table__.c
NAME_FACET, _PART = "name:", "part:"

_MATCH_COLUMNS = (
    *(_movie.id, _movie.imdb_id, _movie.tmdb_id, _movie.year),
    *(_movie.learns_ids, _movie.title_key, _movie.original_title_key),
)
# The columns by which a movie is matched.
MATCH_ROWS = select(*_MATCH_COLUMNS)


def make_match_row(movie: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what MATCH_ROWS selects of a movie, from its columns."""
    return tuple(movie[column.name] for column in _MATCH_COLUMNS)


def list_titles(movie: Mapping[str, Any]) -> list[str]:
    """Return a movie's title and original title, if it has one, from its columns."""
    return [title for title in (movie["title"], movie["original_title"]) if title]


def list_match_keys(movie: Mapping[str, Any]) -> list[str]:
    """Return the match keys of a movie's title and original title, from its columns."""
    return list(map(match_key, list_titles(movie)))


def list_name_facets(movie: Mapping[str, Any]) -> list[str]:
    """Return the facets of a movie's title and original title, from its columns."""
    parts = [f"{_PART}{key}" for title in list_titles(movie) for key in list_part_keys(title)]
    return [f"{NAME_FACET}{key}" for key in list_match_keys(movie)] + parts


def find_by_name(connection: Connection, keys: Collection[str]) -> list[Row[Any]]:
    """Return what MATCH_ROWS selects of the movies whose title or original title has one of these match keys."""
    named = select(_facet.movie_id).where(in_many(_facet.facet, sorted(f"{NAME_FACET}{key}" for key in keys)))
    return list(connection.execute(MATCH_ROWS.where(_movie.id.in_(named)).order_by(_movie.id)))


def find_by_alternative(connection: Connection, keys: Collection[str]) -> list[Row[Any]]:
    """Return source, key and the columns of MATCH_ROWS for each alternative title with one of these match keys."""
    statement = select(_title.source, _title.match_key, *_MATCH_COLUMNS).join_from(MovieTitle, Movie)
    return list(
        connection.execute(
            statement.where(in_many(_title.match_key, sorted(keys))).order_by(_title.movie_id, _title.id)
        )
    )


def find_by_part(connection: Connection, keys: Collection[str]) -> list[Row[Any]]:
    """Return the match key and the columns of MATCH_ROWS for each part of a title with one of these match keys."""
    key = func.substr(_facet.facet, len(_PART) + 1)
    statement = select(key, *_MATCH_COLUMNS).join_from(MovieFacet, Movie)
    facets = sorted(f"{_PART}{key}" for key in keys)
    return list(connection.execute(statement.where(in_many(_facet.facet, facets)).order_by(_movie.id)))
