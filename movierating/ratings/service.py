"""Ratings: set, read, deleted, and listed by movie. Aggregates change in the same transaction."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Row, bindparam, delete, select
from sqlalchemy.exc import IntegrityError

from movierating import clock, rating_stats
from movierating.auth.models import User
from movierating.errors import Conflict, NotFound, Unauthenticated
from movierating.monitoring import counters
from movierating.movies import search_index
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings.aggregates import MOVIE_COLUMNS, apply_delta
from movierating.ratings.bulk_aggregates import Sums
from movierating.ratings.models import Rating
from movierating.storage.cache_versions import MOVIE, USER, Subject
from movierating.storage.database import read, write
from movierating.storage.dialect import POSTGRESQL, upsert
from movierating.storage.pagination import KeysetPaginator, Sort
from movierating.storage.statements import CompiledStatement

_rating, _user, _movie = Rating.__table__.c, User.__table__.c, Movie.__table__.c
_OWN = (_rating.value, _rating.rated_at, _rating.created_at, _rating.updated_at)


_IS_OWN = (_rating.user_id == bindparam("user")) & (_rating.movie_id == bindparam("movie"))
_OWN_RATING = CompiledStatement(select(*_OWN).where(_IS_OWN))
_REMOVE = CompiledStatement(delete(Rating).where(_IS_OWN).returning(_rating.value))
_SUMS = CompiledStatement(select(*MOVIE_COLUMNS).where(_movie.id == bindparam("key")))


def _put(dialect: Dialect) -> Any:
    insert = upsert(dialect, Rating.__table__).values(
        {column.name: bindparam(column.name) for column in _rating}
    )
    changed = {name: insert.excluded[name] for name in ("value", "rated_at", "updated_at")}
    return insert.on_conflict_do_update(index_elements=["user_id", "movie_id"], set_=changed)


_PUT = CompiledStatement(_put)


def list_affected(user_id: int, movie_ids: Iterable[int]) -> list[Subject]:
    """Return the cache subjects that a change of these ratings affects."""
    return [(USER, user_id), *((MOVIE, movie_id) for movie_id in movie_ids)]


@dataclass(frozen=True, slots=True)
class RatingResult:
    """The outcome of rating a movie: its rating as stored, the movie's fresh aggregates, and whether it is new."""

    rating: dict[str, Any]
    ratings: dict[str, Any]
    is_new: bool


def rate_movie(user_id: int, movie_id: int, value: int, rated_at: int | None) -> RatingResult:
    """Set a user's rating of a movie to `value` (half points, 1 to 20), given at `rated_at`.

    Without a time, an unchanged value keeps its own and a changed one takes the present. Raises NotFound, and
    Unauthenticated where the account was closed meanwhile.
    """
    try:
        rated = write(
            lambda connection: _rate_movie(connection, user_id, movie_id, value, rated_at),
            list_affected(user_id, [movie_id]),
        )
    except IntegrityError as error:
        raise Unauthenticated("There is no such account any more.") from error
    counters.increment(counters.RATINGS_WRITTEN, "one")
    return rated


_LOCK = CompiledStatement(
    select(_user.id).where(_user.id == bindparam("key")).with_for_update(key_share=True)
)


def _wait_for_own(connection: Connection, user_id: int) -> None:
    """Let no other transaction change this user's ratings; on SQLite none can anyway. `lock_rows` does it for many."""
    if connection.dialect.name == POSTGRESQL:
        _LOCK.first(connection, key=user_id)


def _rate_movie(
    connection: Connection, user_id: int, movie_id: int, value: int, rated_at: int | None
) -> RatingResult:
    _wait_for_own(connection, user_id)
    old = _OWN_RATING.first(connection, user=user_id, movie=movie_id)
    now = clock.now()
    if old is not None and old.value == value and rated_at in (None, old.rated_at):
        stats = rating_stats.format_stats_with_score(_SUMS.first(connection, key=movie_id))
        return RatingResult(serialize_rating(old), stats, False)
    fresh = apply_delta(connection, user_id, movie_id, old.value if old else None, value)
    if fresh is None:
        raise NotFound("There is no such movie.")
    row = {
        "value": value,
        "rated_at": now if rated_at is None else rated_at,
        "created_at": old.created_at if old else now,
        "updated_at": now,
    }
    _PUT.run(connection, user_id=user_id, movie_id=movie_id, **row)
    return RatingResult(
        serialize_rating_values(**row), rating_stats.format_stats_with_score(fresh), old is None
    )


