"""Training: from ratings to the arrays of a model file and of a file of people.

Variational EM (Bishop, "Pattern Recognition and Machine Learning", chapters 9 and 10): users given the movies, movies
given the users, then both priors and the noise. From an earlier model two iterations are enough to learn from the
ratings since; from nothing it takes 30.
"""

import numpy as np

from movierating.predictions.model_file import WIDTH, ModelFile
from movierating.predictions.training.data import TrainingData
from movierating.predictions.training.low_pass import compute_filter
from movierating.predictions.training.moments import get_means
from movierating.predictions.training.movies import update_movies
from movierating.predictions.training.result import TrainedModel, describe_model, describe_people
from movierating.predictions.training.state import TrainingState, start_cold, start_warm

COLD_ITERATIONS = 30
WARM_ITERATIONS = 2
# The first iterations of a cold start have factors that are still mostly noise, from which priors would learn it.
FIRST_NOISE_ITERATION = 1
FIRST_MOVIE_PRIOR_ITERATION = 2
FIRST_USER_PRIOR_ITERATION = 3


def train(data: TrainingData, *, warm: ModelFile | None = None) -> TrainedModel:
    """Train a model: from nothing, or from the earlier one `warm`. The arguments alone determine the result.

    Raise ValueError if there are no ratings.
    """
    if not len(data.by_user.others):
        raise ValueError("There are no ratings to train on.")
    state = start_cold(data) if warm is None else start_warm(data, warm)
    warm_first = FIRST_USER_PRIOR_ITERATION + 1
    iterations = range(COLD_ITERATIONS) if warm is None else range(warm_first, warm_first + WARM_ITERATIONS)
    for iteration in iterations:
        _iterate(state, iteration)
    # What follows takes the memory of the users' moments, which are no longer needed.
    state.users.table = np.empty((0, WIDTH), np.float32)
    header, arrays = describe_model(state)
    people, arrays["mean_taste"] = describe_people(state, arrays["taste_metric"])
    arrays["filter"] = compute_filter(data.by_user, state.by_movie, state.filter_start)
    arrays["filter_norms"] = np.einsum("if,if->i", arrays["filter"], arrays["filter"], dtype=float)
    return TrainedModel(header, arrays, people)


def _iterate(state: TrainingState, iteration: int) -> None:
    """Update users, movies and the prior of movies once."""
    users, prior = state.users, state.movie_prior
    if iteration == FIRST_USER_PRIOR_ITERATION:
        users.prior.center = np.average(get_means(state.moments), 0, state.by_movie.counts)
    users.update(
        state.moments,
        fit_noise=iteration >= FIRST_NOISE_ITERATION,
        fit_weights=iteration >= FIRST_USER_PRIOR_ITERATION,
    )
    covariances = update_movies(state.by_movie, users.mean_rating, users.table, prior, state.moments)
    means = get_means(state.moments)
    if iteration >= FIRST_MOVIE_PRIOR_ITERATION:
        prior.fit_means(means)
    prior.fit_covariance(means, covariances)
