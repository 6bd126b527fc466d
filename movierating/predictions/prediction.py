"""How a user would rate a movie: the expected rating, an interval that most ratings fall into, and the reasons.

With a taste a ~ N(m, S) and the moments of a movie, the rating mu + b + h . a + noise has

    mean      mu + E[b] + E[h] . m
    variance  E[b^2] + 2 E[b h] . m + tr(E[h h'] (S + m m')) - (E[b] + E[h] . m)^2 + 1 / tau

The variance contains the uncertainty of the taste, that of the movie, and the noise.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from movierating.predictions.features import MovieFeatures
from movierating.predictions.fold_in import Taste
from movierating.predictions.linear_algebra import Matrix, dot, multiply, unpack
from movierating.predictions.model_file import CROSS, SIZE, SQUARE, TRIANGLE, WIDTH, ModelFile

MIN_RATING = 0.5
MAX_RATING = 10.0
# The share of ratings within an interval, and the quantile of the normal distribution that it follows from.
COVERAGE = 0.8
COVERAGE_QUANTILE = 1.2815515655446004


class Prediction(NamedTuple):
    """An expected rating in points, which may lie outside the scale, and the variance of the rating around it."""

    value: float
    variance: float


class Interval(NamedTuple):
    """A prediction on the scale of ratings, by 0.1 points: COVERAGE of the ratings lie between `low` and `high`."""

    value: float
    low: float
    high: float


def predict(model: ModelFile, taste: Taste, moments: Sequence[float]) -> Prediction:
    """Return how a user of `taste` would rate a movie with these moments (WIDTH)."""
    mean = taste.mean
    score = moments[CROSS] + dot(moments[:SIZE], mean)
    squares = unpack(moments[:TRIANGLE], SIZE)
    spread = sum(map(dot, squares, taste.covariance)) + dot(mean, multiply(squares, mean))
    square = moments[SQUARE] + 2 * dot(moments[CROSS:SQUARE], mean) + spread
    variance = max(square - score * score, 0.0) + 1 / taste.noise_precision
    return Prediction(model.mean_rating + score, variance)


def make_interval(prediction: Prediction) -> Interval:
    """Return a prediction as it is shown: within the scale of ratings, by 0.1 points."""
    width = COVERAGE_QUANTILE * sqrt(prediction.variance)
    return Interval(*(_to_scale(prediction.value + distance) for distance in (0.0, -width, width)))


def _to_scale(value: float) -> float:
    return round(min(max(value, MIN_RATING), MAX_RATING), 1)


def compute_shares(
    model: ModelFile, taste: Taste, rows: Sequence[int], ratings: Sequence[float], moments: Sequence[float]
) -> list[float]:
    """Return each rating's share (points) of the prediction for a movie with these moments, in the order of `rows`.

    Given the noise, the mean of the taste is linear in the ratings. The share of rating y of movie k is
    tau ((y - mu) E[h_k] - E[b_k h_k]) . S E[h]; the rest of `predict(...).value` is mu + E[b] + E[h] . S Lambda_0 m_0.
    """
    direction = multiply(taste.covariance, moments[:SIZE])
    shares = []
    for row, rating in zip(rows, ratings, strict=True):
        # Only two slices (SIZE) of a movie's moments are read.
        start = row * WIDTH
        gain = (rating - model.mean_rating) * dot(model.moments[start : start + SIZE], direction)
        cross = dot(model.moments[start + CROSS : start + SQUARE], direction)
        shares.append(taste.noise_precision * (gain - cross))
    return shares


def compute_prior_moments(model: ModelFile, features: MovieFeatures) -> list[float]:
    """Return the moments (WIDTH) of a movie without a row, from its facts.

    (b, w) ~ N(B x + mean effect of its directors, Lambda_v^-1), where x are the encoded facts.
    """
    facts = model.encoding.encode(features)
    mean = [dot(facts, column) for column in zip(*model.movie_coefficients, strict=True)]
    for name in features.directors:
        effect = model.find_director(name) or [0.0] * SIZE
        mean = [value + part / len(features.directors) for value, part in zip(mean, effect, strict=True)]
    return _to_moments(mean, model.movie_covariance)


def _to_moments(mean: Sequence[float], covariance: Matrix) -> list[float]:
    """Return the moments of a movie whose (b, w) is normal."""
    square = [
        [value + left * right for value, right in zip(row, mean, strict=True)]
        for row, left in zip(covariance, mean, strict=True)
    ]
    vector = [1.0, *mean[1:]]
    products = [vector, *([mean[j], *square[j][1:]] for j in range(1, SIZE))]
    triangle = [value for j, row in enumerate(products) for value in row[j:]]
    return [*triangle, mean[0], *square[0][1:], square[0][0]]
