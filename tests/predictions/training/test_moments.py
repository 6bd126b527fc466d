import numpy as np

from movierating.predictions.model_file import CROSS, SIZE, SQUARE, TRIANGLE
from movierating.predictions.training import moments as moments_module
from movierating.predictions.training.data import GroupedRatings
from movierating.predictions.training.moments import (
    compute_moments,
    get_means,
    iterate_rating_blocks,
    iterate_user_blocks,
    unpack,
)

STARTS = np.array([0, 3, 4, 14, 15, 16])
RATINGS = GroupedRatings(STARTS, np.arange(16, dtype=np.int32), np.ones(16, np.uint8))


def test_moments_are_those_of_the_distribution():
    random = np.random.default_rng(0)
    half = random.standard_normal((2, SIZE, SIZE))
    means, covariances = random.standard_normal((2, SIZE)), half @ half.transpose(0, 2, 1)
    moments = compute_moments(means, covariances)
    squares = covariances[1] + np.outer(means[1], means[1])
    expected = squares.copy()
    expected[0], expected[:, 0] = np.append(1, means[1, 1:]), np.append(1, means[1, 1:])
    np.testing.assert_allclose(unpack(moments[:, :TRIANGLE])[1], expected)
    np.testing.assert_allclose(moments[1, CROSS:SQUARE], np.append(means[1, 0], squares[0, 1:]))
    np.testing.assert_allclose(moments[1, SQUARE], squares[0, 0])
    np.testing.assert_allclose(get_means(moments), means)


def test_user_blocks_contain_whole_users(monkeypatch):
    monkeypatch.setattr(moments_module, "RATINGS_PER_BLOCK", 5)
    assert list(iterate_user_blocks(RATINGS)) == [(0, 2), (2, 3), (3, 5)]
    monkeypatch.setattr(moments_module, "MAX_GROUPS_PER_BLOCK", 1)
    assert list(iterate_user_blocks(RATINGS)) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]


def test_rating_blocks_may_cut_a_group(monkeypatch):
    monkeypatch.setattr(moments_module, "RATINGS_PER_BLOCK", 6)
    blocks = [
        (ratings.start, ratings.stop, groups.start, groups.stop, offsets.tolist())
        for ratings, groups, offsets in iterate_rating_blocks(RATINGS)
    ]
    assert blocks == [(0, 6, 0, 3, [0, 3, 4]), (6, 12, 2, 3, [0]), (12, 16, 2, 5, [0, 2, 3])]
