import numpy as np
import pytest

from movierating.predictions import linear_algebra


@pytest.fixture
def matrix():
    half = np.random.default_rng(0).standard_normal((6, 6))
    return half @ half.T + np.eye(6)


@pytest.fixture
def factor(matrix):
    return linear_algebra.factorize(matrix.tolist())


def test_factorize_returns_the_cholesky_factor(matrix, factor):
    expected = np.linalg.cholesky(matrix)
    assert [len(row) for row in factor] == [1, 2, 3, 4, 5, 6]
    for i, row in enumerate(factor):
        np.testing.assert_allclose(row, expected[i, : i + 1])


def test_factorize_rejects_a_matrix_that_is_not_positive_definite():
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        linear_algebra.factorize([[1.0, 2.0], [2.0, 1.0]])


def test_substitutions_solve_the_system(matrix, factor):
    right = [1.0, -2.0, 3.0, 0.5, 0.0, 4.0]
    solution = linear_algebra.solve_upper(factor, linear_algebra.solve_lower(factor, right))
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, right))


def test_invert_returns_the_inverse(matrix, factor):
    np.testing.assert_allclose(linear_algebra.invert(factor), np.linalg.inv(matrix))


def test_multiply_multiplies(matrix):
    np.testing.assert_allclose(
        linear_algebra.multiply(matrix.tolist(), [1, 2, 3, 4, 5, 6]), matrix @ [1, 2, 3, 4, 5, 6]
    )


def test_unpack_restores_a_symmetric_matrix(matrix):
    triangle = matrix[np.triu_indices(6)].tolist()
    np.testing.assert_array_equal(linear_algebra.unpack(triangle, 6), matrix)
