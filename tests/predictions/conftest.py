"""A small model: 60 users and 40 movies whose ratings follow from two factors."""

import numpy as np
import pytest

from movierating.predictions.features import MovieFeatures
from movierating.predictions.model_file import open_model, write_model
from movierating.predictions.training.data import TrainingData
from movierating.predictions.training.fitting import train
from predictions import instances

USERS, MOVIES = 60, 40
GENRES = ("Comedy", "Drama", "Horror")


def make_features(movie):
    """Return the facts of a generated movie, by its number."""
    directors = (f"Director {movie % 7}", f"Director {movie % 5}")[: movie % 3]
    year = None if movie % 10 == 0 else 1940 + 2 * movie
    language = (None, "en", "fr")[movie % 3]
    return MovieFeatures(GENRES[: movie % 4], year, language, directors)


@pytest.fixture(scope="session")
def ratings():
    """Return user ids, movie ids and half points, sorted by user and movie: 10 users have few ratings."""
    random = np.random.default_rng(1)
    shares = np.where(np.arange(USERS) < 50, 0.7, 0.3)[:, None]
    users, movies = np.nonzero(random.random((USERS, MOVIES)) < shares)
    tastes, factors = random.standard_normal((USERS, 2)), random.standard_normal((MOVIES, 2))
    biases = random.standard_normal(MOVIES)
    points = 6 + biases[movies] + (tastes[users] * factors[movies]).sum(1) + random.normal(0, 0.7, len(users))
    half_points = np.clip(np.round(points * 2), 1, 20).astype(np.uint8)
    # Ids are not positions: they begin at 100 and 1000, and have gaps.
    return 100 + 3 * users, 1000 + 2 * movies, half_points


@pytest.fixture(scope="session")
def data(ratings):
    """Return the ratings as training data."""
    return TrainingData.from_ratings(
        *ratings, {1000 + 2 * movie: make_features(movie) for movie in range(MOVIES)}
    )


@pytest.fixture(scope="session")
def trained(data):
    """Return the result of a training."""
    return train(data)


@pytest.fixture(scope="session")
def model_path(trained, tmp_path_factory):
    """Return the path of a model file. Tests don't change it."""
    path = tmp_path_factory.mktemp("model") / "predictions.bin"
    write_model(path, {**trained.header, **instances.HEADER}, trained.arrays)
    return path


@pytest.fixture(scope="session")
def model(model_path):
    """Return the model."""
    return open_model(model_path)


@pytest.fixture
def own_ratings(model, data):
    """Return rows and points of the first user's ratings."""
    ratings = data.by_user
    rows = ratings.others[: ratings.starts[1]].tolist()
    return rows, ratings.get_points(slice(0, ratings.starts[1])).astype(float).tolist()


@pytest.fixture(scope="session")
def trained_template(empty_instance, copied, environ, tmp_path_factory):
    """Return an instance folder with users, movies, ratings and a model, as a template."""
    folder = copied(empty_instance, tmp_path_factory.mktemp("trained") / "instance")
    instances.make_template(environ(folder))
    return folder
