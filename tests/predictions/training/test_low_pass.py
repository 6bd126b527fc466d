import numpy as np

from movierating.predictions.model_file import FILTER_SIZE
from movierating.predictions.training import low_pass
from movierating.predictions.training.data import TrainingData


def make_filter(data):
    """Return the low-pass filter of dense singular vectors, as a matrix of movies and movies."""
    matrix = np.zeros((len(data.user_ids), len(data.movie_ids)))
    users = np.repeat(np.arange(len(matrix)), data.by_user.counts)
    matrix[users, data.by_user.others] = 1
    normalized = matrix / np.sqrt(matrix.sum(1))[:, None] / np.sqrt(matrix.sum(0))
    vectors = np.linalg.svd(normalized)[2][:FILTER_SIZE]
    roots = np.sqrt(matrix.sum(0))
    return vectors.T @ vectors * roots * roots[:, None]


def test_filter_is_that_of_singular_vectors(data, monkeypatch):
    monkeypatch.setattr(low_pass, "COLD_ROUNDS", 200)
    rows = low_pass.compute_filter(data.by_user, data.group_by_movie(), None).astype(float)
    np.testing.assert_allclose(rows @ rows.T, make_filter(data), atol=0.02)


def test_filter_of_few_movies_is_complete():
    data = TrainingData.from_ratings([1, 1, 2, 3], [1, 2, 2, 1], [9, 9, 9, 9], {})
    rows = low_pass.compute_filter(data.by_user, data.group_by_movie(), None)
    assert rows.shape == (2, FILTER_SIZE)
    np.testing.assert_allclose(rows @ rows.T, make_filter(data), atol=1e-5)


def test_filter_of_few_users_has_no_arbitrary_vectors():
    movies = [*range(20), *range(10, 30), *range(40, 60)]
    data = TrainingData.from_ratings(np.repeat([1, 2, 3], 20), movies, [9] * 60, {})
    rows = low_pass.compute_filter(data.by_user, data.group_by_movie(), None)
    assert rows[:, :3].any(0).all()
    assert not rows[:, 3:].any()


def test_warm_start_keeps_the_filter(data):
    by_movie = data.group_by_movie()
    cold = low_pass.compute_filter(data.by_user, by_movie, None).astype(float)
    warm = low_pass.compute_filter(data.by_user, by_movie, cold).astype(float)
    assert abs(warm @ warm.T - cold @ cold.T).mean() < 0.05 * abs(cold @ cold.T).mean()
