"""The movies' side of training: the distribution of each movie's bias and factors given the users.

It mirrors the users' side: for movie i with ratings y_u, k_u = (1, z_u), and the noise precision tau_u of each user,

    precision  Lambda_v + sum tau_u E[k_u k_u']
    mean       precision^-1 (Lambda_v B x_i + sum tau_u ((y_u - mu) E[k_u] - E[c_u k_u]))
"""

import numpy as np

from movierating.predictions.model_file import CROSS, SIZE, SQUARE, TRIANGLE
from movierating.predictions.training.data import Floats, GroupedRatings
from movierating.predictions.training.moments import (
    Moments,
    compute_moments,
    iterate_rating_blocks,
    sum_groups,
    unpack,
)
from movierating.predictions.training.movie_prior import MoviePrior

MOVIES_PER_BLOCK = 1024


def update_movies(
    ratings: GroupedRatings, mean_rating: float, user_table: Moments, prior: MoviePrior, moments: Moments
) -> Floats:
    """Solve all movies given the users' table, write their moments, and return the sum of their covariances."""
    total = np.zeros((SIZE, SIZE))
    for start in range(0, len(moments), MOVIES_PER_BLOCK):
        block = slice(start, min(start + MOVIES_PER_BLOCK, len(moments)))
        squares, products = _sum_users(ratings.select(block), mean_rating, user_table)
        covariances = np.linalg.inv(unpack(squares) + prior.precision)
        right = products + prior.means[block] @ prior.precision
        means = np.einsum("uij,uj->ui", covariances, right)
        moments[block] = compute_moments(means, covariances)
        total += covariances.sum(0)
    return total


def _sum_users(ratings: GroupedRatings, mean_rating: float, user_table: Moments) -> tuple[Floats, Floats]:
    """Return for each movie the sums of tau E[k k'] (TRIANGLE) and of tau (y E[k] - E[c k]) (SIZE) over its ratings."""
    count = len(ratings.starts) - 1
    squares, products = np.zeros((count, TRIANGLE)), np.zeros((count, SIZE))
    for block, movies, offsets in iterate_rating_blocks(ratings):
        gathered = user_table[ratings.others[block]]
        points = (ratings.get_points(block) - np.float32(mean_rating))[:, None]
        sums = sum_groups(gathered, offsets)
        squares[movies] += sums[:, :TRIANGLE]
        products[movies] += sum_groups(gathered[:, :SIZE] * points, offsets) - sums[:, CROSS:SQUARE]
    return squares, products
