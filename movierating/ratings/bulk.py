"""Many ratings of one user at once: judged against what is there, written together, counted together."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from movierating import times
from movierating.database import batched
from movierating.problems import Unauthenticated
from movierating.ratings.aggregates import move_many
from movierating.ratings.models import Rating

OnConflict = Literal["newer", "keep", "replace"]
Outcome = Literal["created", "updated", "unchanged", "skipped"]

_rating = Rating.__table__.c
_BATCH = 500


class Given(NamedTuple):
    """A rating that somebody gives: `value` in half points; `rated_at` in microseconds, None where it isn't told."""

    movie_id: int
    value: int
    rated_at: int | None


class _Stored(NamedTuple):
    value: int
    rated_at: int
    created_at: int


def put_many(
    connection: Connection, user_id: int, ratings: Iterable[Given], on_conflict: OnConflict
) -> list[Outcome]:
    """Set a user's ratings inside the caller's transaction; returns what became of each, in the same order.

    A rating that differs from the one that is there replaces it (`replace`), gives way to it (`keep`), or does
    whichever the later time says (`newer`; one without a time gives way); what gives way is `skipped`. A movie may
    come more than once: each of its ratings meets the one before. The movies must exist; raises Unauthenticated where
    the account was closed meanwhile.
    """
    ratings = list(ratings)
    stored = _stored(connection, user_id, {rating.movie_id for rating in ratings})
    current: dict[int, _Stored] = dict(stored)
    now = times.now()
    outcomes = [_judge(current, rating, on_conflict, now) for rating in ratings]
    changed = {movie_id: row for movie_id, row in current.items() if stored.get(movie_id) != row}
    _write(connection, user_id, stored, changed, now)
    return outcomes


def _judge(current: dict[int, _Stored], given: Given, on_conflict: OnConflict, now: int) -> Outcome:
    old = current.get(given.movie_id)
    rated_at = now if given.rated_at is None else given.rated_at
    if old is None:
        current[given.movie_id] = _Stored(given.value, rated_at, now)
        return "created"
    if given.value == old.value and (given.rated_at is None or rated_at == old.rated_at):
        return "unchanged"
    is_newer = given.rated_at is not None and rated_at > old.rated_at
    if on_conflict == "keep" or (on_conflict == "newer" and not is_newer):
        return "skipped"
    current[given.movie_id] = _Stored(given.value, rated_at, old.created_at)
    return "updated"


def _stored(connection: Connection, user_id: int, movie_ids: set[int]) -> dict[int, _Stored]:
    own = select(_rating.movie_id, _rating.value, _rating.rated_at, _rating.created_at).where(
        _rating.user_id == user_id
    )
    if len(movie_ids) <= _BATCH:
        own = own.where(_rating.movie_id.in_(movie_ids))
    return {row[0]: _Stored(*row[1:]) for row in connection.execute(own)}


def _write(
    connection: Connection,
    user_id: int,
    stored: Mapping[int, _Stored],
    changed: Mapping[int, _Stored],
    now: int,
) -> None:
    if not changed:
        return
    rows = [
        (user_id, movie_id, row.value, row.rated_at, row.created_at, now)
        for movie_id, row in sorted(changed.items())
    ]
    try:
        connection.exec_driver_sql(_PUT, rows)
    except IntegrityError as error:
        raise Unauthenticated("There is no such account any more.") from error
    before = {movie_id: row.value for movie_id, row in stored.items()}
    move_many(
        connection,
        user_id,
        {movie_id: (before.get(movie_id), row.value) for movie_id, row in changed.items()},
    )


# Text for the driver, as in `aggregates`: thousands of rows go through it.
_PUT = (
    "INSERT INTO rating (user_id, movie_id, value, rated_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (user_id, movie_id) DO UPDATE"
    " SET value = excluded.value, rated_at = excluded.rated_at, updated_at = excluded.updated_at"
)


def remove_many(connection: Connection, user_id: int, movie_ids: Iterable[int]) -> set[int]:
    """Remove a user's ratings of these movies inside the caller's transaction; returns the ids that were rated."""
    gone: list[Any] = []
    for some in batched(movie_ids, _BATCH):
        statement = delete(Rating).where(_rating.user_id == user_id, _rating.movie_id.in_(some))
        gone += connection.execute(statement.returning(_rating.movie_id, _rating.value)).all()
    move_many(connection, user_id, {movie_id: (value, None) for movie_id, value in gone})
    return {movie_id for movie_id, _ in gone}
