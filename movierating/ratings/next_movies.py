"""The movies that a user may rate next: neither rated nor skipped, the most rated first."""

from typing import Any

from sqlalchemy import Connection, bindparam, literal, select
from sqlalchemy.exc import IntegrityError

from movierating import clock
from movierating.auth.models import User
from movierating.errors import NotFound
from movierating.movies.models import Movie
from movierating.movies.movie_json import LIST_COLUMNS
from movierating.ratings.models import Rating, SkippedMovie
from movierating.storage.database import read, write
from movierating.storage.dialect import upsert
from movierating.storage.statements import CompiledStatement

_movie, _rating, _skipped = Movie.__table__.c, Rating.__table__.c, SkippedMovie.__table__.c
_user = User.__table__.c


def _is_marked(columns: Any) -> Any:
    of_user = (columns.user_id == bindparam("user")) & (columns.movie_id == _movie.id)
    return select(columns.movie_id).where(of_user).correlate(Movie.__table__).exists()


_NEXT = CompiledStatement(
    select(*LIST_COLUMNS)
    .where(~_is_marked(_rating), ~_is_marked(_skipped))
    .order_by(_movie.rating_count.desc(), _movie.prominence.desc(), _movie.id.desc())
    .limit(bindparam("limit"))
)
_RATING_COUNT = CompiledStatement(select(_user.rating_count).where(_user.id == bindparam("user")))


_INSERT = CompiledStatement(lambda dialect: upsert(dialect, SkippedMovie.__table__).on_conflict_do_nothing())


def list_next_movies(user_id: int, limit: int) -> list[Any]:
    """Return rows of LIST_COLUMNS: movies that the user has neither rated nor skipped."""
    return _NEXT.all(read(), user=user_id, limit=limit)


def count_ratings(user_id: int) -> int:
    """Return the number of the user's ratings."""
    row = _RATING_COUNT.first(read(), user=user_id)
    return int(row.rating_count) if row else 0


def skip_movie(user_id: int, movie_id: int) -> None:
    """Record that the user does not want to be asked about a movie. Raise NotFound."""
    row = {"user_id": user_id, "movie_id": movie_id, "skipped_at": clock.now()}
    try:
        write(lambda connection: _INSERT.run(connection, **row), ())
    except IntegrityError as error:
        raise NotFound("There is no such movie.") from error


def copy_skips(connection: Connection, movie_id: int, into_id: int) -> None:
    """Record that users who skipped a movie skip the one that it is merged into."""
    skips = select(_skipped.user_id, literal(into_id), _skipped.skipped_at).where(
        _skipped.movie_id == movie_id
    )
    statement = upsert(connection.dialect, SkippedMovie.__table__).from_select(
        ["user_id", "movie_id", "skipped_at"], skips
    )
    connection.execute(statement.on_conflict_do_nothing())
