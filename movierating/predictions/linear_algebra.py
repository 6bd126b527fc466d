"""Linear algebra of small symmetric matrices in pure Python. A matrix is a list of rows.

The algorithms are in Golub and Van Loan, "Matrix Computations": substitution in 3.1, Cholesky in 4.2.
"""

from collections.abc import Sequence
from math import sqrt
from operator import mul

Vector = Sequence[float]
Matrix = Sequence[Sequence[float]]


def dot(left: Vector, right: Vector) -> float:
    """Return the sum of the products of two vectors' elements."""
    total: float = sum(map(mul, left, right))
    return total


def multiply(matrix: Matrix, vector: Vector) -> list[float]:
    """Return the product of a matrix (m x n) and a vector (n)."""
    return [dot(row, vector) for row in matrix]


def factorize(matrix: Matrix) -> list[list[float]]:
    """Return the Cholesky factor of a positive definite matrix A: the lower triangle L of A = L L'.

    Row i has the i + 1 elements up to the diagonal. Raise ValueError if the matrix is not positive definite.
    """
    factor: list[list[float]] = []
    for i, source in enumerate(matrix):
        row: list[float] = []
        for j in range(i):
            row.append((source[j] - dot(row, factor[j])) / factor[j][j])
        row.append(sqrt(source[i] - dot(row, row)))
        factor.append(row)
    return factor


def solve_lower(factor: Matrix, vector: Vector) -> list[float]:
    """Return the solution x of L x = vector by forward substitution."""
    solution: list[float] = []
    for row, value in zip(factor, vector, strict=True):
        solution.append((value - dot(row, solution)) / row[-1])
    return solution


def solve_upper(factor: Matrix, vector: Vector) -> list[float]:
    """Return the solution x of L' x = vector by back substitution."""
    solution = list(vector)
    for i in range(len(factor) - 1, -1, -1):
        solution[i] /= factor[i][i]
        for j in range(i):
            solution[j] -= solution[i] * factor[i][j]
    return solution


def invert(factor: Matrix) -> list[list[float]]:
    """Return the inverse of A = L L' (n x n) from its Cholesky factor L."""
    size = range(len(factor))
    # Column j of the inverse of L, from its first element that is not zero, the diagonal's.
    columns: list[list[float]] = []
    for j in size:
        column: list[float] = []
        for i in range(j, len(factor)):
            right = 1.0 if i == j else 0.0
            column.append((right - dot(factor[i][j:i], column)) / factor[i][i])
        columns.append(column)
    inverse = [[0.0] * len(factor) for _ in size]
    for i in size:
        for j in range(i, len(factor)):
            inverse[i][j] = inverse[j][i] = dot(columns[i][j - i :], columns[j])
    return inverse


def unpack(triangle: Vector, size: int) -> list[list[float]]:
    """Return the symmetric matrix (size x size) whose upper triangle is `triangle`, row by row."""
    matrix = [[0.0] * size for _ in range(size)]
    start = 0
    for i in range(size):
        row = triangle[start : start + size - i]
        start += size - i
        matrix[i][i:] = row
        for j in range(i + 1, size):
            matrix[j][i] = row[j - i]
    return matrix
