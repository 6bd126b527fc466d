"""Predict a user's rating of a movie, and say why."""

from collections.abc import Sequence
from heapq import nlargest
from typing import Any

import orjson

from movierating import clock
from movierating.movies import service as movies
from movierating.predictions.features import MovieFeatures
from movierating.predictions.model_file import ModelFile
from movierating.predictions.prediction import (
    COVERAGE,
    compute_prior_moments,
    compute_shares,
    make_interval,
    predict,
)
from movierating.predictions.tastes import NoPrediction, UserTaste, find_taste, read_ratings
from movierating.storage.database import read

# The ratings that a prediction names as its reasons.
MAX_REASONS = 2


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
    moments = _find_moments(user.model, movie)
    return {
        **make_interval(predict(user.model, user.taste, moments))._asdict(),
        "coverage": COVERAGE,
        "because": _list_reasons(user, moments),
        "based_on": len(user.rows),
        "model": {
            "trained_at": clock.format_rfc3339(user.model.trained_at),
            "ratings": user.model.rating_count,
        },
    }


def _find_moments(model: ModelFile, movie: Any) -> list[float]:
    # After a restore, a movie may have the id that another one had when the model was trained.
    row = None if movie.created_at > model.trained_at else model.find_row(movie.id)
    # The facts of a movie without a row in the model are all that is known of it.
    return compute_prior_moments(model, _read_features(movie)) if row is None else model.get_moments(row)


def _read_features(movie: Any) -> MovieFeatures:
    genres, directors = orjson.loads(movie.genres), orjson.loads(movie.directors)
    return MovieFeatures(genres, movie.year, movie.language, directors, movie.rating_count)


def _list_reasons(user: UserTaste, moments: Sequence[float]) -> list[dict[str, Any]]:
    """Return the ratings with the largest shares in the direction in which all ratings move the prediction."""
    shares = compute_shares(user.model, user.taste, user.rows, user.values, moments)
    direction = 1 if sum(shares) >= 0 else -1
    weights = [share * direction for share in shares]
    largest = [
        index
        for index in nlargest(MAX_REASONS, range(len(weights)), weights.__getitem__)
        if weights[index] > 0
    ]
    values = {user.model.movie_ids[user.rows[index]]: user.values[index] for index in largest}
    facts = movies.find_movies(values)
    return [
        {"movie": facts[movie_id], "value": value} for movie_id, value in values.items() if movie_id in facts
    ]
