"""A user's present ratings and the taste that follows from them, by the newest model."""

from array import array
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, String, bindparam, select

from movierating.auth.models import User
from movierating.movies.models import Movie
from movierating.predictions.bounded_cache import BoundedCache
from movierating.predictions.fold_in import Taste, solve_taste
from movierating.predictions.model_file import ModelFile
from movierating.predictions.model_store import find_model
from movierating.predictions.training_status import MIN_USERS
from movierating.ratings.models import Rating
from movierating.storage.dialect import encode_values, in_many
from movierating.storage.statements import CompiledStatement

# With fewer ratings, means are as accurate.
MIN_RATINGS = 5
# The newest ratings of a user from which the taste follows, so that its cost is bounded. With all ratings the error
# differs by 0.001 stars: see `docs/predictions.md`.
MAX_RATINGS = 1000

NO_MODEL, NOT_ENOUGH_PEOPLE, NOT_ENOUGH_RATINGS = "no_model", "not_enough_people", "not_enough_ratings"
REASONS = (NOT_ENOUGH_RATINGS, NOT_ENOUGH_PEOPLE, NO_MODEL)

# A taste takes some 10 KB.
_TASTES = BoundedCache(64)

_movie, _rating, _user = Movie.__table__.c, Rating.__table__.c, User.__table__.c
_RATINGS = CompiledStatement(
    select(_rating.movie_id, _rating.value)
    .where(_rating.user_id == bindparam("user"), _rating.movie_id != bindparam("except_movie"))
    .order_by(_rating.rated_at.desc(), _rating.movie_id.desc())
    .limit(bindparam("limit"))
)
# After a restore, a movie may have the id that another one had when the model was trained.
_LATER_MOVIES = CompiledStatement(
    select(_movie.id).where(
        in_many(_movie.id, bindparam("movies", type_=String)), _movie.created_at > bindparam("trained_at")
    )
)
_RATERS = CompiledStatement(select(_user.id).where(_user.rating_count > 0).limit(MIN_USERS))


@dataclass(frozen=True, slots=True)
class NoPrediction:
    """Why nothing is predicted, one of REASONS, and how many more ratings or people are needed, None if unknown."""

    reason: str
    needed: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields of a response."""
        return {"reason": self.reason} | ({} if self.needed is None else {"needed": self.needed})


@dataclass(frozen=True, slots=True)
class UserTaste:
    """A user's taste and what it follows from: the rows of the model of rated movies, and their ratings in points.

    `key` differs for other ratings or another model.
    """

    model: ModelFile
    taste: Taste
    rows: list[int]
    values: list[float]
    key: Hashable


def read_ratings(connection: Connection, user_id: int, *, except_movie: int = 0) -> dict[int, float]:
    """Return the newest MAX_RATINGS ratings of a user in points by movie, without that of one movie."""
    rows = _RATINGS.tuples(connection, user=user_id, except_movie=except_movie, limit=MAX_RATINGS)
    return {movie_id: value / 2 for movie_id, value in rows}


def find_taste(connection: Connection, ratings: Mapping[int, float]) -> UserTaste | NoPrediction:
    """Return the taste that follows from a user's ratings, or why there is none."""
    users = len(_RATERS.tuples(connection))
    if users < MIN_USERS:
        return NoPrediction(NOT_ENOUGH_PEOPLE, MIN_USERS - users)
    model = find_model(connection)
    if model is None:
        return NoPrediction(NO_MODEL)
    known = _list_known(connection, model, ratings)
    if len(known) < MIN_RATINGS:
        return NoPrediction(NOT_ENOUGH_RATINGS, MIN_RATINGS - len(known))
    rows, values = [row for row, _ in known], [value for _, value in known]
    key = (model.version, array("i", rows).tobytes(), array("f", values).tobytes())
    taste = _TASTES.get(key, partial(solve_taste, model, rows, values))
    return UserTaste(model, taste, rows, values, key)


def _list_known(
    connection: Connection, model: ModelFile, ratings: Mapping[int, float]
) -> list[tuple[int, float]]:
    """Return rows of the model and points of the ratings whose movies have a row."""
    movies = encode_values(list(ratings))
    later = {
        movie_id
        for (movie_id,) in _LATER_MOVIES.tuples(connection, movies=movies, trained_at=model.trained_at)
    }
    return [
        (row, value)
        for movie_id, value in ratings.items()
        if (row := model.find_row(movie_id)) is not None and movie_id not in later
    ]
