"""A trained model, mapped from its file: what predictions are computed from.

The model (Salakhutdinov and Mnih, "Bayesian Probabilistic Matrix Factorization", 2008, with priors that depend on facts
as in Agarwal and Chen, "Regression-based Latent Factor Models", 2009) says of user u's rating of movie i:

    rating = mu + b_i + c_u + w_i . z_u + noise,   noise ~ N(0, 1 / tau_u)

with a bias b_i and factors w_i of the movie, a bias c_u and factors z_u of the user. Write a_u = (c_u, z_u) and
h_i = (1, w_i); then rating = mu + b_i + h_i . a_u + noise. Both have FACTORS + 1 = SIZE elements.

What is known of a movie is a normal distribution of (b_i, w_i), stored as its *moments*, which predictions add up:

    E[h h'] (the upper triangle, row by row; it begins with E[h]), E[b h] (it begins with E[b]), E[b^2]
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from movierating.predictions.array_file import ArrayFile, ArrayFileError, reporting_contents, write_arrays
from movierating.predictions.features import FeatureEncoding, MovieFeatures

FACTORS = 15
SIZE = FACTORS + 1
TRIANGLE = SIZE * (SIZE + 1) // 2
# Positions in a movie's moments.
CROSS = TRIANGLE
SQUARE = TRIANGLE + SIZE
WIDTH = SQUARE + 1
# Eigenvectors of the low-pass filter for ranking.
FILTER_SIZE = 32

# Raised with each change of the model that makes older files useless.
MODEL_FORMAT = "ratings-2"


def write_model(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write a model, such as `training.fitting.train` returns, atomically and durably. Raise OSError.

    The caller adds to the header: `version` and `database` (text), `trained_at` and `cold_trained_at` (microseconds
    since 1970), `cold_rating_count` and `training_seconds`.
    """
    write_arrays(path, {**header, "model_format": MODEL_FORMAT}, arrays)


def open_model(path: Path) -> "ModelFile":
    """Return the model in a file. Raise ArrayFileError if it is absent, damaged or of another format."""
    file = ArrayFile(path)
    if file.header.get("model_format") != MODEL_FORMAT:
        raise ArrayFileError(f"{path} is a model of another version")
    with reporting_contents(path):
        model = ModelFile(file)
        _check_arrays(file, model)
    return model


def _check_arrays(file: ArrayFile, model: "ModelFile") -> None:
    movies, directors = len(model.movie_ids), len(model.director_names)
    # Computes with all parts of the encoding.
    facts = len(model.encoding.encode(MovieFeatures()))
    file.check_array("movie_ids", "q", max(movies, 1))
    file.check_array("movie_counts", "i", movies)
    file.check_array("moments", "f", movies, WIDTH)
    file.check_array("filter", "f", movies, FILTER_SIZE)
    file.check_array("filter_norms", "d", movies)
    file.check_array("movie_covariance", "d", SIZE, SIZE)
    file.check_array("movie_coefficients", "d", facts, SIZE)
    file.check_array("director_names", "B", len(file.get_array("director_names")))
    file.check_array("director_ends", "q", directors)
    file.check_array("director_effects", "f", directors, SIZE)
    file.check_array("user_precision", "d", SIZE, SIZE)
    file.check_array("user_weights", "d", SIZE + 2, SIZE)
    file.check_array("user_center", "d", SIZE)
    file.check_array("taste_metric", "d", FACTORS, FACTORS)
    file.check_array("mean_taste", "d", FACTORS)


class _Names(Sequence[bytes]):
    """Sorted names: their UTF-8 bytes one after the other, and the position at which each ends."""

    def __init__(self, text: memoryview, ends: memoryview) -> None:
        self._text, self._ends = text, ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: Any) -> Any:
        return bytes(self._text[self._ends[index - 1] if index else 0 : self._ends[index]])


