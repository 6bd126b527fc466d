"""SQLite's query plans for the pages of `movies.search`."""

import re

import pytest
from flask import Flask
from sqlalchemy import literal, update

from movierating import clock
from movierating.movies import search, search_index, search_plan
from movierating.movies.filter_parsers import parse_filters
from movierating.movies.models import Movie
from movierating.storage.database import write
from movies.query_plans import INDEXES, SORTED, Facts, Plan, make_english

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(("sort", "column"), [("-score", "score"), ("-count", "rating_count")])
def test_cursor_among_ties_seeks_by_id(plan: Plan, sort: str, column: str) -> None:
    write(lambda connection: connection.execute(update(Movie).values(rating_count=0, rating_sum=0)))
    seek = f"({column}=? AND prominence=? AND id<?)"
    assert plan({}, sort) == [f"SEARCH movie USING INDEX {INDEXES[sort]} {seek}"]


@pytest.mark.parametrize(("sort", "column"), [("-score", "score"), ("-count", "rating_count")])
def test_cursor_after_ties_seeks_by_prominence(plan: Plan, sort: str, column: str) -> None:
    values = {"rating_count": 0, "rating_sum": 0, "prominence": Movie.id}
    write(lambda connection: connection.execute(update(Movie).values(values)))
    seek = f"(({column},prominence)<(?,?))"
    assert plan({}, sort) == [f"SEARCH movie USING INDEX {INDEXES[sort]} {seek}"]


@pytest.mark.parametrize("sort", INDEXES)
def test_without_a_filter_every_sort_seeks_in_its_index(plan: Plan, sort: str) -> None:
    (step,) = plan({"genre": [], "min_count": 0}, sort)
    # By the cursor's place among its ties, or behind them.
    seek = r"\w+[<>]\?|\w+=\?( AND prominence=\?)? AND id[<>]\?"
    assert re.fullmatch(rf"SEARCH movie USING INDEX {INDEXES[sort]} \(({seek})\)", step)


@pytest.mark.parametrize(
    "filters",
    [
        {"genre": ["Drama"]},
        {"language": "fr"},
        {"genre": ["Drama", "Comedy"], "language": "fr"},
        {"director": "Agnes Varda"},
        {"q": "moon", "min_count": 1},
    ],
)
@pytest.mark.parametrize("sort", ["-score", "title", "-count"])
def test_index_of_the_sort_is_walked_if_many_movies_pass(plan: Plan, filters: Facts, sort: str) -> None:
    steps = plan(filters, sort)
    assert f"SEARCH movie USING INDEX {INDEXES[sort]} " in steps[0]
    assert SORTED not in steps


@pytest.mark.parametrize(
    ("sort", "is_walk"), [("title", True), ("-score", True), ("year", False), ("-year", False)]
)
def test_a_walk_by_year_may_miss_the_decades_of_a_language(plan: Plan, sort: str, is_walk: bool) -> None:
    make_english(40)
    kinds, values = parse_filters({"language": "en"})
    column = search._SORTS[sort].columns[0].name
    assert (search_plan.choose_plan(kinds, values, column, 20).sorted_filter is None) == is_walk


@pytest.mark.parametrize("sort", [*INDEXES, "relevance"])
@pytest.mark.parametrize(
    "filters",
    [{"q": "moon"}, {"q": "moon", "genre": ["Drama"], "year_from": 1995, "year_to": 2010, "min_count": 5}],
)
def test_every_sort_walks_its_index_if_too_many_movies_pass(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, filters: Facts, sort: str
) -> None:
    monkeypatch.setattr(search_plan, "MAX_SORTED", 50)
    steps = plan(filters, sort)
    assert INDEXES.get(sort, "ix_movie_count") in steps[0]
    assert SORTED not in steps


