"""The result of a training: the contents of the model file and of the people file."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from movierating.predictions.model_file import SIZE, TRIANGLE
from movierating.predictions.nearest_people import MIN_RATINGS_FOR_MATCH
from movierating.predictions.training.data import Floats
from movierating.predictions.training.moments import unpack
from movierating.predictions.training.state import TrainingState
from movierating.predictions.training.users import NOISE_SHAPE

# Keeps the metric positive definite if movies do not differ.
MIN_METRIC = 1e-6


@dataclass(frozen=True)
class TrainedModel:
    """A trained model as `model_file.write_model` and `nearest_people.write_people` write it.

    The caller completes the header as `write_model` requires.
    """

    header: dict[str, Any]
    arrays: dict[str, Any]
    people: dict[str, Any]


def describe_model(state: TrainingState) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the arrays of the model file, except the filter and the mean taste."""
    users, prior, directors = state.users, state.movie_prior, state.movie_prior.directors.names
    header = {
        "rating_count": len(users.ratings.others),
        "user_count": len(users.counts),
        "mean_rating": users.mean_rating,
        "noise_precision": float(users.noise_precision),
        "noise_shape": NOISE_SHAPE,
        "mean_log_ratings": users.prior.mean_log_ratings,
        "min_log_ratings": users.prior.min_log_ratings,
        "encoding": prior.encoding.to_header(),
    }
    arrays = {
        "movie_ids": state.data.movie_ids,
        "movie_counts": state.by_movie.counts.astype(np.int32),
        "moments": state.moments,
        "movie_covariance": np.linalg.inv(prior.precision),
        "movie_coefficients": prior.coefficients,
        "director_names": np.frombuffer(b"".join(directors), np.uint8),
        "director_ends": np.cumsum([len(name) for name in directors], dtype=np.int64),
        "director_effects": prior.effects.astype(np.float32),
        "user_precision": users.prior.precision,
        "user_weights": users.prior.weights,
        "user_center": users.prior.center,
        "taste_metric": _compute_metric(state),
    }
    return header, {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _compute_metric(state: TrainingState) -> Floats:
    """Return the factor L (FACTORS x FACTORS) of the metric of tastes: the covariance L L' of movies' factors.

    It is that of a mixture of the movies' distributions: E[w w'] - E[w] E[w]' (Bishop, "Pattern Recognition and Machine
    Learning", 9.50). The weights are the roots of the numbers of ratings: between one a movie and one a
    rating.
    """
    weights = np.sqrt(state.by_movie.counts)
    # With weights of another type numpy would copy all moments.
    weights = (weights / weights.sum()).astype(np.float32)
    mean = weights @ state.moments[:, :SIZE]
    squares = unpack((weights @ state.moments[:, :TRIANGLE])[None])[0]
    covariance = (squares - np.outer(mean, mean))[1:, 1:]
    return np.linalg.cholesky(covariance + MIN_METRIC * np.eye(SIZE - 1))


def describe_people(state: TrainingState, metric: Floats) -> tuple[dict[str, Any], Floats]:
    """Return the arrays of the people file, with the users who have enough ratings, and the mean taste of all users.

    `metric` is the model's array `taste_metric`.
    """
    users = state.users
    vectors = np.empty((len(users.counts), SIZE - 1))
    uncertainties = np.empty(len(users.counts))
    for block in users.solve(state.moments):
        vectors[block.users] = block.means[:, 1:]
        uncertainties[block.users] = np.einsum("uij,ij->u", block.covariances[:, 1:, 1:], metric @ metric.T)
    mean_taste = vectors.mean(0)
    vectors = (vectors - mean_taste) @ metric
    vectors /= np.sqrt((vectors**2).sum(1) + uncertainties)[:, None]
    has_enough = users.counts >= MIN_RATINGS_FOR_MATCH
    people = {"user_ids": state.data.user_ids[has_enough], "vectors": vectors[has_enough].astype(np.float32)}
    return people, mean_taste