def serialize_rating(row: Row[Any]) -> dict[str, Any]:
    """Return a row with a rating's value and times as the API shows it."""
    return serialize_rating_values(row.value, row.rated_at, row.created_at, row.updated_at)


def serialize_rating_values(value: int, rated_at: int, created_at: int, updated_at: int) -> dict[str, Any]:
    """Return a rating's columns as the API shows them."""
    return {
        "value": value / 2,
        "rated_at": clock.format_rfc3339_uncached(rated_at),
        "created_at": clock.format_rfc3339(created_at),
        "updated_at": clock.format_rfc3339(updated_at),
    }


def get_rating(user_id: int, movie_id: int) -> dict[str, Any]:
    """Return a user's rating of a movie. Raises NotFound."""
    row = _OWN_RATING.first(read(), user=user_id, movie=movie_id)
    if row is None:
        raise NotFound("You have not rated this movie.")
    return serialize_rating(row)


def delete_rating(user_id: int, movie_id: int) -> None:
    """Delete a user's rating of a movie. Raises NotFound."""
    write(
        lambda connection: _delete_rating(connection, user_id, movie_id), list_affected(user_id, [movie_id])
    )


def _delete_rating(connection: Connection, user_id: int, movie_id: int) -> None:
    _wait_for_own(connection, user_id)
    gone = _REMOVE.first(connection, user=user_id, movie=movie_id)
    if gone is None:
        raise NotFound("You have not rated this movie.")
    apply_delta(connection, user_id, movie_id, gone.value, None)


_OF_MOVIE = KeysetPaginator(
    select(*_OWN, _user.id, _user.username, _user.display_name)
    .join(User, _user.id == _rating.user_id)
    .where(_rating.movie_id == bindparam("movie"), _user.active),
    Sort("movie-ratings", (_rating.rated_at, _rating.user_id), descending=True),
)


def list_ratings_for_movie(
    movie_id: int, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of a movie's ratings, newest first, and the next cursor; without deactivated accounts.

    Raises NotFound.
    """
    movies.require_movie(movie_id)
    rows, next_cursor = _OF_MOVIE.page(cursor, limit, movie=movie_id)
    items = []
    for *own, user_id, username, display_name, _, _ in rows:
        item = serialize_rating_values(*own)
        item["user"] = {"id": user_id, "username": username, "display_name": display_name}
        items.append(item)
    return items, next_cursor


def delete_movie(movie_id: int, edits: Container[int] | None, with_ratings: bool) -> None:
    """Remove a movie that is at one of `edits` (None: at any), and with it its ratings if that is wanted.

    Raises NotFound, PreconditionFailed, and Conflict where it has ratings that are to stay.
    """
    write(lambda connection: _delete_movie(connection, movie_id, edits, with_ratings))


def _delete_movie(
    connection: Connection, movie_id: int, edits: Container[int] | None, with_ratings: bool
) -> None:
    if movies.lock_movie(connection, movie_id, edits).rating_count and not with_ratings:
        raise Conflict("The movie has ratings; ?with_ratings=true removes them too.")
    _remove(connection, _rating.movie_id == movie_id)
    search_index.remove_movie(connection, movie_id)
    connection.execute(delete(Movie).where(_movie.id == movie_id))


def delete_all_ratings(connection: Connection, user_id: int) -> None:
    """Remove every rating of a user, and take them out of the movies' aggregates, inside the caller's transaction."""
    _remove(connection, _rating.user_id == user_id)


def _remove(connection: Connection, which: ColumnElement[bool]) -> None:
    removed = delete(Rating).where(which).returning(_rating.user_id, _rating.movie_id, _rating.value)
    sums = Sums()
    sums.subtract(connection.execute(removed).all())
    sums.write(connection)
