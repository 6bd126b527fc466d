"""The former ids of merged movies, and the movies that they were merged into."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, select, update

from movierating.movies.models import MergedMovie, Movie
from movierating.storage.dialect import encode_values, in_many, upsert
from movierating.storage.statements import CompiledStatement

_movie, _merged = Movie.__table__.c, MergedMovie.__table__.c

_MERGED = CompiledStatement(
    select(_merged.id, _merged.into_id).where(in_many(_merged.id, bindparam("movie_ids")))
)


def find_merged(connection: Connection, movie_ids: Collection[int]) -> dict[int, int]:
    """Return the ids of the movies that merged movies went into, or are going into, by the former id."""
    return dict(_MERGED.tuples(connection, movie_ids=encode_values(sorted(movie_ids))))


def find_merging(connection: Connection, movie_ids: Collection[int]) -> dict[int, int]:
    """Return the ids of movies that are being merged into one of these, each with that one's id."""
    statement = select(_merged.id, _merged.into_id).join(Movie, _movie.id == _merged.id)
    return dict(map(tuple, connection.execute(statement.where(in_many(_merged.into_id, sorted(movie_ids))))))


def list_unfinished_merges(connection: Connection) -> list[tuple[int, int]]:
    """Return the ids of movies that are being merged, or whose merge was interrupted, with those of the others."""
    statement = select(_merged.id, _merged.into_id).join(Movie, _movie.id == _merged.id).order_by(_merged.id)
    return [(row.id, row.into_id) for row in connection.execute(statement)]


def record_merge(connection: Connection, movie_id: int, into_id: int) -> None:
    """Record that a movie is merged into another one, with the movies that were merged into it earlier."""
    connection.execute(update(MergedMovie).where(_merged.into_id == movie_id).values(into_id=into_id))
    statement = upsert(connection.dialect, MergedMovie.__table__).values(id=movie_id, into_id=into_id)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"into_id": statement.excluded.into_id})
    )
