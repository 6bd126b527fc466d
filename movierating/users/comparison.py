"""The movies that two users have both rated, and how their ratings differ."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select

from movierating.movies.models import Movie
from movierating.movies.movie_json import LIST_COLUMNS
from movierating.ratings.models import Rating
from movierating.storage.database import read
from movierating.storage.statements import CompiledStatement, with_custom_plan

_movie = Movie.__table__.c
_own, _other = Rating.__table__.alias("own"), Rating.__table__.alias("other")
_difference = func.abs(_own.c.value - _other.c.value)
_in_common = (
    (_own.c.user_id == bindparam("user"))
    & (_other.c.user_id == bindparam("other"))
    & (_other.c.movie_id == _own.c.movie_id)
)
_TOTALS = CompiledStatement(
    with_custom_plan(
        select(
            func.count().label("count"),
            func.coalesce(func.sum(_difference), 0).label("total"),
            func.count().filter(_difference == 0).label("equal"),
        ).where(_in_common)
    )
)
_MOVIES = CompiledStatement(
    with_custom_plan(
        select(*LIST_COLUMNS, _own.c.value.label("own_value"), _other.c.value.label("other_value"))
        .where(_in_common, _movie.id == _own.c.movie_id)
        .order_by(_difference.desc(), _movie.rating_count.desc(), _movie.id)
        .limit(bindparam("limit"))
    )
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two users' ratings of the same movies: how many, the sum of the differences in half points, and equal ones.

    `rows` begin with LIST_COLUMNS, and end with both ratings in half points.
    """

    count: int
    total: int
    equal: int
    rows: list[Any]

    @property
    def mean_difference(self) -> float:
        """Return the mean of the differences in points; there must be movies in common."""
        return self.total / (2 * self.count)


def compare_users(user_id: int, other_id: int, limit: int) -> Comparison:
    """Return what two users have rated in common, with the movies whose ratings differ most."""
    totals = _TOTALS.first(read(), user=user_id, other=other_id)
    rows = _MOVIES.all(read(), user=user_id, other=other_id, limit=limit)
    return Comparison(int(totals.count), int(totals.total), int(totals.equal), rows)
