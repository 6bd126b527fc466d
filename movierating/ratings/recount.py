"""Find and repair aggregates of movies and users that differ from their ratings."""

from typing import Any

from sqlalchemy import Connection, Select, case, func, or_, select, update

from movierating import rating_stats
from movierating.auth.models import User
from movierating.movies.models import Movie
from movierating.ratings.models import Rating

_rating = Rating.__table__.c

_RATED: tuple[tuple[Any, Any], ...] = (
    (Movie.__table__, _rating.movie_id),
    (User.__table__, _rating.user_id),
)


def find_mismatches(connection: Connection) -> list[tuple[str, int]]:
    """Return each movie and user whose aggregates differ from its ratings, as (`movie` or `user`, id)."""
    return [
        (table.name, row.id)
        for table, key in _RATED
        for row in connection.execute(_select_mismatches(table, key))
    ]


def repair_mismatches(connection: Connection) -> list[tuple[str, int]]:
    """Write the recounted aggregates where they differ; return what `find_mismatches` returned before."""
    mismatches = []
    for table, key in _RATED:
        for row_id, *stats in connection.execute(_select_mismatches(table, key)).all():
            values: dict[str, Any] = dict(zip(rating_stats.AGGREGATE_COLUMNS, stats, strict=True))
            if table is Movie.__table__:
                values["ratings_version"] = table.c.ratings_version + 1
            connection.execute(update(table).where(table.c.id == row_id).values(values))
            mismatches.append((table.name, row_id))
    return mismatches


def _select_mismatches(table: Any, key: Any) -> Select[Any]:
    """Select the id and the recounted aggregates of each row of `table` whose aggregates differ from them."""
    counts = [func.count(), func.sum(_rating.value)]
    counts += [
        func.sum(case((_rating.value == value, 1), else_=0))
        for value in range(1, rating_stats.MAX_HALF_POINTS + 1)
    ]
    names = rating_stats.AGGREGATE_COLUMNS
    labels = (count.label(name) for name, count in zip(names, counts, strict=True))
    recount = select(key.label("key"), *labels).group_by(key).subquery()
    columns = [func.coalesce(recount.c[name], 0) for name in names]
    differs = or_(*(table.c[name] != column for name, column in zip(names, columns, strict=True)))
    joined = table.outerjoin(recount, recount.c.key == table.c.id)
    return select(table.c.id, *columns).select_from(joined).where(differs)
