"""The order in which to recommend movies: what a user is likely to watch, and would rate highly.

    score = log f + PREDICTION_WEIGHT * predicted rating

f is the low-pass filter of what the user has rated (Shen et al., "How Powerful is Graph Convolution for
Recommendation?", CIKM 2021): high for movies that users who rated the same movies have rated. With the eigenvectors v_i
(FILTER_SIZE) and the number of ratings n_i of each movie, stored as rows r_i = v_i sqrt(n_i), it is
f_i = r_i . sum r_k / n_k over the rated movies k. By predicted rating alone, movies that few users know come first.

The sum of the two is ours: it ranks by f times an exponential of the predicted rating. `benchmarks/predictions.py`
measures what it recommends.
"""

from collections.abc import Sequence
from math import dist, log
from struct import Struct

from movierating.predictions.fold_in import Taste
from movierating.predictions.linear_algebra import dot
from movierating.predictions.model_file import CROSS, FILTER_SIZE, SIZE, WIDTH, ModelFile

# Per point: half a unit of the logarithm per star of two points.
PREDICTION_WEIGHT = 0.25
# The filter at its least, as a share of its greatest value among the candidates.
MIN_FILTER_SHARE = 1e-4
# Without ratings the filter is 0 for all but rounding errors, and predictions alone decide.
MIN_FILTER_VALUE = 1e-9
# The candidates whose ratings are predicted. A movie that the filter puts behind these is never recommended.
MAX_RANKED = 2000
_ROW = Struct(f"{FILTER_SIZE}f")


def rank_movies(model: ModelFile, taste: Taste, rated: Sequence[int], candidates: Sequence[int]) -> list[int]:
    """Return the best MAX_RANKED of `candidates`, best first.

    `taste` and `rated` are the user's; all movies are given by their rows. The caller leaves rated movies out of the
    candidates. 10,000 candidates take some 11 ms.
    """
    values = _compute_filter(model, _sum_rated(model, rated), candidates)
    if not values:
        return []
    floor = max(max(values) * MIN_FILTER_SHARE, MIN_FILTER_VALUE)
    least = sorted(values)[-MAX_RANKED:][0]
    moments, mean = model.moments, taste.mean
    scored = []
    for value, row in zip(values, candidates, strict=True):
        if value >= least:
            start = row * WIDTH
            prediction = moments[start + CROSS] + dot(moments[start : start + SIZE], mean)
            scored.append((log(max(value, floor)) + PREDICTION_WEIGHT * prediction, row))
    return [row for _, row in sorted(scored, reverse=True)]


def _sum_rated(model: ModelFile, rated: Sequence[int]) -> list[float]:
    """Return the sum (FILTER_SIZE) of r_k / n_k over the movies that a user has rated."""
    total = [0.0] * FILTER_SIZE
    for row in rated:
        count = model.movie_counts[row]
        values = model.filter_rows[row * FILTER_SIZE : (row + 1) * FILTER_SIZE]
        total = [previous + value / count for previous, value in zip(total, values, strict=True)]
    return total


def _compute_filter(model: ModelFile, rated_sum: Sequence[float], candidates: Sequence[int]) -> list[float]:
    """Return f of each candidate; `rated_sum` is what `_sum_rated` returns.

    In Python 3.11 only `math.dist` computes with two whole vectors, twice as fast as a sum of products. The product
    follows from it: |r - s|^2 = |r|^2 + |s|^2 - 2 r . s.
    """
    read, rows, norms = _ROW.unpack_from, model.filter_rows.cast("B"), model.filter_norms
    norm = dot(rated_sum, rated_sum)
    return [(norms[row] + norm - dist(rated_sum, read(rows, row * _ROW.size)) ** 2) / 2 for row in candidates]
