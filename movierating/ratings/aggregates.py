"""The one place that writes what ratings add up to: by difference with each rating, or whole as a repair."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import mul
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)

from movierating import rating_stats
from movierating.auth.models import User
from movierating.movies.models import Movie
from movierating.ratings.models import Rating
from movierating.storage.database import batched
from movierating.storage.dialect import POSTGRESQL, SQLITE, to_driver_sql, values_query
from movierating.storage.statements import CompiledStatement

_movie = Movie.__table__.c
_rating = Rating.__table__.c
RatingTuple = tuple[int, int, int]
# The value of a rating before and after, in half points; None where there is no rating.
Change = tuple[int | None, int | None]
MOVIE_COLUMNS = rating_stats.get_stats_columns(Movie.__table__)


def apply_delta(connection: Connection, user_id: int, movie_id: int, old: int | None, new: int | None) -> Any:
    """Take the value `old` (half points; None: there was none) out of a movie's and a user's sums and put `new` in.

    Returns the movie's fresh MOVIE_COLUMNS, or None if there is no such movie; then nothing was changed.
    """
    steps = _steps(old, new)
    names = _ADDS if "rating_count" in steps else _CHANGES
    fresh = _MOVE_ONE_MOVIE[names].first(connection, key=movie_id, **steps)
    if fresh is not None and old != new:
        _MOVE_ONE_USER[names].run(connection, key=user_id, **steps)
    return fresh


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
    connection: Connection, rows: Sequence[tuple[int | None, ...]], how: Mapping[str, str]
) -> int:
    moved = 0
    for some in batched(rows, _ROWS_A_STATEMENT):
        given, parameters = values_query(connection, some)
        statement = how[connection.dialect.name].replace("(values)", f"({given})")
        moved += connection.exec_driver_sql(statement, parameters).rowcount
    return moved


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
    """By how much each column moves."""
    steps = dict.fromkeys(rating_stats.HISTOGRAM_COLUMNS, 0)
    steps["rating_sum"] = (new or 0) - (old or 0)
    for value, step in ((old, -1), (new, 1)):
        if value is not None:
            steps[rating_stats.HISTOGRAM_COLUMNS[value - 1]] += step
    if (old is None) != (new is None):
        steps["rating_count"] = 1 if old is None else -1
    return steps


class Sums:
    """Ratings that go and come, collected to be moved into all sums at once; it grows with movies and users alone."""

    def __init__(self) -> None:
        self._movies: defaultdict[int, list[int]] = defaultdict(_no_counts)
        self._users: defaultdict[int, list[int]] = defaultdict(_no_counts)

    def __len__(self) -> int:
        """Of how many movies and users there is something to move."""
        return len(self._movies) + len(self._users)

    def subtract(self, ratings: Iterable[RatingTuple]) -> None:
        """These ratings go; each is (user id, movie id, half points)."""
        for user_id, movie_id, value in ratings:
            self._movies[movie_id][value] -= 1
            self._users[user_id][value] -= 1

    def add(self, ratings: Iterable[RatingTuple]) -> None:
        """These ratings come."""
        for user_id, movie_id, value in ratings:
            self._movies[movie_id][value] += 1
            self._users[user_id][value] += 1

    def add_for_user(self, user_id: int, value: int | None, times: int) -> None:
        """So many ratings of this value come, or go if negative, for the user alone; those of None don't count."""
        if value is not None:
            self._users[user_id][value] += times

    def write(self, connection: Connection) -> None:
        """Move the sums of movies and users, which must exist; each movie's `ratings_version` moves by one."""
        if self._movies:
            connection.exec_driver_sql(to_driver_sql(connection, _MOVE_MOVIE), _differences(self._movies))
        if self._users:
            connection.exec_driver_sql(to_driver_sql(connection, _MOVE_USER), _differences(self._users))


def _no_counts() -> list[int]:
    return [0] * (1 + rating_stats.MAX_HALF_POINTS)


def _differences(counts: Mapping[int, list[int]]) -> list[tuple[int, ...]]:
    """By how much each row's COLUMNS move, and its id; `counts` say how often each value comes, by half points."""
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
    """The statement for `(values)`: rows of a movie's id, the value that comes (0: none), perhaps the one that goes.

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

_COUNTED: tuple[tuple[Any, Any], ...] = (
    (Movie.__table__, _rating.movie_id),
    (User.__table__, _rating.user_id),
)


def find_mismatches(connection: Connection) -> list[tuple[str, int]]:
    """Each movie and user whose aggregates differ from its ratings, as (`movie` or `user`, id)."""
    return [
        (table.name, row.id) for table, key in _COUNTED for row in connection.execute(_recounted(table, key))
    ]


def repair_mismatches(connection: Connection) -> list[tuple[str, int]]:
    """Write the recount where `find_mismatches` finds a difference, and return what it found."""
    found = find_mismatches(connection)
    for table, key in _COUNTED:
        for row in connection.execute(_recounted(table, key)).all():
            values: dict[str, Any] = dict(zip(rating_stats.STATS_COLUMNS, row[1:], strict=True))
            connection.execute(update(table).where(table.c.id == row.id).values(values))
    for name, movie_id in found:
        if name == "movie":
            newer = update(Movie).where(_movie.id == movie_id)
            connection.execute(newer.values(ratings_version=_movie.ratings_version + 1))
    return found


def _recounted(table: Any, key: Any) -> Select[Any]:
    """The id and the true COLUMNS of each row of `table` whose COLUMNS are not true."""
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
