"""Set, read, delete and list the ratings of a movie. Aggregates change in the same transaction."""

from collections.abc import Callable, Container
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, bindparam, delete, select
from sqlalchemy.exc import IntegrityError

from movierating import clock, rating_stats
from movierating.auth.models import User
from movierating.errors import Conflict, NotFound, TokenRevoked
from movierating.monitoring import counters
from movierating.movies import retired_movies, search_index
from movierating.movies import service as movies
from movierating.movies.models import MergedMovie, Movie
from movierating.ratings.aggregates import MOVIE_COLUMNS, apply_delta
from movierating.ratings.bulk_aggregates import AggregateDeltas
from movierating.ratings.models import Rating
from movierating.storage.cache_versions import MOVIE, USER, Change
from movierating.storage.database import read, write
from movierating.storage.dialect import POSTGRESQL, upsert
from movierating.storage.pagination import KeysetPaginator, Sort
from movierating.storage.statements import CompiledStatement

# Raises PreconditionFailed unless the rating is the one that the caller expects; None if there is none.
RatingCheck = Callable[[dict[str, Any] | None], None]

_rating, _user, _movie = Rating.__table__.c, User.__table__.c, Movie.__table__.c
RATING_COLUMNS = (_rating.value, _rating.rated_at, _rating.created_at, _rating.updated_at)


def _make_upsert(dialect: Dialect) -> Any:
    insert = upsert(dialect, Rating.__table__)
    changed = {name: insert.excluded[name] for name in ("value", "rated_at", "updated_at")}
    return insert.on_conflict_do_update(index_elements=["user_id", "movie_id"], set_=changed)


_IS_OWN = (_rating.user_id == bindparam("user")) & (_rating.movie_id == bindparam("movie"))
_SELECT = CompiledStatement(select(*RATING_COLUMNS).where(_IS_OWN))
_UPSERT_RATING = CompiledStatement(_make_upsert)
_DELETE = CompiledStatement(delete(Rating).where(_IS_OWN).returning(*RATING_COLUMNS))
_SELECT_STATS = CompiledStatement(select(*MOVIE_COLUMNS).where(_movie.id == bindparam("key")))
# On PostgreSQL, each write of ratings locks their user first, as `lock_rows` does. SQLite has one writer at a time.
_LOCK_USER = CompiledStatement(
    select(_user.id).where(_user.id == bindparam("key")).with_for_update(key_share=True)
)


def rate_movie(
    user_id: int, movie_id: int, value: int, rated_at: int | None, check: RatingCheck | None = None
) -> tuple[dict[str, Any], bool]:
    """Set a user's rating of a movie to `value` (half points, 1 to 20), given at `rated_at` (microseconds).

    Without a time, an unchanged value keeps its time and a changed one gets the present. Return the stored rating with
    the movie's new `ratings`, and True if the user had not rated the movie. `check` gets the old rating, or None, and
    may raise. Raise NotFound, and Unauthenticated if the account was deleted meanwhile.
    """
    changes: list[Change] = [(USER, user_id)]
    job = partial(_rate_movie, changes, user_id, movie_id, value, rated_at, check)
    try:
        result = write(job, changes)
    except IntegrityError as error:
        raise TokenRevoked from error
    counters.increment(counters.RATINGS_WRITTEN, "one")
    return result


def _rate_movie(
    changes: list[Change],
    user_id: int,
    movie_id: int,
    value: int,
    rated_at: int | None,
    check: RatingCheck | None,
    connection: Connection,
) -> tuple[dict[str, Any], bool]:
    if connection.dialect.name == POSTGRESQL:
        _LOCK_USER.first(connection, key=user_id)
    old = _SELECT.first(connection, user=user_id, movie=movie_id)
    if check is not None:
        if old is None and _SELECT_STATS.first(connection, key=movie_id) is None:
            raise NotFound("There is no such movie.")
        check(None if old is None else serialize_rating(*old))
    if old is not None and old.value == value and rated_at in (None, old.rated_at):
        rating, stats = tuple(old), _SELECT_STATS.first(connection, key=movie_id)
    else:
        stats = apply_delta(connection, user_id, movie_id, old.value if old else None, value)
        if stats is None:
            raise NotFound("There is no such movie.")
        changes.append((MOVIE, movie_id, *stats[:2]))
        now = clock.now()
        rating = (value, now if rated_at is None else rated_at, old.created_at if old else now, now)
        columns = dict(zip(("value", "rated_at", "created_at", "updated_at"), rating, strict=True))
        _UPSERT_RATING.run(connection, user_id=user_id, movie_id=movie_id, **columns)
    result = serialize_rating(*rating)
    result["ratings"] = rating_stats.format_stats_with_score(stats)
    return result, old is None