class ModelFile:
    """A trained model. A *row* is a movie's position in its tables; only movies with ratings have one."""

    def __init__(self, file: ArrayFile) -> None:
        self._shapes = {name: shape for name, (_, shape, *_) in file.header["arrays"].items()}
        self.encoding = FeatureEncoding.from_header(file.header["encoding"])
        self.get_array, self.release_pages = file.get_array, file.release_pages
        self.version = str(file.header["version"])
        self.database = str(file.header["database"])
        self.trained_at = int(file.header["trained_at"])
        self.cold_trained_at = int(file.header["cold_trained_at"])
        self.cold_rating_count = int(file.header["cold_rating_count"])
        self.training_seconds = float(file.header["training_seconds"])
        self.rating_count = int(file.header["rating_count"])
        self.user_count = int(file.header["user_count"])
        self.mean_rating = float(file.header["mean_rating"])
        self.noise_precision = float(file.header["noise_precision"])
        self.noise_shape = float(file.header["noise_shape"])
        self.mean_log_ratings = float(file.header["mean_log_ratings"])
        self.min_log_ratings = float(file.header["min_log_ratings"])
        self.movie_ids = file.get_array("movie_ids")
        self.movie_counts = file.get_array("movie_counts")
        self.filter_rows = file.get_array("filter")
        self.filter_norms = file.get_array("filter_norms")
        self.moments = file.get_array("moments")
        self.director_names = _Names(file.get_array("director_names"), file.get_array("director_ends"))

    def find_row(self, movie_id: int) -> int | None:
        """Return the row of a movie, None if it had no rating when the model was trained."""
        row = bisect_left(self.movie_ids, movie_id)
        return row if row < len(self.movie_ids) and self.movie_ids[row] == movie_id else None

    def get_moments(self, row: int) -> list[float]:
        """Return the moments (WIDTH) of the movie of a row."""
        return list(self.moments[row * WIDTH : (row + 1) * WIDTH])

    def get_matrix(self, name: str) -> list[list[float]]:
        """Return an array of two dimensions as a list of rows; use it for small ones."""
        values: list[float] = list(self.get_array(name))
        width = self._shapes[name][1]
        return [values[start : start + width] for start in range(0, len(values), width)]

    @cached_property
    def user_precision(self) -> list[list[float]]:
        """Return the precision (SIZE x SIZE) of the prior of users."""
        return self.get_matrix("user_precision")

    @cached_property
    def user_weights(self) -> list[list[float]]:
        """Return the weights (SIZE x (SIZE + 2)) by which the prior of users follows from their features."""
        return [list(column) for column in zip(*self.get_matrix("user_weights"), strict=True)]

    @cached_property
    def user_center(self) -> list[float]:
        """Return the mean (SIZE) of (b_i, w_i) over all ratings."""
        return list(self.get_array("user_center"))

    @cached_property
    def movie_covariance(self) -> list[list[float]]:
        """Return the covariance (SIZE x SIZE) of a movie around what its facts tell."""
        return self.get_matrix("movie_covariance")

    @cached_property
    def movie_coefficients(self) -> list[list[float]]:
        """Return the coefficients (size of the encoding x SIZE) of a movie's facts."""
        return self.get_matrix("movie_coefficients")

    @cached_property
    def taste_metric(self) -> list[list[float]]:
        """Return the factor L (FACTORS x FACTORS) of the covariance of movies' factors; see `nearest_people`."""
        return self.get_matrix("taste_metric")

    @cached_property
    def mean_taste(self) -> list[float]:
        """Return the mean (FACTORS) of all users' factors."""
        return list(self.get_array("mean_taste"))

    def find_director(self, name: str) -> list[float] | None:
        """Return a director's effect (SIZE) on the (b, w) of a movie, None if the model has no movie of theirs."""
        index = bisect_left(self.director_names, name.encode())
        if index == len(self.director_names) or self.director_names[index] != name.encode():
            return None
        return list(self.get_array("director_effects")[index * SIZE : (index + 1) * SIZE])
