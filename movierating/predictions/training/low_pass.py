"""The low-pass filter for ranking: eigenvectors of who rated what, by block iteration on the ratings.

R is 1 where user u rated movie i, and N = D_u^-1/2 R D_i^-1/2 where D are the numbers of ratings. The leading right
singular vectors V of N span the smooth part of the data; V V' is the ideal low-pass filter (Shen et al., "How Powerful
is Graph Convolution for Recommendation?", CIKM 2021). They are found by subspace iteration with a Rayleigh-Ritz step
(Golub and Van Loan, 8.2), which reads each rating twice a round; no matrix of users and movies is made.
"""

import numpy as np

from movierating.predictions.model_file import FILTER_SIZE
from movierating.predictions.training.data import GroupedRatings
from movierating.predictions.training.moments import Moments, iterate_rating_blocks

# Further vectors make the wanted ones converge faster.
EXTRA_VECTORS = 8
COLD_ROUNDS = 8
WARM_ROUNDS = 2
# The largest is 1.
MIN_EIGENVALUE = 1e-5


def compute_filter(by_user: GroupedRatings, by_movie: GroupedRatings, start: Moments | None) -> Moments:
    """Return the filter (movies x FILTER_SIZE): the eigenvectors times the root of each movie's number of ratings.

    `start` is the filter of an earlier model for these movies, from which fewer rounds are needed.
    """
    roots = _compute_roots(by_movie)
    count = len(roots)
    size = min(FILTER_SIZE + EXTRA_VECTORS, count)
    # In 32 bits, of which the result has no more: these arrays are the largest after the users' moments are gone.
    vectors = np.random.default_rng(0).standard_normal((count, size), np.float32)
    if start is not None:
        width = min(start.shape[1], size)
        vectors[:, :width] = start[:, :width] / roots
    for _ in range(COLD_ROUNDS if start is None else WARM_ROUNDS):
        basis, _ = np.linalg.qr(vectors)
        vectors = _smooth(by_user, by_movie, basis)
    eigenvalues, rotation = np.linalg.eigh((basis.T @ vectors).astype(float))
    # With fewer users than vectors the last ones are those of no user, and arbitrary.
    rotation *= eigenvalues > MIN_EIGENVALUE
    leading = basis @ rotation[:, ::-1].astype(np.float32)
    result = np.zeros((count, FILTER_SIZE), np.float32)
    width = min(size, FILTER_SIZE)
    result[:, :width] = leading[:, :width] * roots
    return result


def _compute_roots(by_movie: GroupedRatings) -> Moments:
    """Return the root of each movie's number of ratings, as a column."""
    return np.sqrt(by_movie.counts, dtype=np.float32)[:, None]


def _smooth(by_user: GroupedRatings, by_movie: GroupedRatings, basis: Moments) -> Moments:
    """Return N' N times a basis (movies x n)."""
    roots = _compute_roots(by_movie)
    users = _sum_others(by_user, basis / roots)
    users /= by_user.counts[:, None].astype(np.float32)
    movies = _sum_others(by_movie, users)
    movies /= roots
    return movies


def _sum_others(ratings: GroupedRatings, values: Moments) -> Moments:
    """Return for each group the sum of the rows of `values` of the others that it has ratings with."""
    sums = np.zeros((len(ratings.starts) - 1, values.shape[1]), np.float32)
    for block, groups, offsets in iterate_rating_blocks(ratings):
        sums[groups] += np.add.reduceat(values[ratings.others[block]], offsets, axis=0)
    return sums
