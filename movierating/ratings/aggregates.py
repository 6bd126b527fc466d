"""Ratings aggregates of one movie and one user, updated by difference in the transaction of the rating."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, exists, literal_column, or_, update

from movierating import rating_stats
from movierating.auth.models import User
from movierating.movies.models import MergedMovie, Movie
from movierating.storage.statements import CompiledStatement

MOVIE_COLUMNS = rating_stats.get_aggregate_columns(Movie.__table__)


def apply_delta(connection: Connection, user_id: int, movie_id: int, old: int | None, new: int | None) -> Any:
    """Subtract the value `old` (half points, None if there was none) from a movie's and a user's aggregates; add `new`.

    Return the movie's new MOVIE_COLUMNS, or None if there is no such movie, or one that is being merged and gets no new
    ratings; then nothing was changed.
    """
    steps = _make_steps(old, new)
    names = _ALL_COLUMNS if "rating_count" in steps else _WITHOUT_COUNT
    stats = _UPDATE_MOVIE[names].first(connection, key=movie_id, **steps)
    if stats is not None and old != new:
        _UPDATE_USER[names].run(connection, key=user_id, **steps)
    return stats


def _make_steps(old: int | None, new: int | None) -> dict[str, int]:
    """Return by how much each column changes."""
    steps = dict.fromkeys(rating_stats.HISTOGRAM_COLUMNS, 0)
    steps["rating_sum"] = (new or 0) - (old or 0)
    for value, step in ((old, -1), (new, 1)):
        if value is not None:
            steps[rating_stats.HISTOGRAM_COLUMNS[value - 1]] += step
    if (old is None) != (new is None):
        steps["rating_count"] = 1 if old is None else -1
    return steps


def _make_update(table: Any, names: Sequence[str], **more: Any) -> Any:
    """Return an UPDATE of the row whose id is `key`, which adds to each column the value of its name."""
    steps = {name: table.c[name] + bindparam(name, type_=Integer) for name in names}
    return update(table).where(table.c.id == bindparam("key")).values({**steps, **more})


# One statement for all values: the driver caches some hundred, and to prepare one takes longer than to run it. The
# count has an index, so it is updated only if it changes.
_ALL_COLUMNS, _WITHOUT_COUNT = rating_stats.AGGREGATE_COLUMNS, rating_stats.AGGREGATE_COLUMNS[1:]
_NEXT_VERSION = Movie.__table__.c.ratings_version + literal_column("1", Integer)
_IS_MERGING = exists().where(MergedMovie.id == Movie.id)
_ACCEPTS = {
    _ALL_COLUMNS: or_(bindparam("rating_count", type_=Integer) < 0, ~_IS_MERGING),
    _WITHOUT_COUNT: ~_IS_MERGING,
}
_UPDATE_MOVIE = {
    names: CompiledStatement(
        _make_update(Movie.__table__, names, ratings_version=_NEXT_VERSION)
        .where(accepts)
        .returning(*MOVIE_COLUMNS)
    )
    for names, accepts in _ACCEPTS.items()
}
_UPDATE_USER = {
    names: CompiledStatement(_make_update(User.__table__, names)) for names in (_ALL_COLUMNS, _WITHOUT_COUNT)
}
