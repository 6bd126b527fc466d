"""Ratings aggregates of one movie and one user, updated by difference in the transaction of the rating."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, literal_column, update

from movierating import rating_stats
from movierating.auth.models import User
from movierating.movies.models import Movie
from movierating.storage.statements import CompiledStatement

MOVIE_COLUMNS = rating_stats.get_stats_columns(Movie.__table__)


def apply_delta(connection: Connection, user_id: int, movie_id: int, old: int | None, new: int | None) -> Any:
    """Subtract the value `old` (half points, None if there was none) from a movie's and a user's sums; add `new`.

    Returns the movie's new MOVIE_COLUMNS, or None if there is no such movie; then nothing was changed.
    """
    steps = _steps(old, new)
    names = _ADDS if "rating_count" in steps else _CHANGES
    fresh = _MOVE_ONE_MOVIE[names].first(connection, key=movie_id, **steps)
    if fresh is not None and old != new:
        _MOVE_ONE_USER[names].run(connection, key=user_id, **steps)
    return fresh


def _moves_one(table: Any, names: Sequence[str], *counters: str) -> Any:
    """An UPDATE of the row whose id is `key`: columns move by the values of their names, and `counters` by one."""
    moved = {name: table.c[name] + bindparam(name, type_=Integer) for name in names}
    counted = {name: table.c[name] + literal_column("1", Integer) for name in counters}
    return update(table).where(table.c.id == bindparam("key")).values({**moved, **counted})


# One text for all values: the driver remembers some hundred, and to prepare one anew takes longer than to run it. The
# count, which is indexed, is moved only where it changes.
_CHANGES, _ADDS = rating_stats.STATS_COLUMNS[1:], rating_stats.STATS_COLUMNS
_MOVE_ONE_MOVIE = {
    names: CompiledStatement(_moves_one(Movie.__table__, names, "ratings_version").returning(*MOVIE_COLUMNS))
    for names in (_CHANGES, _ADDS)
}
_MOVE_ONE_USER = {names: CompiledStatement(_moves_one(User.__table__, names)) for names in (_CHANGES, _ADDS)}


def _steps(old: int | None, new: int | None) -> dict[str, int]:
    """Return by how much each column changes."""
    steps = dict.fromkeys(rating_stats.HISTOGRAM_COLUMNS, 0)
    steps["rating_sum"] = (new or 0) - (old or 0)
    for value, step in ((old, -1), (new, 1)):
        if value is not None:
            steps[rating_stats.HISTOGRAM_COLUMNS[value - 1]] += step
    if (old is None) != (new is None):
        steps["rating_count"] = 1 if old is None else -1
    return steps
