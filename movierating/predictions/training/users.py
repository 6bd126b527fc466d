"""The users' side of training: their tastes given the movies, their common prior, and their noise.

This is the expectation step of variational EM (Bishop, "Pattern Recognition and Machine Learning", 10.2): the same
equations as in `fold_in`, for blocks of users at once. Only the moments of the tastes are stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from movierating.predictions.fold_in import PRIOR_FADE_RATINGS
from movierating.predictions.model_file import CROSS, SIZE, SQUARE, TRIANGLE, WIDTH
from movierating.predictions.training.data import Floats, GroupedRatings
from movierating.predictions.training.moments import (
    Moments,
    compute_moments,
    iterate_user_blocks,
    sum_groups,
    unpack,
)

# Before the first round: variances of 3.3 square points around a prediction, and of 0.8 between users' biases.
INITIAL_NOISE_PRECISION = 0.3
INITIAL_BIAS_PRECISION = 1.25
# Ratings that can be predicted exactly, such as equal ones, would have no noise: at least 0.1 points are left.
MIN_NOISE_VARIANCE = 0.01
# The shape of the distribution of users' noise precisions: 4 stands for 8 ratings' worth of the average user's noise.
NOISE_SHAPE = 4.0
# Penalties of the regression of tastes on features: of the constant, and of features in units of their variance.
CONSTANT_PENALTY = 1e-3
FEATURE_PENALTY = 30.0
# Prior of the covariance of tastes: as many users' worth, with these variances of bias (square points) and factors.
COVARIANCE_PRIOR_USERS = 0.5
COVARIANCE_PRIOR_BIAS = 0.8


@dataclass
class UserPrior:
    """The prior of tastes: a ~ N(features . weights, precision^-1); see `fold_in`."""

    precision: Floats
    weights: Floats
    center: Floats
    mean_log_ratings: float
    min_log_ratings: float

    def compute_features(self, sums: Floats, counts: Floats) -> Floats:
        """Return features (n x (SIZE + 2)) of users from their number of ratings and the movies' summed moments."""
        factors = sums[:, :SIZE].copy()
        factors[:, 0] = sums[:, CROSS]
        fade = (counts / (counts + PRIOR_FADE_RATINGS))[:, None]
        log_ratings = np.maximum(np.log1p(counts), self.min_log_ratings) - self.mean_log_ratings
        return fade * np.column_stack(
            [np.ones(len(counts)), log_ratings, factors / counts[:, None] - self.center]
        )


class Block(NamedTuple):
    """The tastes of consecutive users: means (n x SIZE), covariances, features, prior means, squared errors (n)."""

    users: slice
    means: Floats
    covariances: Floats
    features: Floats
    prior_means: Floats
    errors: Floats


@dataclass
class _Totals:
    """Sums over all users from which the prior follows."""

    squared_error: float = 0.0
    spread: Floats = field(default_factory=lambda: np.zeros((SIZE, SIZE)))
    features: Floats = field(default_factory=lambda: np.zeros(SIZE + 2))
    feature_squares: Floats = field(default_factory=lambda: np.zeros((SIZE + 2, SIZE + 2)))
    feature_means: Floats = field(default_factory=lambda: np.zeros((SIZE + 2, SIZE)))

    def add(self, block: Block) -> None:
        """Add a block of users."""
        distances = block.means - block.prior_means
        self.squared_error += float(block.errors.sum())
        self.spread += block.covariances.sum(0) + distances.T @ distances
        self.features += block.features.sum(0)
        self.feature_squares += block.features.T @ block.features
        self.feature_means += block.features.T @ block.means


