from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from movierating import rating_stats
from movierating.movies.models import Movie
from movierating.storage.database import read, write


@st.composite
def counts_and_sums(draw):
    count = draw(st.integers(1, 10_000_000))
    return count, draw(st.integers(count, 20 * count))


@pytest.mark.parametrize(
    ("count", "half_points", "mean"),
    [
        (0, 0, None),
        (1, 1, 0.5),
        (2, 31, 7.75),
        (3, 40, 6.67),
        (8, 101, 6.31),  # 6.3125
        (100, 1001, 5.01),  # 5.005, which as a double is a little less
        (40, 401, 5.01),  # 5.0125
        (16, 129, 4.03),  # 4.03125
        (400, 40 * 20 + 202, 1.25),  # 1.2525
    ],
)
def test_mean_is_rounded_half_up_to_two_decimals(count, half_points, mean):
    assert rating_stats.calculate_mean(count, half_points) == mean


@given(counts_and_sums())
def test_mean_is_rounded_from_exact_numbers(rated):
    count, half_points = rated
    exact = Fraction(half_points, 2 * count)
    assert rating_stats.calculate_mean(count, half_points) == float(
        Fraction(floor(exact * 100 + Fraction(1, 2)), 100)
    )


@pytest.mark.parametrize(
    ("count", "half_points", "score"),
    [
        (0, 0, 6.5),
        (1, 20, 172.5 / 26),
        (1, 1, 163 / 26),
        (25, 500, 8.25),
        (1_000_000, 20_000_000, 9.9999125021874453),
    ],
)
def test_score_is_weighted_with_25_ratings_of_6_5(count, half_points, score):
    assert rating_stats.calculate_score(count, half_points) == pytest.approx(score, rel=1e-15)


@given(counts_and_sums())
def test_score_is_the_double_nearest_to_the_exact_value(rated):
    count, half_points = rated
    exact = (25 * Fraction(13, 2) + Fraction(half_points, 2)) / (25 + count)
    assert rating_stats.calculate_score(count, half_points) == float(exact)


@pytest.mark.parametrize(
    "rated", [(0, 0), (1, 1), (3, 50), (7, 99), (47_000, 812_345), (10_000_000, 123_456_789)]
)
def test_database_calculates_the_same_score_and_mean(add_movie, rated):
    movie_id, (count, half_points) = add_movie(), rated
    write(
        lambda connection: connection.execute(
            update(Movie).where(Movie.id == movie_id).values(rating_count=count, rating_sum=half_points)
        )
    )
    score, mean = read().execute(select(Movie.score, Movie.mean_rank).where(Movie.id == movie_id)).one()
    assert score == rating_stats.calculate_score(count, half_points)
    assert mean == (half_points / (2 * count) if count else 0)


def test_format_stats_has_the_histogram_in_order():
    values = [3, 42, *range(20)]
    expected = {"count": 3, "mean": 7.0, "histogram": list(range(20))}
    assert rating_stats.format_stats(values) == expected
    assert rating_stats.format_stats_with_score(values) == {
        **expected,
        "score": rating_stats.calculate_score(3, 42),
    }
