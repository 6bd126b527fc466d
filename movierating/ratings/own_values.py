"""The values of one user's own ratings of some movies, for lists of movies."""

from collections.abc import Collection

from sqlalchemy import String, bindparam, select

from movierating.ratings.models import Rating
from movierating.storage.database import read
from movierating.storage.dialect import encode_values, in_many
from movierating.storage.statements import CompiledStatement

_rating = Rating.__table__.c
_VALUES = CompiledStatement(
    select(_rating.movie_id, _rating.value).where(
        _rating.user_id == bindparam("user"), in_many(_rating.movie_id, bindparam("movies", type_=String))
    )
)


def list_own_values(user_id: int, movie_ids: Collection[int]) -> dict[int, int]:
    """Return the user's ratings of those of these movies that they have rated: half points by movie id."""
    return dict(_VALUES.tuples(read(), user=user_id, movies=encode_values(sorted(movie_ids))))
