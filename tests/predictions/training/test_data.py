import numpy as np
import pytest

from movierating.predictions.features import MovieFeatures
from movierating.predictions.training import data as data_module
from movierating.predictions.training.data import TrainingData

RATINGS = ([7, 5, 7, 5, 9], [30, 30, 10, 20, 30], [1, 2, 3, 4, 20])


@pytest.mark.parametrize("lookup", [2, 1000])
def test_ratings_are_grouped_by_user_and_by_movie(monkeypatch, lookup):
    monkeypatch.setattr(data_module, "RATINGS_PER_LOOKUP", lookup)
    drama = MovieFeatures(("Drama",))
    data = TrainingData.from_ratings(*RATINGS, {20: drama, 99: drama})
    assert data.user_ids.tolist() == [5, 7, 9]
    assert data.movie_ids.tolist() == [10, 20, 30]
    assert data.by_user.starts.tolist() == [0, 2, 4, 5]
    assert data.by_user.others.tolist() == [2, 1, 2, 0, 2]
    assert data.by_user.get_points(slice(1, 5)).tolist() == [2.0, 0.5, 1.5, 10.0]
    by_movie = data.group_by_movie()
    assert by_movie.starts.tolist() == [0, 1, 2, 5]
    assert by_movie.others.tolist() == [1, 0, 0, 1, 2]
    assert by_movie.half_points.tolist() == [3, 4, 2, 1, 20]
    part = by_movie.select(slice(1, 3))
    assert (part.starts.tolist(), part.others.tolist()) == ([0, 1, 4], [0, 0, 1, 2])
    assert part.half_points.tolist() == [4, 2, 1, 20]
    assert data.features == [MovieFeatures(), drama, MovieFeatures()]


def test_sorted_ratings_are_not_copied():
    half_points = np.array([1, 2, 3], np.uint8)
    data = TrainingData.from_ratings([1, 1, 2], [1, 2, 1], half_points, {})
    assert data.by_user.half_points is half_points


def test_data_without_ratings_has_no_users():
    data = TrainingData.from_ratings([], [], [], {})
    assert (len(data.user_ids), len(data.movie_ids), data.by_user.starts.tolist()) == (0, 0, [0])
