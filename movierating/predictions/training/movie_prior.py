"""The prior of movies: what genres, year, language, popularity and directors say about a movie's bias and factors.

    (b, w) ~ N(B x + mean effect of the directors, Lambda_v^-1)

B is a ridge regression (Hoerl and Kennard, 1970) whose penalty is in proportion to each fact's variance. The effects of
directors are random effects: shrunk towards zero by DIRECTOR_PENALTY movies' worth, for most directed few movies.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from statistics import median

import numpy as np

from movierating.predictions.features import FeatureEncoding, MovieFeatures
from movierating.predictions.model_file import SIZE
from movierating.predictions.training.data import Floats, Integers, TrainingData

MIN_MOVIES_PER_GENRE = 5
FACT_PENALTY = 10.0
# Stands for unknown years if no year is known.
DEFAULT_YEAR = 1990
# Keeps the regression solvable if a fact is the same for all movies.
MIN_FACT_PENALTY = 1e-3
DIRECTOR_PENALTY = 5.0
# Movies with several directors couple their effects: rounds of the Jacobi method, damped so that they converge.
DIRECTOR_ROUNDS = 3
DIRECTOR_DAMPING = 0.7
# Before the first round: standard deviations of factors, and precision of biases (per square point).
INITIAL_FACTOR_DEVIATION = 0.6
INITIAL_BIAS_PRECISION = 1.0
# Prior of the covariance around the mean: half a movie's worth, with this variance (square points).
COVARIANCE_PRIOR_MOVIES = 0.5
COVARIANCE_PRIOR_VARIANCE = 0.04


class MoviePrior:
    """The prior during a training. `means` (movies x SIZE) is what it expects of each movie."""

    def __init__(self, data: TrainingData, counts: Integers, encoding: FeatureEncoding) -> None:
        self.encoding = encoding
        self._facts = _encode(data, counts, encoding)
        self.directors = _Directors(data.features)
        self.coefficients: Floats = np.zeros((encoding.size, SIZE))
        self.effects: Floats = np.zeros((len(self.directors.names), SIZE))
        self.means: Floats = np.zeros((len(counts), SIZE))
        self.precision: Floats = np.diag(
            np.append(INITIAL_BIAS_PRECISION, np.full(SIZE - 1, INITIAL_FACTOR_DEVIATION**-2))
        )
        penalties = FACT_PENALTY * self._facts.var(0)
        penalties = np.maximum(penalties, MIN_FACT_PENALTY)
        self._inverse = np.linalg.inv(self._facts.T @ self._facts + np.diag(penalties))

    def continue_from(
        self, coefficients: Floats, effects: Mapping[bytes, Floats], covariance: Floats
    ) -> None:
        """Begin with the prior of an earlier model, whose encoding is the same."""
        self.coefficients = coefficients
        self.precision = np.linalg.inv(covariance)
        for index, name in enumerate(self.directors.names):
            self.effects[index] = effects.get(name, 0)
        self._update_means()

    def fit_means(self, means: Floats) -> None:
        """Fit effects of directors, then coefficients, to the movies' means (movies x SIZE)."""
        self.effects = self.directors.fit_effects(means - self._facts @ self.coefficients, self.effects)
        rest = means - self.directors.average(self.effects)
        self.coefficients = self._inverse @ (self._facts.T @ rest)
        self._update_means()

    def fit_covariance(self, means: Floats, covariances: Floats) -> None:
        """Fit the covariance to the movies' means and the sum of their covariances (SIZE x SIZE)."""
        distances = means - self.means
        spread = covariances + distances.T @ distances + COVARIANCE_PRIOR_VARIANCE * np.eye(SIZE)
        self.precision = np.linalg.inv(spread / (len(means) + COVARIANCE_PRIOR_MOVIES))

    def _update_means(self) -> None:
        self.means = self._facts @ self.coefficients + self.directors.average(self.effects)


class _Directors:
    """Pairs of movies and directors; `names` are UTF-8, sorted, and each movie shares a weight of 1."""

    def __init__(self, features: list[MovieFeatures]) -> None:
        distinct = {name for movie in features for name in movie.directors}
        self.names = sorted(name.encode() for name in distinct)
        index = {name: position for position, name in enumerate(self.names)}
        pairs = [(i, index[name.encode()]) for i, movie in enumerate(features) for name in movie.directors]
        self._movies, self._directors = np.array(pairs, np.int64).reshape(-1, 2).T
        self._movie_count = len(features)
        self._weights = 1 / np.bincount(self._movies, minlength=self._movie_count)[self._movies]

    def average(self, effects: Floats) -> Floats:
        """Return the mean effect (movies x SIZE) of each movie's directors, 0 for a movie without."""
        return _sum_by(self._movies, self._weights[:, None] * effects[self._directors], self._movie_count)

    def fit_effects(self, residuals: Floats, effects: Floats) -> Floats:
        """Return the effects that fit residuals (movies x SIZE), beginning from earlier ones."""
        weights, count = self._weights[:, None], len(self.names)
        divisors = np.bincount(self._directors, self._weights**2, count)[:, None] + DIRECTOR_PENALTY
        for _ in range(DIRECTOR_ROUNDS):
            rest = (residuals - self.average(effects))[self._movies] + weights * effects[self._directors]
            fitted = _sum_by(self._directors, weights * rest, count) / divisors
            effects = DIRECTOR_DAMPING * fitted + (1 - DIRECTOR_DAMPING) * effects
        return effects


def _sum_by(groups: Integers, values: Floats, count: int) -> Floats:
    """Return the sums (count x SIZE) of the rows of `values` by their group."""
    return np.column_stack([np.bincount(groups, column, count) for column in values.T])


def make_encoding(data: TrainingData, counts: Integers) -> FeatureEncoding:
    """Return the encoding of facts for a new model."""
    genres = Counter(genre for movie in data.features for genre in set(movie.genres))
    years = [movie.year for movie in data.features if movie.year is not None] or [DEFAULT_YEAR]
    log_counts = np.log1p(counts)
    return FeatureEncoding(
        genres=tuple(sorted(genre for genre, count in genres.items() if count >= MIN_MOVIES_PER_GENRE)),
        median_year=float(median(years)),
        years=(min(years), max(years)),
        mean_log_count=float(log_counts.mean()),
        log_counts=(float(log_counts.min()), float(log_counts.max())),
    )


def _encode(data: TrainingData, counts: Integers, encoding: FeatureEncoding) -> Floats:
    """Return the encoded facts (movies x size of the encoding)."""
    facts = np.empty((len(counts), encoding.size))
    for index, (movie, count) in enumerate(zip(data.features, counts.tolist(), strict=True)):
        facts[index] = encoding.encode(replace(movie, rating_count=count))
    return facts
