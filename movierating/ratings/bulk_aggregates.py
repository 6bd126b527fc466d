"""Ratings aggregates of many movies and users, updated together in the transaction of the ratings."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import mul

from sqlalchemy import Connection

from movierating import rating_stats
from movierating.storage.database import batched
from movierating.storage.dialect import POSTGRESQL, SQLITE, to_driver_sql, values_query

# A rating: user id, movie id, half points.
RatingTuple = tuple[int, int, int]
# The value of a rating before and after, in half points; None where there is no rating.
Change = tuple[int | None, int | None]


def apply_deltas(connection: Connection, user_id: int, changes: Mapping[int, Change]) -> int:
    """Apply many changes of one user's ratings, by movie id; return how many of these movies exist."""
    sums, ordered = Sums(), sorted(changes.items())
    for (old, new), times in Counter(changes.values()).items():
        sums.add_for_user(user_id, old, -times)
        sums.add_for_user(user_id, new, times)
    sums.write(connection)
    added = [(movie_id, new) for movie_id, (old, new) in ordered if old is None]
    others = [(movie_id, new or 0, old) for movie_id, (old, new) in ordered if old is not None]
    return _move_movies(connection, added, _ADDED) + _move_movies(connection, others, _CHANGED)


def _move_movies(
    connection: Connection, rows: Sequence[tuple[int | None, ...]], statements: Mapping[str, str]
) -> int:
    moved = 0
    for chunk in batched(rows, _ROWS_A_STATEMENT):
        placeholders, parameters = values_query(connection, chunk)
        statement = statements[connection.dialect.name].replace("(values)", f"({placeholders})")
        moved += connection.exec_driver_sql(statement, parameters).rowcount
    return moved


class Sums:
    """Collects added and subtracted ratings, to update all sums at once; its size depends on movies and users alone."""

    def __init__(self) -> None:
        self._movies: defaultdict[int, list[int]] = defaultdict(_no_counts)
        self._users: defaultdict[int, list[int]] = defaultdict(_no_counts)

    def __len__(self) -> int:
        """Return the number of movies and users whose sums change."""
        return len(self._movies) + len(self._users)

    def subtract(self, ratings: Iterable[RatingTuple]) -> None:
        """Subtract ratings."""
        for user_id, movie_id, value in ratings:
            self._movies[movie_id][value] -= 1
            self._users[user_id][value] -= 1

    def add(self, ratings: Iterable[RatingTuple]) -> None:
        """Add ratings."""
        for user_id, movie_id, value in ratings:
            self._movies[movie_id][value] += 1
            self._users[user_id][value] += 1

    def add_for_user(self, user_id: int, value: int | None, times: int) -> None:
        """Add `times` ratings of a value (negative: subtract) for the user alone; None is ignored."""
        if value is not None:
            self._users[user_id][value] += times

    def write(self, connection: Connection) -> None:
        """Update the sums of movies and users, which must exist, and increment each movie's `ratings_version`."""
        if self._movies:
            connection.exec_driver_sql(to_driver_sql(connection, _MOVE_MOVIE), _differences(self._movies))
        if self._users:
            connection.exec_driver_sql(to_driver_sql(connection, _MOVE_USER), _differences(self._users))


def _no_counts() -> list[int]:
    return [0] * (1 + rating_stats.MAX_HALF_POINTS)


def _differences(counts: Mapping[int, list[int]]) -> list[tuple[int, ...]]:
    """Return the change of each row's stats columns, and its id; `counts` are by half points."""
    return [
        (sum(row), sum(map(mul, row, range(len(row)))), *row[1:], key) for key, row in sorted(counts.items())
    ]


# Text for the driver, run for thousands of rows: Core would take as long for their parameters as SQLite for the rows.
_MORE = ", ".join(f"{name} = {name} + ?" for name in rating_stats.STATS_COLUMNS)
_MOVE_MOVIE = f"UPDATE movie SET {_MORE}, ratings_version = ratings_version + 1 WHERE id = ?"  # noqa: S608
_MOVE_USER = f'UPDATE "user" SET {_MORE} WHERE id = ?'  # noqa: S608

# Movies in the order of their ids, some hundred in a statement: that is faster than one by one, or value by value.
_ROWS_A_STATEMENT = 500


def _moves(number: str, *, some_go: bool) -> str:
    """Return the UPDATE for `(values)`: rows of movie id, new value (0: none) and, if `some_go`, old value.

    `number` makes a number of what is true or false.
    """
    went = f" - (column3 = {{}}){number}" if some_go else ""
    steps = [
        f"{name} = {name} + (column2 = {step}){number}{went.format(step)}"
        for step, name in enumerate(rating_stats.HISTOGRAM_COLUMNS, 1)
    ]
    count, total = (f"(column2 > 0){number} - 1", "column2 - column3") if some_go else ("1", "column2")
    return (
        f"UPDATE movie SET rating_count = rating_count + {count}, rating_sum = rating_sum + {total},"  # noqa: S608
        f" {', '.join(steps)}, ratings_version = ratings_version + 1 FROM (values) AS change WHERE id = column1"
    )


_NUMBERS = {SQLITE: "", POSTGRESQL: "::integer"}
_ADDED = {name: _moves(number, some_go=False) for name, number in _NUMBERS.items()}
_CHANGED = {name: _moves(number, some_go=True) for name, number in _NUMBERS.items()}
