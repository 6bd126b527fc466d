"""Predict a user's rating of a movie, and say why."""

from heapq import nlargest
from typing import Any

import orjson
from sqlalchemy import String, bindparam, select

from movierating import clock
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.movies.service import FACT_COLUMNS, serialize_facts
from movierating.predictions.features import MovieFeatures
from movierating.predictions.model_file import ModelFile
from movierating.predictions.prediction import COVERAGE, explain, make_interval, predict, prior_of
from movierating.predictions.tastes import NoPrediction, UserTaste, find_taste, read_ratings
from movierating.storage.database import read
from movierating.storage.dialect import encode_values, in_many
from movierating.storage.statements import CompiledStatement

# The ratings that a prediction names as its reasons.
MAX_REASONS = 2

_FACTS = CompiledStatement(
    select(*FACT_COLUMNS).where(in_many(Movie.__table__.c.id, bindparam("movies", type_=String)))
)


def predict_rating(user_id: int, movie_id: int) -> dict[str, Any]:
    """Return how a user would rate a movie by their ratings of others, as the API shows it. Raise NotFound."""
    connection = read()
    movie = movies.get_movie(movie_id)
    user = find_taste(connection, read_ratings(connection, user_id, except_movie=movie_id))
    if isinstance(user, NoPrediction):
        interval: dict[str, Any] = dict.fromkeys(["value", "low", "high"])
        return {
            **interval,
            "coverage": COVERAGE,
            "because": [],
            "based_on": 0,
            "model": None,
            **user.to_json(),
        }
    row = _find_row(user.model, movie)
    # The facts of a movie without a row in the model are all that is known of it.
    target = prior_of(user.model, _read_features(movie)) if row is None else row
    return {
        **make_interval(predict(user.model, user.taste, target))._asdict(),
        "coverage": COVERAGE,
        "because": _list_reasons(user, target),
        "based_on": len(user.rows),
        "model": {
            "trained_at": clock.format_rfc3339(user.model.trained_at),
            "ratings": user.model.rating_count,
        },
    }


def _find_row(model: ModelFile, movie: Any) -> int | None:
    # After a restore, a movie may have the id that another one had when the model was trained.
    return None if movie.created_at > model.trained_at else model.find_movie(movie.id)


def _read_features(movie: Any) -> MovieFeatures:
    genres, directors = orjson.loads(movie.genres), orjson.loads(movie.directors)
    return MovieFeatures(genres, movie.year, movie.language, directors, movie.rating_count)


def _list_reasons(user: UserTaste, target: Any) -> list[dict[str, Any]]:
    """Return the ratings with the largest shares in the direction in which all ratings move the prediction."""
    shares = explain(user.model, user.taste, user.rows, user.values, target)
    direction = 1 if sum(shares) >= 0 else -1
    weights = [share * direction for share in shares]
    largest = [
        place
        for place in nlargest(MAX_REASONS, range(len(weights)), weights.__getitem__)
        if weights[place] > 0
    ]
    values = {user.model.movie_ids[user.rows[place]]: user.values[place] for place in largest}
    facts = list_facts(list(values))
    return [
        {"movie": facts[movie_id], "value": value} for movie_id, value in values.items() if movie_id in facts
    ]


def list_facts(movie_ids: list[int]) -> dict[int, dict[str, Any]]:
    """Return the facts of those of these movies that exist, as the API shows them, by id."""
    rows = _FACTS.tuples(read(), movies=encode_values(sorted(movie_ids)))
    return {row[0]: serialize_facts(row) for row in rows}
