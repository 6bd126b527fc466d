"""SQLite's query plans for pages whose movies are looked up by a filter and sorted."""

import math

import pytest
from sqlalchemy import update

from movierating.movies import search_plan
from movierating.movies.models import Movie
from movierating.storage.database import write
from movies.query_plans import SORTED, Facts, Plan, make_english

pytestmark = pytest.mark.sqlite


def without_last_sort(steps: list[str]) -> list[str]:
    """Leave out the sort of the whole movies: SQLite 3.53 keeps the order of the page instead."""
    return steps[:-1] if steps[-1] == SORTED else steps


@pytest.fixture
def _sorts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_plan, "_plan_walk", lambda *_: search_plan.Plan(math.inf, (), None))


@pytest.mark.usefixtures("_sorts_only")
@pytest.mark.parametrize("sort", ["title", "-count", "-year"])
@pytest.mark.parametrize(
    ("filters", "narrowest"),
    [
        ({"director": "Agnes Varda", "language": "fr"}, "ix_movie_facet_facet (facet=?)"),
        ({"q": "moon 1", "language": "fr"}, "movie_search VIRTUAL TABLE"),
    ],
)
def test_movies_of_the_most_selective_filter_are_sorted_if_a_walk_costs_more(
    plan: Plan, filters: Facts, narrowest: str, sort: str
) -> None:
    _, by_id, _, gathered, *others, page, whole_movies = without_last_sort(plan(filters, sort))
    assert by_id == whole_movies == "SEARCH movie USING INTEGER PRIMARY KEY (rowid=?)"
    assert narrowest in gathered
    assert others[-1] == SORTED
    assert page.startswith("SCAN anon")


@pytest.mark.usefixtures("_sorts_only")
@pytest.mark.parametrize("sort", ["title", "-score", "-year"])
@pytest.mark.parametrize(
    ("filters", "narrowest"),
    [
        ({"year": 2000}, "ix_movie_year (year_rank=?)"),
        (
            {"genre": ["Drama"], "year": 2000, "q": "moon", "min_count": 1},
            "ix_movie_year (year_rank=?)",
        ),
        (
            {"year_from": 2000, "year_to": 2001, "language": "fr"},
            "ix_movie_year (year_rank>? AND year_rank<?)",
        ),
        ({"min_count": 45, "language": "fr"}, "ix_movie_count (rating_count>?)"),
        ({"q": "$", "language": "fr"}, "ix_movie_title (title_key=?)"),
    ],
)
def test_movies_of_a_column_are_tested_in_its_index_before_they_are_sorted(
    plan: Plan, filters: Facts, narrowest: str, sort: str
) -> None:
    if filters.get("q") == "$":
        write(lambda connection: connection.execute(update(Movie).where(Movie.id < 9).values(title_key="$")))
    _, gathered, *_, page, whole_movies = without_last_sort(plan(filters, sort))
    assert gathered.replace("COVERING ", "") == f"SEARCH movie USING INDEX {narrowest}"
    assert page.startswith("SCAN anon")
    assert whole_movies == "SEARCH movie USING INTEGER PRIMARY KEY (rowid=?)"


@pytest.mark.usefixtures("_sorts_only")
def test_column_is_looked_up_if_few_movies_pass_the_other_filters(plan: Plan) -> None:
    make_english(50)
    steps = plan({"year_from": 1995, "year_to": 2001, "language": "en"}, "title")
    assert steps[1] == "SEARCH movie USING INDEX ix_movie_year (year_rank>? AND year_rank<?)"
