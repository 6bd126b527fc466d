"""Ratings aggregates of many movies and users, updated together in the transaction of the ratings."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import mul
from typing import Any

from sqlalchemy import Connection, CursorResult

from movierating import rating_stats
from movierating.storage.database import batched
from movierating.storage.dialect import POSTGRESQL, SQLITE, to_driver_sql, values_query

# A rating: user id, movie id, half points.
RatingTuple = tuple[int, int, int]
# The value of a rating before and after, in half points; None where there is no rating.
Change = tuple[int | None, int | None]


def execute_values(
    connection: Connection, statement: str, rows: Sequence[tuple[int | None, ...]]
) -> list[CursorResult[Any]]:
    """Run a driver statement with `(values)` replaced by some hundred rows at a time; return the results.

    To run it for each row would take half as long again.
    """
    results = []
    for chunk in batched(rows, _ROWS_PER_STATEMENT):
        query, parameters = values_query(connection, chunk)
        results.append(connection.exec_driver_sql(statement.replace("(values)", f"({query})"), parameters))
    return results


def apply_deltas(connection: Connection, user_id: int, changes: Mapping[int, Change]) -> int:
    """Apply many changes of one user's ratings, by movie id; return how many of these movies accept them.

    A movie that is being merged gets no new ratings.
    """
    sums, ordered = Sums(), sorted(changes.items())
    for (old, new), times in Counter(changes.values()).items():
        sums.add_for_user(user_id, old, -times)
        sums.add_for_user(user_id, new, times)
    sums.write(connection)
    added = [(movie_id, new) for movie_id, (old, new) in ordered if old is None]
    others = [(movie_id, new or 0, old) for movie_id, (old, new) in ordered if old is not None]
    dialect = connection.dialect.name
    updates = execute_values(connection, _ADD_RATINGS[dialect], added)
    updates += execute_values(connection, _CHANGE_RATINGS[dialect], others)
    return sum(update.rowcount for update in updates)


class Sums:
    """Collects added and subtracted ratings, to update all sums at once; its size depends on movies and users alone."""

    def __init__(self) -> None:
        self._movies: defaultdict[int, list[int]] = defaultdict(_zero_counts)
        self._users: defaultdict[int, list[int]] = defaultdict(_zero_counts)

    def __len__(self) -> int:
        """Return the number of movies and users whose sums change."""
        return len(self._movies) + len(self._users)

    def subtract(self, ratings: Iterable[RatingTuple]) -> None:
        """Subtract ratings."""
        self._count(ratings, -1)

    def add(self, ratings: Iterable[RatingTuple]) -> None:
        """Add ratings."""
        self._count(ratings, 1)

    def _count(self, ratings: Iterable[RatingTuple], times: int) -> None:
        for user_id, movie_id, value in ratings:
            self._movies[movie_id][value] += times
            self._users[user_id][value] += times

    def add_for_user(self, user_id: int, value: int | None, times: int) -> None:
        """Add `times` ratings of a value (negative: subtract) for the user alone; None is ignored."""
        if value is not None:
            self._users[user_id][value] += times

    def add_for_movie(self, movie_id: int, value: int, times: int) -> None:
        """Add `times` ratings of a value (negative: subtract) for the movie alone."""
        self._movies[movie_id][value] += times

    def write(self, connection: Connection) -> None:
        """Update the sums of movies and users, which must exist, and increment each movie's `ratings_version`."""
        if self._movies:
            connection.exec_driver_sql(to_driver_sql(connection, _UPDATE_MOVIE), _list_steps(self._movies))
        if self._users:
            connection.exec_driver_sql(to_driver_sql(connection, _UPDATE_USER), _list_steps(self._users))


def _zero_counts() -> list[int]:
    return [0] * (1 + rating_stats.MAX_HALF_POINTS)


def _list_steps(counts: Mapping[int, list[int]]) -> list[tuple[int, ...]]:
    """Return the change of each row's stats columns, and its id; `counts` are by half points."""
    return [
        (sum(row), sum(map(mul, row, range(len(row)))), *row[1:], key) for key, row in sorted(counts.items())
    ]


# Text for the driver, run for thousands of rows: Core would take as long for their parameters as SQLite for the rows.
_STEPS = ", ".join(f"{name} = {name} + ?" for name in rating_stats.STATS_COLUMNS)
_UPDATE_MOVIE = f"UPDATE movie SET {_STEPS}, ratings_version = ratings_version + 1 WHERE id = ?"  # noqa: S608
_UPDATE_USER = f'UPDATE "user" SET {_STEPS} WHERE id = ?'  # noqa: S608

_ROWS_PER_STATEMENT = 500


def _make_update(to_number: str, *, has_old: bool) -> str:
    """Return the UPDATE for `(values)`: rows of movie id, new value (0: none) and, if `has_old`, old value.

    `to_number` casts a truth value to a number.
    """
    minus_old = f" - (column3 = {{}}){to_number}" if has_old else ""
    steps = [
        f"{name} = {name} + (column2 = {step}){to_number}{minus_old.format(step)}"
        for step, name in enumerate(rating_stats.HISTOGRAM_COLUMNS, 1)
    ]
    # A value of 0 is a deletion.
    accepts = "(column2 = 0 OR NOT EXISTS (SELECT 1 FROM merged_movie WHERE merged_movie.id = movie.id))"
    count, total = (f"(column2 > 0){to_number} - 1", "column2 - column3") if has_old else ("1", "column2")
    return (
        f"UPDATE movie SET rating_count = rating_count + {count}, rating_sum = rating_sum + {total},"  # noqa: S608
        f" {', '.join(steps)}, ratings_version = ratings_version + 1 FROM (values) AS change WHERE movie.id = column1"
        f" AND {accepts}"
    )


_CASTS = {SQLITE: "", POSTGRESQL: "::integer"}
_ADD_RATINGS = {name: _make_update(cast, has_old=False) for name, cast in _CASTS.items()}
_CHANGE_RATINGS = {name: _make_update(cast, has_old=True) for name, cast in _CASTS.items()}