class UserSide:
    """All users during a training. `table` (users x WIDTH) has their moments times their noise precision."""

    def __init__(self, ratings: GroupedRatings, mean_rating: float, prior: UserPrior, noise: float) -> None:
        self.ratings = ratings
        self.counts = ratings.counts.astype(float)
        self.mean_rating = mean_rating
        self.prior = prior
        self.noise_precision = noise
        self.noise_precisions = np.full(len(self.counts), noise)
        self.table: Moments = np.empty((len(self.counts), WIDTH), np.float32)

    def update(self, moments: Moments, *, fit_noise: bool, fit_weights: bool) -> None:
        """Solve all tastes given the movies' moments, then fit the noise and the prior to them."""
        totals = _Totals()
        for block in self.solve(moments):
            counts = self.counts[block.users]
            if fit_noise:
                rate = NOISE_SHAPE / self.noise_precision + block.errors / 2
                self.noise_precisions[block.users] = (NOISE_SHAPE + counts / 2) / rate
            weights = self.noise_precisions[block.users, None]
            self.table[block.users] = compute_moments(block.means, block.covariances) * weights
            totals.add(block)
        self._fit_prior(totals, fit_weights)

    def solve(self, moments: Moments) -> Iterator[Block]:
        """Yield the tastes of all users in blocks."""
        for first, last in iterate_user_blocks(self.ratings):
            yield self._solve_block(moments, slice(first, last))

    def _solve_block(self, moments: Moments, users: slice) -> Block:
        """Return the tastes of consecutive users by the equations of `fold_in`, given the noise of each.

        Expected squared errors: sum E[(y - b)^2] - 2 m . sum (y E[h] - E[b h]) + tr(sum E[h h'] (S + m m')).
        """
        starts = self.ratings.starts
        block = slice(starts[users.start], starts[users.stop])
        offsets = starts[users] - block.start
        gathered = moments[self.ratings.others[block]]
        points = (self.ratings.get_points(block) - np.float32(self.mean_rating))[:, None]
        sums = sum_groups(gathered, offsets)
        weighted = sum_groups(
            np.column_stack([gathered[:, :SIZE], gathered[:, CROSS], points]) * points, offsets
        )
        features = self.prior.compute_features(sums, self.counts[users])
        prior_means = features @ self.prior.weights
        squares = unpack(sums[:, :TRIANGLE])
        products = weighted[:, :SIZE] - sums[:, CROSS:SQUARE]
        noise = self.noise_precisions[users, None]
        covariances = np.linalg.inv(self.prior.precision + noise[:, :, None] * squares)
        right = noise * products + prior_means @ self.prior.precision
        means = np.einsum("uij,uj->ui", covariances, right)
        spread = ((covariances + means[:, :, None] * means[:, None, :]) * squares).sum((1, 2))
        errors = weighted[:, SIZE + 1] - 2 * weighted[:, SIZE] + sums[:, SQUARE]
        errors = np.maximum(errors - 2 * (means * products).sum(1) + spread, 0)
        return Block(users, means, covariances, features, prior_means, errors)

    def _fit_prior(self, totals: _Totals, fit_weights: bool) -> None:
        """Fit noise, precision and weights to the tastes: the maximization step.

        The noise and the precision of tastes are inverses of expected mean squares. The weights are a ridge regression
        of the tastes' means on the features (Bishop, 3.28), each with a penalty in proportion to its variance.
        """
        count = len(self.counts)
        self.noise_precision = 1 / max(totals.squared_error / self.counts.sum(), MIN_NOISE_VARIANCE)
        prior_covariance = np.diag(np.append(COVARIANCE_PRIOR_BIAS, np.ones(SIZE - 1)))
        spread = totals.spread + COVARIANCE_PRIOR_USERS * prior_covariance
        self.prior.precision = np.linalg.inv(spread / (count + COVARIANCE_PRIOR_USERS))
        if fit_weights:
            variances = totals.feature_squares.diagonal() / count - (totals.features / count) ** 2
            penalties = FEATURE_PENALTY * np.maximum(variances, 0) + CONSTANT_PENALTY
            penalties[0] = CONSTANT_PENALTY
            system = totals.feature_squares + np.diag(penalties)
            self.prior.weights = np.linalg.solve(system, totals.feature_means)
