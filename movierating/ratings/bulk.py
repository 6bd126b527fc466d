"""Set or delete many ratings of one user together."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple, TypeVar

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.exc import IntegrityError

from movierating import clock
from movierating.auth.models import User
from movierating.errors import TokenRevoked, Unavailable
from movierating.movies.merged_movies import find_merged, find_merging
from movierating.movies.models import Movie
from movierating.movies.staged_movies import CatalogueChanged
from movierating.ratings.bulk_aggregates import apply_deltas, execute_values
from movierating.ratings.models import Rating
from movierating.storage.dialect import encode_values, in_many, lock_rows
from movierating.storage.statements import CompiledStatement

T = TypeVar("T")

OnConflict = Literal["newer", "keep", "replace"]
Outcome = Literal["created", "updated", "unchanged", "skipped"]

_rating = Rating.__table__.c

# A new rating: the movie's id, half points, and `rated_at` in microseconds or None if unknown.
NewRating = tuple[int, int, int | None]
# A stored rating: the movie's id, half points and `rated_at`.
StoredRating = tuple[int, int, int]
# A rating of a movie, stored or new: half points and `rated_at`.
_ValueAndTime = tuple[int, int]

# Each failed attempt means that another writer came between the match and the write.
_MAX_ATTEMPTS = 5


def retry_if_catalogue_changes(attempt: Callable[[], T]) -> T:
    """Return what `attempt` returns. If it raises CatalogueChanged, retry it; raise Unavailable after _MAX_ATTEMPTS."""
    for _ in range(_MAX_ATTEMPTS):
        with suppress(CatalogueChanged):
            return attempt()
    raise Unavailable("Movies are being added or deleted at the same time; try again shortly.")


class ImportPlan(NamedTuple):
    """The changes that `set_ratings` makes: the outcome of each rating, in order, and ratings by movie.

    `now` is the time of the change in microseconds.
    """

    now: int
    outcomes: list[Outcome]
    stored: dict[int, _ValueAndTime]
    changed: dict[int, _ValueAndTime]

    def list_replaced(self) -> list[StoredRating]:
        """Return the stored ratings that are replaced."""
        return [(movie_id, *self.stored[movie_id]) for movie_id in self.changed if movie_id in self.stored]


def set_ratings(
    connection: Connection, user_id: int, ratings: Sequence[NewRating], on_conflict: OnConflict
) -> ImportPlan:
    """Set a user's ratings inside the caller's transaction; return the outcomes and what was written.

    A rating that differs from the stored one replaces it (`on_conflict="replace"`), is `skipped` (`keep`), or replaces
    it only if its time is later (`newer`; a rating without a time is skipped). If a movie comes more than once, each of
    its ratings is compared with the one before. Raise CatalogueChanged if a movie was deleted or merged, and
    Unauthenticated if the account was deleted; then nothing may be committed.
    """
    lock_rows(connection, User.__table__, [user_id])
    lock_rows(connection, Movie.__table__, [movie_id for movie_id, _, _ in ratings])
    plan = plan_ratings(connection, user_id, ratings, on_conflict)
    if plan.changed:
        _write(connection, user_id, plan)
    return plan


def plan_ratings(
    connection: Connection, user_id: int, ratings: Sequence[NewRating], on_conflict: OnConflict
) -> ImportPlan:
    """Return what `set_ratings` would do."""
    now = clock.now()
    movie_ids = {movie_id for movie_id, _, _ in ratings}
    stored = _read_stored(connection, user_id, movie_ids)
    if not stored and len(movie_ids) == len(ratings):
        # A first import without duplicates conflicts with nothing.
        added = {movie_id: (value, now if at is None else at) for movie_id, value, at in ratings}
        return ImportPlan(now, ["created"] * len(ratings), stored, added)
    current: dict[int, _ValueAndTime] = dict(stored)
    outcomes = [_apply_rating(current, rating, on_conflict, now) for rating in ratings]
    changed = {movie_id: row for movie_id, row in current.items() if stored.get(movie_id) != row}
    return ImportPlan(now, outcomes, stored, changed)


def _apply_rating(
    current: dict[int, _ValueAndTime], rating: NewRating, on_conflict: OnConflict, now: int
) -> Outcome:
    """Set a rating in `current`, the ratings by movie, unless it is skipped; return the outcome."""
    movie_id, value, rated_at = rating
    old = current.get(movie_id)
    if old is None:
        current[movie_id] = (value, now if rated_at is None else rated_at)
        return "created"
    old_value, old_rated_at = old
    if value == old_value and rated_at in (None, old_rated_at):
        return "unchanged"
    is_newer = rated_at is not None and rated_at > old_rated_at
    if on_conflict == "keep" or (on_conflict == "newer" and not is_newer):
        return "skipped"
    current[movie_id] = (value, now if rated_at is None else rated_at)
    return "updated"


_STORED = CompiledStatement(
    select(_rating.movie_id, _rating.value, _rating.rated_at).where(
        _rating.user_id == bindparam("user"), in_many(_rating.movie_id, bindparam("movies"))
    )
)


def _read_stored(connection: Connection, user_id: int, movie_ids: set[int]) -> dict[int, _ValueAndTime]:
    rows = _STORED.tuples(connection, user=user_id, movies=encode_values(sorted(movie_ids)))
    return {movie_id: (value, rated_at) for movie_id, value, rated_at in rows}


def _write(connection: Connection, user_id: int, plan: ImportPlan) -> None:
    ordered = sorted(plan.changed.items())
    changes = {
        movie_id: (plan.stored[movie_id][0] if movie_id in plan.stored else None, value)
        for movie_id, (value, _) in ordered
    }
    if apply_deltas(connection, user_id, changes) < len(changes):
        raise CatalogueChanged
    try:
        upsert_ratings(connection, [(user_id, movie_id, *rating, plan.now) for movie_id, rating in ordered])
    except IntegrityError as error:
        raise TokenRevoked from error


# Text for the driver, as in `bulk_aggregates`: thousands of rows go through it.
_UPSERT_RATINGS = (
    "INSERT INTO rating (user_id, movie_id, value, rated_at, created_at, updated_at)"
    " SELECT column1, column2, column3, column4, column5, column5 FROM (values) AS new WHERE true"
    " ON CONFLICT (user_id, movie_id) DO UPDATE"
    " SET value = excluded.value, rated_at = excluded.rated_at, updated_at = excluded.updated_at"
)


def upsert_ratings(connection: Connection, rows: Sequence[tuple[int, int, int, int, int]]) -> None:
    """Insert or update ratings, but not the aggregates.

    Each row has the user id, the movie id, half points, `rated_at` and the present time.
    """
    execute_values(connection, _UPSERT_RATINGS, rows)


def delete_ratings(
    connection: Connection, user_id: int, movie_ids: Collection[int], merging: Mapping[int, int]
) -> set[int]:
    """Delete a user's ratings of these movies inside the caller's transaction; return the ids that were rated.

    `merging` is what `find_merging` returned for them: those movies' ratings are deleted too. Raise CatalogueChanged if
    another merge has begun or ended.
    """
    if find_merged(connection, movie_ids) or find_merging(connection, movie_ids) != merging:
        raise CatalogueChanged
    movie_ids = {*movie_ids, *merging}
    lock_rows(connection, User.__table__, [user_id])
    lock_rows(connection, Movie.__table__, movie_ids)
    chosen = delete(Rating).where(_rating.user_id == user_id, in_many(_rating.movie_id, movie_ids))
    deleted = connection.execute(chosen.returning(_rating.movie_id, _rating.value)).all()
    apply_deltas(connection, user_id, {movie_id: (value, None) for movie_id, value in deleted})
    return {merging.get(movie_id, movie_id) for movie_id, _ in deleted}
