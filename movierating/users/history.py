"""What a user rated: the profile's list of movies."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from movierating.movies.models import Movie, MovieFacet
from movierating.movies.service import FACT_COLUMNS, facts
from movierating.pagination import Sort, page
from movierating.ratings.models import Rating
from movierating.ratings.service import shown_values
from movierating.users.service import require_active

_rating, _movie, _facet = Rating.__table__.c, Movie.__table__.c, MovieFacet.__table__.c

_BY_TIME, _BY_VALUE = (_rating.rated_at, _rating.movie_id), (_rating.value, _rating.movie_id)
_SORTS = {
    "-rated_at": (_BY_TIME, True),
    "rated_at": (_BY_TIME, False),
    "-value": (_BY_VALUE, True),
    "value": (_BY_VALUE, False),
    "title": ((_movie.title_key, _rating.movie_id), False),
}
SORTS = tuple(_SORTS)
_OWN = (_rating.value, _rating.rated_at, _rating.created_at, _rating.updated_at)


def rated_by(
    user_id: int, filters: Mapping[str, Any], sort: str, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of a user's ratings with their movies, and the next cursor.

    `filters` may hold `min_value` and `max_value` (half points) and `genre`. Raises NotFound.
    """
    require_active(user_id)
    columns, descending = _SORTS[sort]
    statement = _filtered(
        select(*FACT_COLUMNS, *(column.label(f"rating_{column.name}") for column in _OWN))
        .select_from(Rating)
        .join(Movie, _movie.id == _rating.movie_id)
        .where(_rating.user_id == user_id),
        filters,
    )
    rows, next_cursor = page(statement, Sort(f"history:{sort}", columns, descending), cursor, limit)
    first = len(FACT_COLUMNS)
    return [
        {"movie": facts(row), **shown_values(*row[first : first + len(_OWN)])} for row in rows
    ], next_cursor


def _filtered(statement: Select[Any], filters: Mapping[str, Any]) -> Select[Any]:
    if "min_value" in filters:
        statement = statement.where(_rating.value >= filters["min_value"])
    if "max_value" in filters:
        statement = statement.where(_rating.value <= filters["max_value"])
    if "genre" in filters:
        has_genre = select(_facet.movie_id).where(
            _facet.movie_id == _rating.movie_id, _facet.facet == f"genre:{filters['genre']}"
        )
        statement = statement.where(has_genre.exists())
    return statement
