import numpy as np
import pytest

from movierating.predictions import fold_in
from movierating.predictions.model_file import CROSS, SIZE, SQUARE, TRIANGLE


def solve_with_numpy(model, rows, ratings):
    """Return mean, precision and noise precision of a taste, by the formulas of the module and dense matrices."""
    moments = np.array([model.get_moments(row) for row in rows])
    centered = np.array(ratings) - model.mean_rating
    upper = np.triu_indices(SIZE)
    squares = np.zeros((SIZE, SIZE))
    squares[upper] = moments[:, :TRIANGLE].sum(0)
    squares = squares + np.triu(squares, 1).T
    products = centered @ moments[:, :SIZE] - moments[:, CROSS:SQUARE].sum(0)
    square = (centered**2 - 2 * centered * moments[:, CROSS] + moments[:, SQUARE]).sum()
    count = len(rows)
    factors = np.column_stack([moments[:, CROSS], moments[:, 1:SIZE]]).mean(0) - model.user_center
    log_ratings = max(np.log1p(count), model.min_log_ratings) - model.mean_log_ratings
    features = count / (count + 60) * np.concatenate([[1, log_ratings], factors])
    prior, mean_0 = np.array(model.user_precision), np.array(model.user_weights) @ features
    noise = model.noise_precision
    for round_ in range(3):
        precision = prior + noise * squares
        mean = np.linalg.solve(precision, prior @ mean_0 + noise * products)
        if round_ < 2:
            second = np.linalg.inv(precision) + np.outer(mean, mean)
            errors = square - 2 * mean @ products + (second * squares).sum()
            noise = (model.noise_shape + count / 2) / (model.noise_shape / model.noise_precision + errors / 2)
    return mean, precision, noise


@pytest.mark.parametrize("count", [1, 2, 20])
def test_taste_is_the_solution_of_the_formulas(model, own_ratings, count):
    rows, ratings = own_ratings[0][:count], own_ratings[1][:count]
    taste = fold_in.solve_taste(model, rows, ratings)
    mean, precision, noise = solve_with_numpy(model, rows, ratings)
    np.testing.assert_allclose(taste.mean, mean, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(taste.covariance, np.linalg.inv(precision), rtol=1e-6, atol=1e-8)
    assert taste.noise_precision == pytest.approx(noise)
    assert taste.rating_count == count


def test_many_ratings_are_summed_in_pieces(model, own_ratings):
    rows, ratings = own_ratings[0] * 20, own_ratings[1] * 20
    assert len(rows) > 3 * fold_in.RATINGS_PER_PIECE
    mean, _, noise = solve_with_numpy(model, rows, ratings)
    taste = fold_in.solve_taste(model, rows, ratings)
    np.testing.assert_allclose(taste.mean, mean, rtol=1e-5, atol=1e-7)
    assert taste.noise_precision == pytest.approx(noise)


def test_taste_without_ratings_is_the_average_user(model):
    taste = fold_in.solve_taste(model, [], [])
    assert taste.mean == [0.0] * SIZE
    np.testing.assert_allclose(taste.covariance, np.linalg.inv(model.user_precision))
    assert taste.noise_precision == model.noise_precision


def test_every_rating_reduces_the_uncertainty(model, own_ratings):
    rows, ratings = own_ratings
    spreads = [
        np.linalg.det(fold_in.solve_taste(model, rows[:count], ratings[:count]).covariance)
        for count in (0, 1, 5, 20)
    ]
    assert spreads == sorted(spreads, reverse=True)
