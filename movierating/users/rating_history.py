"""List the ratings of a user with their movies."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import String, bindparam, select

from movierating.auth.models import User
from movierating.movies.models import Movie
from movierating.movies.movie_json import FACT_COLUMNS, serialize_facts
from movierating.ratings.models import Rating
from movierating.ratings.service import RATING_COLUMNS, serialize_rating
from movierating.storage.database import read
from movierating.storage.dialect import contains_text
from movierating.storage.pagination import KeysetPaginator, Sort
from movierating.storage.statements import CompiledStatement, with_custom_plan
from movierating.users.service import get_profile

_rating, _movie, _user = Rating.__table__.c, Movie.__table__.c, User.__table__.c

_BY_TIME, _BY_VALUE = (_rating.rated_at, _rating.movie_id), (_rating.value, _rating.movie_id)
_SORTS = {
    "-rated_at": (_BY_TIME, True),
    "rated_at": (_BY_TIME, False),
    "-value": (_BY_VALUE, True),
    "value": (_BY_VALUE, False),
    # Both are columns of the movie, so that the index of titles can seek to a page.
    "title": ((_movie.title_key, _movie.id), False),
    "-updated_at": ((_rating.updated_at, _rating.movie_id), True),
}
OWN_SORTS = tuple(_SORTS)
SORTS = OWN_SORTS[:-1]
_IS_ACTIVE = select(_user.id).where(_user.id == bindparam("user"), _user.active).exists()
_RATING_FIELDS = slice(len(FACT_COLUMNS), len(FACT_COLUMNS) + len(RATING_COLUMNS))


def list_ratings_by_user(
    user_id: int, filters: Mapping[str, Any], sort: str, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of a user's ratings with their movies, and the next cursor.

    `filters` may contain `min_value`, `max_value` (half points), `genre` and `updated_since` (microseconds). `sort` is
    one of OWN_SORTS. Raise NotFound for no active account.
    """
    rows, next_cursor = _get_paginator(sort, frozenset(filters)).page(
        cursor, limit, filters=filters, **{**filters, "user": user_id}
    )
    if not rows:
        get_profile(user_id)  # raises NotFound
    return [_serialize_rated_movie(row) for row in rows], next_cursor


_HIGHEST = CompiledStatement(
    select(*FACT_COLUMNS, *RATING_COLUMNS)
    .join_from(Rating, Movie, _movie.id == _rating.movie_id)
    .where(_rating.user_id == bindparam("user"))
    .order_by(_rating.value.desc(), _movie.prominence.desc(), _movie.id.desc())
    .limit(bindparam("limit"))
)


def list_highest_ratings(user_id: int, limit: int) -> list[dict[str, Any]]:
    """Return a user's highest ratings with their movies; of equal ratings, those of widely known movies come first."""
    return [_serialize_rated_movie(row) for row in _HIGHEST.tuples(read(), user=user_id, limit=limit)]


def _serialize_rated_movie(row: Sequence[Any]) -> dict[str, Any]:
    return {**serialize_rating(*row[_RATING_FIELDS]), "movie": serialize_facts(row)}


_FILTERS = {
    "min_value": _rating.value >= bindparam("min_value"),
    "max_value": _rating.value <= bindparam("max_value"),
    "updated_since": _rating.updated_at >= bindparam("updated_since"),
    # No genre has a quote in its name.
    "genre": contains_text(_movie.genres, '"' + bindparam("genre", type_=String) + '"'),
}


@functools.cache
def _get_paginator(sort: str, filters: frozenset[str]) -> KeysetPaginator:
    columns, descending = _SORTS[sort]
    # No index has a user's ratings in these orders, so all are sorted: without the columns of their movies.
    is_sorted = sort in ("title", "-updated_at")
    ratings = (
        select(*([_rating.movie_id] if is_sorted else FACT_COLUMNS), *RATING_COLUMNS)
        .select_from(Rating)
        .where(
            _rating.user_id == bindparam("user"), _IS_ACTIVE, *(_FILTERS[name] for name in sorted(filters))
        )
    )
    if sort != "-updated_at" or "genre" in filters:
        ratings = ratings.join(Movie, _movie.id == _rating.movie_id)
    if sort == "title":
        # Few ratings are sorted, for many the index of all titles is scanned.
        ratings = with_custom_plan(ratings)
    return KeysetPaginator(
        ratings, Sort(f"history:{sort}", columns, descending), details=FACT_COLUMNS if is_sorted else ()
    )
