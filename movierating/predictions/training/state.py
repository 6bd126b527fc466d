"""A model during its training, and the two ways to begin one."""

from dataclasses import dataclass

import numpy as np

from movierating.predictions.model_file import FILTER_SIZE, SIZE, WIDTH, ModelFile
from movierating.predictions.training.data import Floats, GroupedRatings, TrainingData
from movierating.predictions.training.moments import Moments, make_table
from movierating.predictions.training.movie_prior import INITIAL_FACTOR_DEVIATION, MoviePrior, make_encoding
from movierating.predictions.training.users import (
    INITIAL_BIAS_PRECISION,
    INITIAL_NOISE_PRECISION,
    UserPrior,
    UserSide,
)

# Before the first round: ratings' worth of the mean in a movie's bias, and variances of bias and factors.
INITIAL_BIAS_SHRINKAGE = 5
INITIAL_BIAS_VARIANCE = 0.08
INITIAL_FACTOR_VARIANCE = 4e-4
# The share of users with fewer ratings than `min_log_ratings` says.
MIN_LOG_RATINGS_QUANTILE = 0.05


@dataclass
class TrainingState:
    """A model during its training. `moments` (movies x WIDTH) are the movies'.

    `filter_start` (movies x FILTER_SIZE) is the earlier model's filter, None in a cold start.
    """

    data: TrainingData
    by_movie: GroupedRatings
    users: UserSide
    movie_prior: MoviePrior
    moments: Moments
    filter_start: Moments | None


def start_cold(data: TrainingData) -> TrainingState:
    """Begin from nothing: biases from shrunk means, and random factors, which are the same each time."""
    by_movie = data.group_by_movie()
    counts = by_movie.counts
    mean_rating = float(data.by_user.half_points.mean() / 2)
    sums = np.add.reduceat(by_movie.half_points, by_movie.starts[:-1], dtype=float) / 2
    biases = (sums - counts * mean_rating) / (counts + INITIAL_BIAS_SHRINKAGE)
    factors = np.random.default_rng(0).standard_normal((len(counts), SIZE - 1))
    means = np.column_stack([biases, INITIAL_FACTOR_DEVIATION * factors])
    covariance = np.diag(np.append(INITIAL_BIAS_VARIANCE, np.full(SIZE - 1, INITIAL_FACTOR_VARIANCE)))
    moments = make_table(means, covariance)
    log_ratings = np.log1p(data.by_user.counts)
    user_prior = UserPrior(
        precision=np.diag(np.append(INITIAL_BIAS_PRECISION, np.ones(SIZE - 1))),
        weights=np.zeros((SIZE + 2, SIZE)),
        center=np.zeros(SIZE),
        mean_log_ratings=float(log_ratings.mean()),
        min_log_ratings=float(np.quantile(log_ratings, MIN_LOG_RATINGS_QUANTILE)),
    )
    users = UserSide(data.by_user, mean_rating, user_prior, INITIAL_NOISE_PRECISION)
    return TrainingState(
        data, by_movie, users, MoviePrior(data, counts, make_encoding(data, counts)), moments, None
    )


def start_warm(data: TrainingData, model: ModelFile) -> TrainingState:
    """Begin from an earlier model. Movies that it lacks begin with their prior."""
    by_movie = data.group_by_movie()
    movie_prior = MoviePrior(data, by_movie.counts, model.encoding)
    movie_prior.continue_from(
        np.array(model.movie_coefficients), _read_director_effects(model), np.array(model.movie_covariance)
    )
    known = np.array(model.movie_ids)
    rows = np.minimum(np.searchsorted(known, data.movie_ids), len(known) - 1)
    is_known = known[rows] == data.movie_ids
    moments = make_table(movie_prior.means, np.array(model.movie_covariance))
    moments[is_known] = np.asarray(model.get_array("moments")).reshape(-1, WIDTH)[rows[is_known]]
    filter_start = np.zeros((len(rows), FILTER_SIZE), np.float32)
    filter_start[is_known] = np.asarray(model.filter_rows).reshape(-1, FILTER_SIZE)[rows[is_known]]
    user_prior = UserPrior(
        precision=np.array(model.user_precision),
        weights=np.array(model.user_weights).T,
        center=np.array(model.user_center),
        mean_log_ratings=model.mean_log_ratings,
        min_log_ratings=model.min_log_ratings,
    )
    users = UserSide(data.by_user, model.mean_rating, user_prior, model.noise_precision)
    model.release_pages()
    return TrainingState(data, by_movie, users, movie_prior, moments, filter_start)


def _read_director_effects(model: ModelFile) -> dict[bytes, Floats]:
    effects = np.asarray(model.get_array("director_effects")).reshape(-1, SIZE).astype(float)
    return dict(zip(model.director_names, effects, strict=True))
