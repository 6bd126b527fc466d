"""Merge a movie into another one: ratings move, and of two ratings of one user the newer stays."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, case, delete, func, select, update
from sqlalchemy.orm import aliased

from movierating.errors import Conflict, NotFound, invalid_field
from movierating.movies import merged_movies, retired_movies
from movierating.movies import service as movies
from movierating.ratings import next_movies
from movierating.ratings.bulk_aggregates import AggregateDeltas
from movierating.ratings.models import Rating
from movierating.storage.database import read, write
from movierating.storage.dialect import in_many

# More ratings are moved in batches, between which other writers get their turn.
BATCH_RATINGS = 200

_rating = Rating.__table__.c
_COLUMNS = (_rating.user_id, _rating.value, _rating.rated_at)


def merge_movies(movie_id: int, into_id: int) -> Row[Any]:
    """Merge a movie into another one, which may itself have been merged; return that one's row of DETAIL_COLUMNS.

    A movie with many ratings is merged in several transactions. The first redirects new ratings to the movie that
    stays. Each leaves all aggregates exact, and the movie exists until the last one; if the merge is interrupted, it
    can be repeated. Raise NotFound for the movie, InvalidRequest if there is no such other movie, and Conflict if the
    movie is being merged into a third one.
    """
    if movies.get_movie(movie_id).rating_count > BATCH_RATINGS:
        write(partial(_begin_merge, movie_id=movie_id, into_id=into_id))
        move_batch = partial(_move_batch, movie_id=movie_id, into_id=into_id)
        while write(move_batch, own_transaction=True) == BATCH_RATINGS:
            pass
    return write(partial(_finish_merge, movie_id=movie_id, into_id=into_id))


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

    @property
    def has_different_ids(self) -> bool:
        """Return True if the movies differ in their ids at IMDb, TMDB or Wikidata, as different movies do."""
        pairs = (
            (getattr(self.movie, name), getattr(self.survivor, name))
            for name in ("imdb_id", "tmdb_id", "wikidata_id")
        )
        return any(None not in pair and pair[0] != pair[1] for pair in pairs)


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


def _begin_merge(connection: Connection, movie_id: int, into_id: int) -> None:
    """Redirect new ratings of the movie to the one that stays."""
    _, survivor = _find_movies(connection, movie_id, into_id)
    merged_movies.record_merge(connection, movie_id, survivor.id)


def _move_batch(connection: Connection, movie_id: int, into_id: int) -> int:
    _, survivor = _find_movies(connection, movie_id, into_id)
    return _move_ratings(connection, movie_id, survivor.id, BATCH_RATINGS)


def _finish_merge(connection: Connection, movie_id: int, into_id: int) -> Row[Any]:
    movie, survivor = _find_movies(connection, movie_id, into_id)
    _move_ratings(connection, movie_id, survivor.id, None)
    next_movies.copy_skips(connection, movie_id, survivor.id)
    retired_movies.absorb_movie(connection, movie._asdict(), survivor.id)
    return movies.require_movie(connection, survivor.id)


def _find_movies(connection: Connection, movie_id: int, into_id: int) -> tuple[Row[Any], Row[Any]]:
    """Return the rows of the movie and of the one that stays. Raise as `merge_movies` does."""
    movie = movies.require_movie(connection, movie_id)
    merged = merged_movies.find_merged(connection, [movie_id, into_id])
    survivor_id = merged.get(into_id, into_id)
    if survivor_id == movie_id:
        raise invalid_field("json", "into", "A movie can't be merged into itself.")
    if merged.get(movie_id, survivor_id) != survivor_id:
        raise Conflict(f"The movie is being merged into movie {merged[movie_id]}; finish that merge first.")
    try:
        return movie, movies.require_movie(connection, survivor_id)
    except NotFound as error:
        raise invalid_field("json", "into", f"There is no movie {into_id}.") from error


def _move_ratings(connection: Connection, movie_id: int, into_id: int, limit: int | None) -> int:
    """Move at most `limit` ratings of a movie to another one, and update the aggregates; return how many there were.

    Of two ratings of one user the newer stays, and the other one is deleted.
    """
    ratings = connection.execute(select(*_COLUMNS).where(_rating.movie_id == movie_id).limit(limit)).all()
    others = _read_other_ratings(connection, into_id, [row.user_id for row in ratings])
    dropped = [
        row for row in ratings if row.user_id in others and row.rated_at <= others[row.user_id].rated_at
    ]
    dropped_users = {row.user_id for row in dropped}
    moved = [row for row in ratings if row.user_id not in dropped_users]
    replaced = [others[row.user_id] for row in moved if row.user_id in others]
    deltas = AggregateDeltas()
    for rated_id, deleted in ((movie_id, dropped), (into_id, replaced)):
        connection.execute(delete(Rating).where(*_are_ratings(rated_id, deleted)))
        deltas.subtract((row.user_id, rated_id, row.value) for row in deleted)
    connection.execute(update(Rating).where(*_are_ratings(movie_id, moved)).values(movie_id=into_id))
    for value, count in Counter(row.value for row in moved).items():
        deltas.add_for_movie(movie_id, value, -count)
        deltas.add_for_movie(into_id, value, count)
    deltas.write(connection)
    return len(ratings)


def _read_other_ratings(connection: Connection, movie_id: int, user_ids: Sequence[int]) -> dict[int, Any]:
    """Return the ratings of a movie by these users, by the user's id."""
    # A join could read all ratings of the movie, for each batch.
    statement = select(*_COLUMNS).where(
        _rating.movie_id == movie_id, in_many(_rating.user_id, sorted(user_ids))
    )
    return {row.user_id: row for row in connection.execute(statement)}


def _are_ratings(movie_id: int, rows: Sequence[Any]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that select these ratings of a movie."""
    return _rating.movie_id == movie_id, in_many(_rating.user_id, sorted(row.user_id for row in rows))
