"""A user's taste from their ratings, solved when it is asked for ("folding in"): so a rating counts at once.

Given the movies, the taste a = (c, z) of a user with ratings y_k of movies k = 1..n is normal (Bishop, "Pattern
Recognition and Machine Learning", 3.3, with the expectation over the movies):

    precision  Lambda = Lambda_0 + tau sum E[h_k h_k']
    mean       Lambda^-1 (Lambda_0 m_0 + tau sum ((y_k - mu) E[h_k] - E[b_k h_k]))

m_0 and Lambda_0 are the prior. The precision tau of this user's noise has a gamma distribution around the average
user's; its mean given the expected squared errors, and the taste given tau, are computed in turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log1p
from operator import add

from movierating.predictions.linear_algebra import (
    Matrix,
    Vector,
    dot,
    factorize,
    invert,
    multiply,
    solve_lower,
    solve_upper,
    unpack,
)
from movierating.predictions.model_file import CROSS, SIZE, SQUARE, TRIANGLE, WIDTH, ModelFile

# The prior's features fade in with n / (n + this): few ratings say little about the kind of user.
PRIOR_FADE_RATINGS = 60
# How often the noise is fitted to the ratings. After two rounds it changes by less than its uncertainty.
NOISE_ROUNDS = 2
# Ratings whose moments are added at once: those of 500 no longer fit into the processor's cache.
RATINGS_PER_PIECE = 100


@dataclass(frozen=True)
class Taste:
    """The distribution of a user's taste: a = (c, z) is normal, in points.

    `mean` has SIZE elements, `factor` is the Cholesky factor of the precision (SIZE x SIZE), `noise_precision` is tau
    (per square point), and `rating_count` is the number of ratings that it follows from.
    """

    mean: list[float]
    factor: list[list[float]]
    noise_precision: float
    rating_count: int

    @cached_property
    def covariance(self) -> list[list[float]]:
        """Return the covariance (SIZE x SIZE) of a."""
        return invert(self.factor)


@dataclass(frozen=True)
class _RatingSums:
    """Sums over a user's ratings y, from which mu is subtracted, of movies with bias b and vector h = (1, w).

    `moments` (WIDTH) are the movies' summed moments, `products` (SIZE) the sum of y E[h] - E[b h], and `square` that of
    E[(y - b)^2]. `count` is the number of ratings.
    """

    moments: list[float]
    products: list[float]
    square: float
    count: int


def solve_taste(model: ModelFile, rows: Sequence[int], ratings: Sequence[float]) -> Taste:
    """Return the taste of a user who gave `ratings` (points) to the movies in `rows`.

    The caller leaves out ratings of movies without a row. Those were first rated after the training, and until the next
    one the facts of such a movie tell little about the user. Without ratings the taste is the average user's.
    """
    sums = _sum_ratings(model, rows, ratings)
    prior_pull = multiply(model.user_precision, _compute_prior_mean(model, sums))
    squares = unpack(sums.moments[:TRIANGLE], SIZE)
    noise_precision = model.noise_precision
    taste = _solve(model, sums, squares, prior_pull, noise_precision)
    for _ in range(NOISE_ROUNDS if rows else 0):
        noise_precision = _fit_noise(model, sums, squares, taste)
        taste = _solve(model, sums, squares, prior_pull, noise_precision)
    return taste


def _sum_ratings(model: ModelFile, rows: Sequence[int], ratings: Sequence[float]) -> _RatingSums:
    moments, products, square = [0.0] * WIDTH, [0.0] * SIZE, 0.0
    for start in range(0, len(rows), RATINGS_PER_PIECE):
        piece = rows[start : start + RATINGS_PER_PIECE]
        centered = [rating - model.mean_rating for rating in ratings[start : start + RATINGS_PER_PIECE]]
        columns = list(zip(*map(model.get_moments, piece), strict=True))
        moments = list(map(add, moments, map(sum, columns)))
        products = [
            total + dot(centered, column) for total, column in zip(products, columns[:SIZE], strict=True)
        ]
        square += dot(centered, centered) - 2 * dot(centered, columns[CROSS])
    products = [total - cross for total, cross in zip(products, moments[CROSS:SQUARE], strict=True)]
    return _RatingSums(moments, products, square + moments[SQUARE], len(rows))


def _compute_prior_mean(model: ModelFile, sums: _RatingSums) -> list[float]:
    """Return m_0 (SIZE): the weights times s (1, log(1 + n) - its mean, mean of (b, w) over the ratings - its center).

    s = n / (n + PRIOR_FADE_RATINGS). log(1 + n) is at least what training has seen: extrapolation below made new users
    worse than means.
    """
    count = sums.count
    fade = count / (count + PRIOR_FADE_RATINGS)
    log_count = max(log1p(count), model.min_log_ratings) - model.mean_log_ratings
    factors = [sums.moments[CROSS], *sums.moments[1:SIZE]]
    centered = [
        total / max(count, 1) - center for total, center in zip(factors, model.user_center, strict=True)
    ]
    features = [fade * feature for feature in (1.0, log_count, *centered)]
    return multiply(model.user_weights, features)


def _solve(
    model: ModelFile, sums: _RatingSums, squares: Matrix, prior_pull: Vector, noise_precision: float
) -> Taste:
    """Return the taste given the precision of the noise; `squares` is the sum of E[h h']."""
    precision = [
        [prior + noise_precision * square for prior, square in zip(*rows, strict=True)]
        for rows in zip(model.user_precision, squares, strict=True)
    ]
    factor = factorize(precision)
    right = [
        pull + noise_precision * product for pull, product in zip(prior_pull, sums.products, strict=True)
    ]
    mean = solve_upper(factor, solve_lower(factor, right))
    return Taste(mean, factor, noise_precision, sums.count)


def _fit_noise(model: ModelFile, sums: _RatingSums, squares: Matrix, taste: Taste) -> float:
    """Return the expected precision of the user's noise given the taste.

    (shape + n / 2) / (shape / average precision + expected sum of squared errors / 2).
    """
    mean = taste.mean
    spread = sum(map(dot, taste.covariance, squares))
    errors = sums.square - 2 * dot(mean, sums.products) + dot(mean, multiply(squares, mean)) + spread
    shape = model.noise_shape
    return (shape + sums.count / 2) / (shape / model.noise_precision + max(errors, 0.0) / 2)
