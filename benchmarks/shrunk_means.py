"""Predicts ratings by shrunk means: what the model of predictions is compared with."""

import numpy as np

from movielens import Array, DataSet

# Means are shrunk as if there were so many ratings of the overall mean besides.
SHRINKAGE = 5


class ShrunkMeans:
    """Predicts the overall mean plus a shrunk mean deviation of the movie and of the user."""

    def __init__(self, data: DataSet, train_on: Array) -> None:
        self._mean = float(data.points[train_on].mean())
        movies, points = data.movies[train_on], data.points[train_on] - self._mean
        counts = np.bincount(movies, minlength=data.movies.max() + 1)
        sums = np.bincount(movies, points, len(counts))
        self._deviations = sums / (counts + SHRINKAGE)

    def predict(self, data: DataSet, rated: Array, movies: Array) -> Array:
        """Return predictions for movies from the ratings at positions `rated`."""
        residuals = data.points[rated] - self._mean - self._deviations[data.movies[rated]]
        deviation = residuals.sum() / (len(rated) + SHRINKAGE)
        return np.clip(self._mean + self._deviations[movies] + deviation, 1, 10)
