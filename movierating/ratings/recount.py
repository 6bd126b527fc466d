"""Find and repair aggregates of movies and users that differ from their ratings."""

from typing import Any

from sqlalchemy import Connection, Select, case, func, or_, select, update

from movierating import rating_stats
from movierating.auth.models import User
from movierating.movies.models import Movie
from movierating.ratings.models import Rating

_movie = Movie.__table__.c
_rating = Rating.__table__.c

_COUNTED: tuple[tuple[Any, Any], ...] = (
    (Movie.__table__, _rating.movie_id),
    (User.__table__, _rating.user_id),
)


def find_mismatches(connection: Connection) -> list[tuple[str, int]]:
    """Return each movie and user whose aggregates differ from its ratings, as (`movie` or `user`, id)."""
    return [
        (table.name, row.id) for table, key in _COUNTED for row in connection.execute(_recounted(table, key))
    ]


def repair_mismatches(connection: Connection) -> list[tuple[str, int]]:
    """Write the recount where `find_mismatches` finds a difference; return its result."""
    mismatches = find_mismatches(connection)
    for table, key in _COUNTED:
        for row in connection.execute(_recounted(table, key)).all():
            values: dict[str, Any] = dict(zip(rating_stats.STATS_COLUMNS, row[1:], strict=True))
            connection.execute(update(table).where(table.c.id == row.id).values(values))
    for name, movie_id in mismatches:
        if name == "movie":
            newer = update(Movie).where(_movie.id == movie_id)
            connection.execute(newer.values(ratings_version=_movie.ratings_version + 1))
    return mismatches


def _recounted(table: Any, key: Any) -> Select[Any]:
    """Select the id and the true columns of each row of `table` whose COLUMNS are not true."""
    steps = range(1, rating_stats.MAX_HALF_POINTS + 1)
    true = (
        select(
            key.label("key"),
            func.count().label("rating_count"),
            func.sum(_rating.value).label("rating_sum"),
            *(
                func.sum(case((_rating.value == step, 1), else_=0)).label(name)
                for step, name in zip(steps, rating_stats.HISTOGRAM_COLUMNS, strict=True)
            ),
        )
        .group_by(key)
        .subquery()
    )
    columns = [func.coalesce(true.c[name], 0) for name in rating_stats.STATS_COLUMNS]
    differs = or_(
        *(table.c[name] != column for name, column in zip(rating_stats.STATS_COLUMNS, columns, strict=True))
    )
    return (
        select(table.c.id, *columns)
        .select_from(table.outerjoin(true, true.c.key == table.c.id))
        .where(differs)
    )
