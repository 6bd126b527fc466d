"""Statistics of a user's ratings."""

import pytest

from movierating import clock
from movierating.ratings.service import rate_movie
from movierating.users import statistics


@pytest.fixture
def rate(member, add_movie):
    """`rate(8, "2020-05-01", year=1990)` adds a movie with these facts and rates it at this day."""

    def add(value, day="2020-05-01", **facts):
        movie = add_movie(**facts)
        rating = {"value": value, "rated_at": f"{day}T12:00:00Z"}
        assert member.put(f"/v1/movies/{movie}/rating", json=rating).status_code == 201
        return movie

    return add


def describe(groups):
    return [(group.name, group.count, group.mean, group.everyones_mean) for group in groups]


def test_groups_have_the_means_of_the_user_and_of_everyone(member, admin, rate):
    first = rate(8, year=1994, genres=["Drama", "War"])
    rate(5, year=1999, genres=["Drama"])
    rate(6, year=2001)
    admin.put(f"/v1/movies/{first}/rating", json={"value": 4})
    figures = statistics.read_statistics(member.id)
    assert describe(figures.decades) == [(1990, 2, 6.5, 5.5), (2000, 1, 6.0, 6.0)]
    assert describe(figures.genres) == [("Drama", 2, 6.5, 5.5), ("War", 1, 8.0, 6.0)]
    assert [group.name for group in figures.years] == [1994, 1999, 2001]


def test_periods_are_months_without_gaps(member, rate):
    for day in ("2020-11-30", "2020-11-01", "2021-01-01"):
        rate(5, day)
    figures = statistics.read_statistics(member.id)
    assert figures.periods == [("2020-11", 2), ("2020-12", 0), ("2021-01", 1)]
    assert figures.unit == "month"


def test_ratings_before_the_first_movies_are_left_out_of_the_periods(member, rate):
    for day in ("0001-01-01", "1889-12-31", "2021-01-01"):
        rate(5, day)
    assert statistics.read_statistics(member.id).periods == [("2021-01", 1)]


def test_ratings_after_tomorrow_are_left_out_of_the_periods(member, rate, add_movie):
    rate(5, "2021-01-01")
    # Only an import of our own export sets such times.
    for days in (3, 365 * 7000):
        rate_movie(member.id, add_movie(), 10, clock.now() + days * 24 * 60 * 60 * clock.SECOND)
    assert statistics.read_statistics(member.id).periods == [("2021-01", 1)]


def test_many_months_become_years(member, rate):
    rate(5, "2015-01-01")
    rate(5, "2018-12-31")
    figures = statistics.read_statistics(member.id)
    assert figures.periods == [("2015", 1), ("2016", 0), ("2017", 0), ("2018", 1)]
    assert figures.unit == "year"


def test_user_without_ratings_has_no_groups(member):
    assert statistics.read_statistics(member.id) == statistics.Statistics([], [], [], [])


def test_statistics_show_a_change_of_the_users_ratings_at_once(member, rate):
    movie = rate(8, year=1990)
    assert describe(statistics.read_statistics(member.id).decades) == [(1990, 1, 8.0, 8.0)]
    rate(4, year=1991)
    assert describe(statistics.read_statistics(member.id).decades) == [(1990, 2, 6.0, 6.0)]
    assert member.delete(f"/v1/movies/{movie}/rating").status_code == 204
    assert describe(statistics.read_statistics(member.id).decades) == [(1990, 1, 4.0, 4.0)]


# On PostgreSQL, the version changes with every transaction of the server.
@pytest.mark.sqlite
def test_unchanged_statistics_are_read_once(member, admin, rate, add_movie):
    rate(8)
    other = add_movie()
    first = statistics.read_statistics(member.id)
    assert admin.put(f"/v1/movies/{other}/rating", json={"value": 4}).status_code == 201
    assert statistics.read_statistics(member.id) is first
    assert statistics.read_statistics(admin.id) is not first


def test_everyones_histogram_counts_all_ratings(member, rate):
    rate(0.5)
    rate(10)
    statistics._read_histogram.cache_clear()
    assert statistics.read_everyones_histogram() == [1, *[0] * 18, 1]