def serialize_rating(value: int, rated_at: int, created_at: int, updated_at: int) -> dict[str, Any]:
    """Return a rating's columns as a rating in a response."""
    return {
        "value": value / 2,
        "rated_at": clock.format_rfc3339_uncached(rated_at),
        "created_at": clock.format_rfc3339(created_at),
        "updated_at": clock.format_rfc3339(updated_at),
    }


def get_rating(user_id: int, movie_id: int) -> dict[str, Any]:
    """Return a user's rating of a movie. Raise NotFound."""
    rating = find_rating(user_id, movie_id)
    if rating is None:
        raise NotFound("You have not rated this movie.")
    return rating


def find_rating(user_id: int, movie_id: int) -> dict[str, Any] | None:
    """Return a user's rating of a movie, None if there is none."""
    row = _SELECT.first(read(), user=user_id, movie=movie_id)
    return None if row is None else serialize_rating(*row)


def delete_rating(user_id: int, movie_id: int, check: RatingCheck | None = None) -> None:
    """Delete a user's rating of a movie. `check` gets the rating and may raise. Raise NotFound."""
    changes: list[Change] = [(USER, user_id)]
    write(partial(_delete_rating, changes, user_id, movie_id, check), changes)


def _delete_rating(
    changes: list[Change], user_id: int, movie_id: int, check: RatingCheck | None, connection: Connection
) -> None:
    if connection.dialect.name == POSTGRESQL:
        _LOCK_USER.first(connection, key=user_id)
    deleted = _DELETE.first(connection, user=user_id, movie=movie_id)
    if deleted is None:
        raise NotFound("You have not rated this movie.")
    if check is not None:
        check(serialize_rating(*deleted))
    stats = apply_delta(connection, user_id, movie_id, deleted.value, None)
    changes.append((MOVIE, movie_id, *stats[:2]))


_MOVIE_RATINGS = KeysetPaginator(
    select(*RATING_COLUMNS, _user.id, _user.username, _user.display_name)
    .join(User, _user.id == _rating.user_id)
    .where(_rating.movie_id == bindparam("movie"), _user.active),
    Sort("movie-ratings", (_rating.rated_at, _rating.user_id), descending=True),
)


def list_ratings_for_movie(
    movie_id: int, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of a movie's ratings, newest first, and the next cursor; without deactivated accounts.

    Raise NotFound.
    """
    movies.get_movie(movie_id)
    rows, next_cursor = _MOVIE_RATINGS.page(cursor, limit, movie=movie_id)
    items = []
    for *rating, user_id, username, display_name, _, _ in rows:
        item = serialize_rating(*rating)
        item["user"] = {"id": user_id, "username": username, "display_name": display_name}
        items.append(item)
    return items, next_cursor


def delete_movie(movie_id: int, edits: Container[int] | None, with_ratings: bool) -> None:
    """Delete a movie that is at one of `edits` (None: at any), and its ratings if `with_ratings`.

    Raise NotFound, PreconditionFailed, and Conflict if it has ratings that are not to be deleted.
    """
    write(partial(_delete_movie, movie_id=movie_id, edits=edits, with_ratings=with_ratings))


def _delete_movie(
    connection: Connection, movie_id: int, edits: Container[int] | None, with_ratings: bool
) -> None:
    movie = movies.require_movie(connection, movie_id, edits)
    if movie.rating_count and not with_ratings:
        raise Conflict(
            "The movie has ratings; pass ?with_ratings=true to delete them too.", kind="movie-has-ratings"
        )
    _delete_ratings(connection, _rating.movie_id == movie_id)
    search_index.remove_movie(connection, movie_id)
    connection.execute(delete(Movie).where(_movie.id == movie_id))
    connection.execute(delete(MergedMovie).where(MergedMovie.id == movie_id))
    retired_movies.record_retired_movie(connection, movie._asdict(), None)


def delete_all_ratings(connection: Connection, user_id: int) -> None:
    """Delete a user's ratings and subtract them from the movies' aggregates, inside the caller's transaction."""
    _delete_ratings(connection, _rating.user_id == user_id)


def _delete_ratings(connection: Connection, condition: ColumnElement[bool]) -> None:
    deleted = delete(Rating).where(condition).returning(_rating.user_id, _rating.movie_id, _rating.value)
    deltas = AggregateDeltas()
    deltas.subtract(connection.execute(deleted).all())
    deltas.write(connection)
