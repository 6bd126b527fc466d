"""Moments of normal distributions of (bias, factors), and their sums over ratings.

Users and movies are symmetric: the rating mu + b + c + w . z is linear in the movie's (b, w) given the user's (c, z),
and the other way round. So both sides have moments of the same layout, which `model_file` describes.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from movierating.predictions.model_file import CROSS, SIZE, SQUARE, TRIANGLE, WIDTH
from movierating.predictions.training.data import Floats, GroupedRatings, Integers

# Ratings whose moments are gathered at once: 5 MB, which stay in the processor's cache.
RATINGS_PER_BLOCK = 8192
MAX_GROUPS_PER_BLOCK = 2048

Moments = npt.NDArray[np.float32]
_UPPER = np.triu_indices(SIZE)


def compute_moments(means: Floats, covariances: Floats) -> Floats:
    """Return the moments (n x WIDTH) of normal distributions.

    `means` is n x SIZE; `covariances` is n x SIZE x SIZE, or SIZE x SIZE if all have the same.
    """
    squares = covariances + means[:, :, None] * means[:, None, :]
    vectors = means.copy()
    vectors[:, 0] = 1
    products = squares.copy()
    products[:, 0] = products[:, :, 0] = vectors
    moments = np.empty((len(means), WIDTH))
    moments[:, :TRIANGLE] = products[:, _UPPER[0], _UPPER[1]]
    moments[:, CROSS] = means[:, 0]
    moments[:, CROSS + 1 : SQUARE] = squares[:, 0, 1:]
    moments[:, SQUARE] = squares[:, 0, 0]
    return moments


def make_table(means: Floats, covariance: Floats) -> Moments:
    """Return the moments (n x WIDTH) of normal distributions that have one covariance (SIZE x SIZE)."""
    table = np.empty((len(means), WIDTH), np.float32)
    for start in range(0, len(means), MAX_GROUPS_PER_BLOCK):
        block = slice(start, start + MAX_GROUPS_PER_BLOCK)
        table[block] = compute_moments(means[block], covariance)
    return table


def get_means(moments: npt.NDArray[np.floating]) -> Floats:
    """Return the means (n x SIZE) of the distributions with these moments."""
    means = moments[:, :SIZE].astype(float)
    means[:, 0] = moments[:, CROSS]
    return means


def unpack(triangles: npt.NDArray[np.floating]) -> Floats:
    """Return the symmetric matrices (n x SIZE x SIZE) with these upper triangles (n x TRIANGLE)."""
    matrices = np.empty((len(triangles), SIZE, SIZE))
    matrices[:, _UPPER[0], _UPPER[1]] = triangles
    matrices[:, _UPPER[1], _UPPER[0]] = triangles
    return matrices


def iterate_user_blocks(ratings: GroupedRatings) -> Iterator[tuple[int, int]]:
    """Yield the first user and the one after the last of blocks of about RATINGS_PER_BLOCK ratings, or of one user."""
    ends = ratings.starts[1:]
    first = 0
    while first < len(ends):
        limit = ratings.starts[first] + RATINGS_PER_BLOCK
        last = max(first + 1, int(np.searchsorted(ends, limit, "right")))
        last = min(last, first + MAX_GROUPS_PER_BLOCK)
        yield first, last
        first = last


def iterate_rating_blocks(ratings: GroupedRatings) -> Iterator[tuple[slice, slice, Integers]]:
    """Yield blocks of RATINGS_PER_BLOCK ratings, which may begin and end inside a group.

    Each is the ratings, the groups that they belong to, and the position in the block at which each group begins.
    """
    for start in range(0, len(ratings.others), RATINGS_PER_BLOCK):
        end = min(start + RATINGS_PER_BLOCK, len(ratings.others))
        first = int(np.searchsorted(ratings.starts, start, "right")) - 1
        last = int(np.searchsorted(ratings.starts, end, "left"))
        yield slice(start, end), slice(first, last), np.maximum(ratings.starts[first:last], start) - start


def sum_groups(values: Moments, offsets: Integers) -> Floats:
    """Return sums of the rows of `values`: of each group that begins at one of `offsets` and ends at the next."""
    return np.add.reduceat(values, offsets, axis=0).astype(float)
