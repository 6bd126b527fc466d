"""Merge a movie into another one: ratings move, and of two ratings of one user the newer stays."""

from collections import Counter
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, case, delete, func, select, update
from sqlalchemy.orm import aliased

from movierating.errors import Conflict, NotFound, invalid_field
from movierating.movies import retired_movies
from movierating.movies import service as movies
from movierating.ratings.bulk_aggregates import Sums
from movierating.ratings.models import Rating
from movierating.storage.database import read, write
from movierating.storage.dialect import in_many

# More ratings are moved in batches, between which other writers get their turn.
BATCH_RATINGS = 200

_rating = Rating.__table__.c


def merge_movies(movie_id: int, into_id: int) -> Row[Any]:
    """Merge a movie into another one, which may itself have been merged; return that one's row of DETAIL_COLUMNS.

    A movie with many ratings is merged in several transactions. The first redirects new ratings to the movie that
    stays. Each leaves all aggregates exact, and the movie exists until the last one; if the merge is interrupted, it
    can be repeated. Raise NotFound for the movie, InvalidRequest if there is no such other movie, and Conflict if the
    movie is being merged into a third one.
    """
    if movies.get_movie(movie_id).rating_count > BATCH_RATINGS:
        write(partial(_begin, movie_id=movie_id, into_id=into_id))
        move_batch = partial(_move_batch, movie_id=movie_id, into_id=into_id)
        while write(move_batch, own_transaction=True) == BATCH_RATINGS:
            pass
    return write(partial(_merge, movie_id=movie_id, into_id=into_id))


class MergePreview(NamedTuple):
    """A preview of a merge: the rows of both movies, and the numbers of ratings that move, replace and are deleted.

    `moved` counts users who rated only the movie that goes. Of users who rated both, `replaced` counts those whose
    rating of the movie that goes is newer, and `dropped` the others.
    """

    movie: Row[Any]
    survivor: Row[Any]
    moved: int
    replaced: int
    dropped: int


def preview_merge(movie_id: int, into_id: int) -> MergePreview:
    """Return what `merge_movies` would do, and raise as it does."""
    movie, survivor = _find_movies(read(), movie_id, into_id)
    other = aliased(Rating.__table__)
    is_newer = case((_rating.rated_at > other.c.rated_at, 1))
    statement = (
        select(func.count(), func.count(other.c.user_id), func.count(is_newer))
        .select_from(Rating)
        .outerjoin(other, (other.c.user_id == _rating.user_id) & (other.c.movie_id == survivor.id))
        .where(_rating.movie_id == movie_id)
    )
    total, both, replaced = read().execute(statement).one()
    return MergePreview(movie, survivor, total - both, replaced, both - replaced)


def _begin(connection: Connection, movie_id: int, into_id: int) -> None:
    _, survivor = _find_movies(connection, movie_id, into_id)
    retired_movies.record_merge(connection, movie_id, survivor.id)


def _move_batch(connection: Connection, movie_id: int, into_id: int) -> int:
    _, survivor = _find_movies(connection, movie_id, into_id)
    return _move_ratings(connection, movie_id, survivor.id, BATCH_RATINGS)


def _merge(connection: Connection, movie_id: int, into_id: int) -> Row[Any]:
    movie, survivor = _find_movies(connection, movie_id, into_id)
    _move_ratings(connection, movie_id, survivor.id, None)
    retired_movies.absorb_movie(connection, movie._asdict(), survivor.id)
    return movies.require_movie(connection, survivor.id, None)


def _find_movies(connection: Connection, movie_id: int, into_id: int) -> tuple[Row[Any], Row[Any]]:
    """Return the rows of the movie and of the one that stays. They stay as they are while a merge runs alone."""
    movie = movies.require_movie(connection, movie_id, None)
    merged = retired_movies.find_merged(connection, [movie_id, into_id])
    survivor_id = merged.get(into_id, into_id)
    if survivor_id == movie_id:
        raise invalid_field("json", "into", "A movie can't be merged into itself.")
    if merged.get(movie_id, survivor_id) != survivor_id:
        raise Conflict(f"The movie is being merged into movie {merged[movie_id]}; finish that merge first.")
    try:
        return movie, movies.require_movie(connection, survivor_id, None)
    except NotFound as error:
        raise invalid_field("json", "into", f"There is no movie {into_id}.") from error


def _move_ratings(connection: Connection, movie_id: int, into_id: int, limit: int | None) -> int:
    """Move at most `limit` ratings of a movie, and update the sums that change; return how many there were."""
    columns = (_rating.user_id, _rating.value, _rating.rated_at)
    rows = connection.execute(select(*columns).where(_rating.movie_id == movie_id).limit(limit)).all()
    # A join could read all ratings of the other movie, for each batch.
    is_same_user = in_many(_rating.user_id, sorted(row.user_id for row in rows))
    statement = select(*columns).where(_rating.movie_id == into_id, is_same_user)
    others = {row.user_id: row for row in connection.execute(statement)}
    replaced, dropped, values = [], [], Counter[int]()
    for user_id, value, rated_at in rows:
        other = others.get(user_id)
        if other is not None and rated_at <= other.rated_at:
            dropped.append((user_id, movie_id, value))
            continue
        values[value] += 1
        if other is not None:
            replaced.append((user_id, into_id, other.value))
    sums = Sums()
    for rated_id, deleted in ((movie_id, dropped), (into_id, replaced)):
        users = sorted(user_id for user_id, _, _ in deleted)
        connection.execute(
            delete(Rating).where(_rating.movie_id == rated_id, in_many(_rating.user_id, users))
        )
        sums.subtract(deleted)
    moved = sorted({row[0] for row in rows} - {user_id for user_id, _, _ in dropped})
    chosen = (_rating.movie_id == movie_id, in_many(_rating.user_id, moved))
    connection.execute(update(Rating).where(*chosen).values(movie_id=into_id))
    for value, times in values.items():
        sums.add_for_movie(movie_id, value, -times)
        sums.add_for_movie(into_id, value, times)
    sums.write(connection)
    return len(rows)
