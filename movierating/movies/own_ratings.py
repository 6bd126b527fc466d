"""The caller's own ratings, shown with movies and used as a filter of movies.

Only `ratings` writes them, and this folder must not import it, so the table is described here by its columns.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, String, bindparam, column, select, table

from movierating import clock
from movierating.storage.database import read
from movierating.storage.dialect import encode_values, in_many
from movierating.storage.statements import CompiledStatement

RATING = table(
    "rating",
    column("user_id", BigInteger),
    column("movie_id", BigInteger),
    column("value", Integer),
    column("rated_at", BigInteger),
)
_rating = RATING.c
_BY_MOVIES = CompiledStatement(
    select(_rating.movie_id, _rating.value, _rating.rated_at).where(
        _rating.user_id == bindparam("user"), in_many(_rating.movie_id, bindparam("movies", type_=String))
    )
)


def list_own_ratings(user_id: int, movie_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return the user's rating of each of these movies that they have rated, by movie id.

    A rating is its value in half points and its time in microseconds.
    """
    rows = _BY_MOVIES.tuples(read(), user=user_id, movies=encode_values(sorted(set(movie_ids))))
    return {movie_id: (value, rated_at) for movie_id, value, rated_at in rows}


def add_own_ratings(
    user_id: int | None, items: Sequence[dict[str, Any]], movie_ids: Sequence[int] | None = None
) -> None:
    """Set `my_rating` of each item to the user's rating of its movie, or None, with one statement.

    `movie_ids` are the movies of the items, which are otherwise movies themselves. Without a user, nothing is set.
    """
    if user_id is None or not items:
        return
    movie_ids = [item["id"] for item in items] if movie_ids is None else movie_ids
    own_ratings = {
        movie_id: {"value": value / 2, "rated_at": clock.format_rfc3339_uncached(rated_at)}
        for movie_id, (value, rated_at) in list_own_ratings(user_id, movie_ids).items()
    }
    for item, movie_id in zip(items, movie_ids, strict=True):
        item["my_rating"] = own_ratings.get(movie_id)