def test_counts_are_cached_for_ten_seconds(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1e6
    monkeypatch.setattr(clock.time, "monotonic", lambda: now)
    counted: list[str] = []
    count = search_plan._count
    monkeypatch.setattr(
        search_plan, "_count", lambda *kind: counted.append("".join(kind[:1])) or count(*kind)
    )
    for sort, new in (
        ("-score", ["", "words"]),
        ("title", []),
        ("relevance", ["whole title", "title start"]),
        ("relevance", []),
    ):
        search.search_movies({"q": "moon"}, sort, None, 1)
        assert counted == new
        counted.clear()
    now += search_plan._COUNT_LIFETIME_SECONDS
    search.search_movies({"q": "moon"}, "-score", None, 1)
    assert counted == ["", "words"]


@pytest.mark.parametrize(
    ("q", "is_common"), [("moon", True), ("moon 1", False), ("moön", True), ("ж", False)]
)
@pytest.mark.parametrize("sort", ["-score", "title"])
def test_matches_of_a_common_word_are_not_listed(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, q: str, is_common: bool, sort: str
) -> None:
    monkeypatch.setattr(search_plan, "MAX_SORTED", 50)
    monkeypatch.setattr(search_plan, "_SCAN_COST", 0.01)
    write(lambda connection: connection.execute(update(search_index.MOVIE_SEARCH).values(directors="ж")))
    steps = plan({"q": q}, sort)
    by_movie = any(step.startswith("SCAN movie_search VIRTUAL TABLE INDEX 0:=") for step in steps)
    assert (by_movie, "LIST SUBQUERY" in str(steps)) == (is_common, not is_common)


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize(("q", "are_listed"), [("moon", False), ("moon varda", True)])
def test_cost_of_a_plan_contains_the_matches_that_it_lists(q: str, are_listed: bool) -> None:
    kinds, values = parse_filters({"q": q})
    cost = search_plan.choose_plan(kinds, values, "score", 1).cost
    # All 300 movies match, and a walk tests two.
    assert (cost > 300 * search_plan._LIST_COSTS["words"]) is are_listed


@pytest.mark.parametrize(("read_cost", "are_listed"), [(0.01, False), (1000, True)])
@pytest.mark.parametrize("q", ["moon", "the moon"])
def test_titles_that_start_with_a_text_are_listed_unless_many_do(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, q: str, read_cost: float, are_listed: bool
) -> None:
    monkeypatch.setattr(search_plan, "MAX_SORTED", 50)
    monkeypatch.setattr(search_plan, "_SCAN_COST", read_cost)
    if q == "the moon":
        titles = {"title_key": literal("the ") + Movie.title_key}
        write(lambda connection: connection.execute(update(Movie).values(titles)))
        write(
            lambda connection: connection.execute(update(search_index.MOVIE_SEARCH).values(title="the moon"))
        )
    steps = plan({"q": q}, "relevance")
    assert "ix_movie_count" in steps[0]
    titles_index = "SEARCH movie USING COVERING INDEX ix_movie_title (title_key>? AND title_key<?)"
    assert (titles_index in steps) == are_listed


@pytest.mark.parametrize("filters", [{"year": 1995}, {"year": 1995, "language": "fr"}])
@pytest.mark.parametrize("sort", ["year", "-year"])
def test_a_walk_by_year_passes_only_the_movies_of_a_year(plan: Plan, filters: Facts, sort: str) -> None:
    (step,) = plan(filters, sort)
    assert (
        step
        == f"SEARCH movie USING INDEX ix_movie_year (year_rank=? AND id{'<' if sort == '-year' else '>'}?)"
    )


@pytest.mark.parametrize("sort", ["year", "-year"])
def test_a_walk_by_year_starts_and_ends_with_the_range_of_years(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(search_plan, "MAX_SORTED", 50)
    (step,) = plan({"year_from": 1995, "year_to": 2010}, sort)
    seeks = ("year_rank>? AND year_rank<?", f"year_rank=? AND id{'<' if sort == '-year' else '>'}?")
    assert step in [f"SEARCH movie USING INDEX ix_movie_year ({seek})" for seek in seeks]
