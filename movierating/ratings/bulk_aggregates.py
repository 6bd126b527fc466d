"""Ratings aggregates of many movies and users, updated together in the transaction of the ratings."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import mul
from typing import Any

from sqlalchemy import Connection, CursorResult

from movierating import rating_stats
from movierating.storage.database import batched
from movierating.storage.dialect import SQLITE, to_driver_sql, values_query

# A rating: user id, movie id, half points.
RatingTuple = tuple[int, int, int]
# The value of a rating before and after, in half points; None where there is no rating.
ValueChange = tuple[int | None, int | None]


def execute_values(
    connection: Connection, statement: str, rows: Sequence[tuple[int | None, ...]]
) -> list[CursorResult[Any]]:
    """Run an SQL text with `(values)` replaced by up to _ROWS_PER_STATEMENT rows at a time; return the results.

    Running it for each row would take 1.5 times as long.
    """
    results = []
    for chunk in batched(rows, _ROWS_PER_STATEMENT):
        query, parameters = values_query(connection, chunk)
        results.append(connection.exec_driver_sql(statement.replace("(values)", f"({query})"), parameters))
    return results


def apply_deltas(connection: Connection, user_id: int, changes: Mapping[int, ValueChange]) -> int:
    """Apply many changes of one user's ratings, by movie id; return how many of these movies accept them.

    A movie that is being merged gets no new ratings.
    """
    deltas = AggregateDeltas()
    for (old, new), count in Counter(changes.values()).items():
        deltas.add_for_user(user_id, old, -count)
        deltas.add_for_user(user_id, new, count)
    deltas.write(connection)
    rows = [(movie_id, new or 0, old or 0) for movie_id, (old, new) in sorted(changes.items())]
    if connection.dialect.name == SQLITE:
        # SQLite reads each movie of an UPDATE with FROM twice, which takes longer than to run one for each movie.
        parameters = [{"movie": movie_id, "new": new, "old": old} for movie_id, new, old in rows]
        return connection.exec_driver_sql(_CHANGE_MOVIE, parameters).rowcount if rows else 0
    return sum(result.rowcount for result in execute_values(connection, _CHANGE_MOVIES, rows))


class AggregateDeltas:
    """Added and subtracted ratings, to update all aggregates at once; the size depends on movies and users alone."""

    def __init__(self) -> None:
        self._movies: defaultdict[int, list[int]] = defaultdict(_zero_counts)
        self._users: defaultdict[int, list[int]] = defaultdict(_zero_counts)

    def __len__(self) -> int:
        """Return the number of movies and users whose aggregates change."""
        return len(self._movies) + len(self._users)

    def subtract(self, ratings: Iterable[RatingTuple]) -> None:
        """Subtract ratings."""
        self._add(ratings, -1)

    def add(self, ratings: Iterable[RatingTuple]) -> None:
        """Add ratings."""
        self._add(ratings, 1)

    def _add(self, ratings: Iterable[RatingTuple], sign: int) -> None:
        for user_id, movie_id, value in ratings:
            self._movies[movie_id][value] += sign
            self._users[user_id][value] += sign

    def add_for_user(self, user_id: int, value: int | None, count: int) -> None:
        """Add `count` ratings of a value (negative: subtract) for the user alone; a value of None is ignored."""
        if value is not None:
            self._users[user_id][value] += count

    def add_for_movie(self, movie_id: int, value: int, count: int) -> None:
        """Add `count` ratings of a value (negative: subtract) for the movie alone."""
        self._movies[movie_id][value] += count

    def write(self, connection: Connection) -> None:
        """Update the aggregates of movies and users, which must exist, and increment each movie's `ratings_version`."""
        if self._movies:
            connection.exec_driver_sql(
                to_driver_sql(connection, _UPDATE_MOVIE), _list_increments(self._movies)
            )
        if self._users:
            connection.exec_driver_sql(to_driver_sql(connection, _UPDATE_USER), _list_increments(self._users))


def _zero_counts() -> list[int]:
    return [0] * (1 + rating_stats.MAX_HALF_POINTS)


def _list_increments(counts: Mapping[int, list[int]]) -> list[tuple[int, ...]]:
    """Return what is added to the columns of each row, in the order of AGGREGATE_COLUMNS, and the row's id.

    `counts` has for each id the number of added ratings by half points; the element 0 is unused.
    """
    return [
        (sum(row), sum(map(mul, row, range(len(row)))), *row[1:], key) for key, row in sorted(counts.items())
    ]


# SQL text for the driver, because these run for thousands of rows: SQLAlchemy would take as long for the parameters as
# SQLite for the rows.
_INCREMENTS = ", ".join(f"{name} = {name} + ?" for name in rating_stats.AGGREGATE_COLUMNS)
_UPDATE_MOVIE = f"UPDATE movie SET {_INCREMENTS}, ratings_version = ratings_version + 1 WHERE id = ?"  # noqa: S608
_UPDATE_USER = f'UPDATE "user" SET {_INCREMENTS} WHERE id = ?'  # noqa: S608

_ROWS_PER_STATEMENT = 500


_IS_NOT_MERGING = "NOT EXISTS (SELECT 1 FROM merged_movie WHERE merged_movie.id = movie.id)"


def _make_update(movie: str, new: str, old: str, *, source: str = "", to_number: str = "") -> str:
    """Return the UPDATE of a movie in which one value becomes another; 0 is none.

    `movie`, `new` and `old` are parameters, or columns of `source`. `to_number` casts a truth value to a number.
    """
    count = f"({new} > 0){to_number} - ({old} > 0){to_number}"
    steps = [
        f"{name} = {name} + ({new} = {step}){to_number} - ({old} = {step}){to_number}"
        for step, name in enumerate(rating_stats.HISTOGRAM_COLUMNS, 1)
    ]
    return (
        f"UPDATE movie SET rating_count = rating_count + {count}, rating_sum = rating_sum + {new} - {old},"  # noqa: S608
        f" {', '.join(steps)}, ratings_version = ratings_version + 1 {source} WHERE movie.id = {movie}"
        # A value of 0 is a deletion.
        f" AND ({new} = 0 OR {_IS_NOT_MERGING})"
    )


_CHANGE_MOVIE = _make_update(":movie", ":new", ":old")
_CHANGE_MOVIES = _make_update(
    *("column1", "column2", "column3"), source="FROM (values) AS change", to_number="::integer"
)
