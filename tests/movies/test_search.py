import itertools
from collections.abc import Callable
from typing import Any, TypeAlias

import orjson
import pytest
from sqlalchemy import update

from movierating.errors import InvalidRequest
from movierating.movies import movie_json, search, search_plan, service
from movierating.movies.models import Movie
from movierating.ratings import aggregates
from movierating.storage.database import write

AddMovie: TypeAlias = Callable[..., int]


MATCHING = [
    "amelie",
    "AMÉLIE montmart",
    "fabuleux destin amelie",
    "jeunet amelie",
    "amelie-from!",
    "amelie_from",
]
MATCHING += ['"amelie', "amelie*", "^amelie", "amelie from montmartre", "jeunet", "poul"]
NOT_MATCHING = [
    "amel jeunet",
    "amelie tautou",
    "amelie: (2001)",
    "title:amelie",
    "amelie OR tautou",
    "NOT tautou",
]
NOT_MATCHING += ["lie", "*", "ontmartre"]


@pytest.mark.parametrize(("q", "hit"), [*((q, True) for q in MATCHING), *((q, False) for q in NOT_MATCHING)])
@pytest.mark.parametrize("is_common", [False, True])
def test_q_matches_every_word_and_ignores_syntax_case_and_accents(
    list_ids: Any, add_movie: AddMovie, monkeypatch: pytest.MonkeyPatch, q: str, hit: bool, is_common: bool
) -> None:
    if is_common:
        monkeypatch.setattr(search_plan, "MAX_SORTED", 0)
        monkeypatch.setattr(search_plan, "_SCAN_COST", 0.0)
    amelie = add_movie(
        title="Amélie from Montmartre",
        original_title="Le Fabuleux Destin d'Amélie Poulain",
        directors=["Jean-Pierre Jeunet"],
    )
    assert list_ids({"q": q}) == [amelie] * hit


@pytest.mark.parametrize("q", ["der pate", "padrino", "PATÉ 1972", "godfather padri"])
@pytest.mark.parametrize("sort", ["relevance", "-score", "title"])
@pytest.mark.parametrize("is_common", [False, True])
def test_q_finds_alternative_titles(
    *,
    list_ids: Any,
    add_movie: AddMovie,
    add_titles: Any,
    monkeypatch: Any,
    q: str,
    sort: str,
    is_common: bool,
) -> None:
    if is_common:
        monkeypatch.setattr(search_plan, "MAX_SORTED", 0)
        monkeypatch.setattr(search_plan, "_SCAN_COST", 0.0)
    movie, _ = add_movie(title="The Godfather"), add_movie(title="The Godmother")
    add_titles(movie, "Der Pate (1972)", "El padrino")
    assert list_ids({"q": q}, sort) == [movie]


@pytest.mark.parametrize("title", ["$", "...", "!!!", "★", "_"])
def test_q_without_a_word_is_a_whole_title(list_ids: Any, add_movie: AddMovie, title: str) -> None:
    movie_id, _ = add_movie(title=title), add_movie(title=f"{title} {title}")
    assert list_ids({"q": title}) == list_ids({"q": f" {title} "}, "relevance") == [movie_id]


def test_relevance_puts_exact_titles_first_then_beginnings_then_the_most_rated(
    list_ids: Any, add_movie: AddMovie
) -> None:
    counts = {"Alien": 2, "ALIÉN": 0, "Alien: Covenant": 3, "Aliens": 1, "The Alien Factor": 9}
    movies = [add_movie(title=title, year=2000 + count) for title, count in counts.items()]
    for movie_id, count in zip(movies, counts.values(), strict=True):
        for _ in range(count):
            write(lambda connection, rated=movie_id: aggregates.apply_delta(connection, 0, rated, None, 20))
    assert list_ids({"q": "Alien"}, "relevance", 2) == movies


@pytest.mark.parametrize("limit", [1, 2, 10])
@pytest.mark.parametrize("filters", [{}, {"q": "moon"}, {"language": "fr"}], ids=str)
@pytest.mark.parametrize("sort", ["-score", "-count", "relevance"])
def test_prominence_breaks_ties(
    list_ids: Any, add_movie: AddMovie, filters: dict[str, Any], sort: str, limit: int
) -> None:
    if sort == "relevance":
        filters = {"q": "moon", **filters}
    prominences = [40, 0, 90, 40, 7]
    movies = [add_movie(title=f"The Moon {n}", language="fr") for n in range(len(prominences))]
    for movie_id, prominence in zip(movies, prominences, strict=True):
        statement = update(Movie).where(Movie.id == movie_id).values(prominence=prominence)
        write(lambda connection, statement=statement: connection.execute(statement))
    write(lambda connection: aggregates.apply_delta(connection, 0, movies[4], None, 20))
    assert list_ids(filters, sort, limit) == [movies[n] for n in (4, 2, 3, 0, 1)]


def test_a_movie_of_unknown_year_is_in_no_range_of_years(list_ids: Any, add_movie: AddMovie) -> None:
    add_movie(year=None)
    dated = add_movie(year=1950)
    for filters in ({"year_to": 1960}, {"year_from": -1}, {"year_from": 0, "min_count": 0}):
        assert list_ids(filters) == [dated]


def test_rows_contain_the_whole_movie_in_every_plan(list_ids: Any, add_movie: AddMovie) -> None:
    movie = add_movie(title="Moon", genres=["Drama"])
    for filters in ({}, {"genre": ["Drama"]}, {"q": "moon"}):
        (row,), _ = search.search_movies(filters, "-score", None, 1)
        shown = [orjson.dumps(movie_json.serialize_movie(each)) for each in (row, service.get_movie(movie))]
        assert shown[0] == shown[1]


@pytest.fixture
def cursors(add_movie: AddMovie) -> dict[str, str]:
    """By sort, the cursor of a list of two movies between them."""
    for year in (2000, 2001):
        add_movie(title="Moon", year=year, genres=["Drama"])
    return {sort: str(search.search_movies({"q": "moon"}, sort, None, 1)[1]) for sort in search.SORTS}


def test_cursor_is_rejected_by_every_other_sort(cursors: dict[str, str]) -> None:
    for sort, other in itertools.permutations(search.SORTS, 2):
        with pytest.raises(InvalidRequest):
            search.search_movies({"q": "moon"}, sort, cursors[other], 1)


OTHER_FILTERS: list[dict[str, Any]] = [
    {},
    {"q": "moo"},
    {"q": "moon", "genre": ["Drama"]},
    {"q": "moon", "year": 2000},
    {"q": "moon", "year_from": 1999},
    {"q": "moon", "min_count": 1},
]


@pytest.mark.parametrize("filters", OTHER_FILTERS, ids=str)
def test_cursor_is_rejected_with_other_filters(cursors: dict[str, str], filters: dict[str, Any]) -> None:
    for sort in set(search.SORTS) - ({"relevance"} if "q" not in filters else set()):
        with pytest.raises(InvalidRequest):
            search.search_movies(filters, sort, cursors[sort], 1)


@pytest.mark.parametrize("max_sorted", [1, 10_000])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"q": "moon"}, {"q": "MÖON", "min_count": 0}),
        ({"genre": ["Drama", "Comedy"]}, {"genre": ["Comedy", "Drama", "Drama"]}),
        ({"director": "Agnès Varda"}, {"director": "agnes VARDA"}),
        ({"year_to": 2000}, {"year_from": -5, "year_to": 2000}),
    ],
    ids=str,
)
def test_cursor_continues_the_same_filters_in_another_spelling(
    *, add_movie: AddMovie, monkeypatch: Any, first: dict[str, Any], second: dict[str, Any], max_sorted: int
) -> None:
    for year in (1999, 2000):
        add_movie(title="Moon", year=year, genres=["Drama", "Comedy"], directors=["Agnès Varda"])
    monkeypatch.setattr(search_plan, "MAX_SORTED", max_sorted)
    for sort in set(search.SORTS) - {"relevance"}:
        _, cursor = search.search_movies(first, sort, None, 1)
        rows, cursor = search.search_movies(second, sort, cursor, 1)
        assert (len(rows), cursor) == (1, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("max_sorted", [0, 10_000])
def test_relevance_continues_from_one_group_of_titles_to_the_next(
    list_ids: Any, add_movie: AddMovie, monkeypatch: pytest.MonkeyPatch, max_sorted: int, limit: int
) -> None:
    monkeypatch.setattr(search_plan, "MAX_SORTED", max_sorted)
    titles = ["My Moon", "Moonlight", "Moon", "Blue Moon", "Moon Rise"]
    ids = {title: add_movie(title=title, year=2000) for title in titles}
    expected = [ids[title] for title in ("Moon", "Moon Rise", "Moonlight", "Blue Moon", "My Moon")]
    assert list_ids({"q": "moon"}, "relevance", limit) == expected


@pytest.mark.parametrize(
    ("q", "titles"),
    [
        ("godfather", ["Godfather", "The Godfather", "Godfather Mine", "The Godfather Part II"]),
        ("The Godfather", ["The Godfather", "The Godfather Part II"]),
        ("aventure", ["L'Aventure", "Une Aventure", "Aventure II", "L'Aventure II"]),
        ("жест", ["The Жест", "Жесты", "A Жест II"]),
        ("a", ["A", "A A", "And", "The A Team"]),
        ("l", ["L", "The L", "L'L", "Of L"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 3, 10])
@pytest.mark.parametrize("max_sorted", [0, 10_000])
def test_relevance_prefers_titles_that_differ_by_a_leading_article(
    list_ids: Any,
    add_movie: AddMovie,
    monkeypatch: pytest.MonkeyPatch,
    *,
    q: str,
    titles: list[str],
    limit: int,
    max_sorted: int,
) -> None:
    monkeypatch.setattr(search_plan, "MAX_SORTED", max_sorted)
    # The later of two titles that are alike comes first.
    movies = [add_movie(title=title) for title in reversed(titles)]
    assert list_ids({"q": q}, "relevance", limit) == movies[::-1]


def test_last_page_by_relevance_has_no_cursor(app: Any, add_movie: AddMovie) -> None:
    for title in ("Moon", "The Moon"):
        add_movie(title=title)
    for q, movies in (("moon", 2), ("the moon", 1)):
        rows, cursor = search.search_movies({"q": q}, "relevance", None, movies)
        assert (len(rows), cursor) == (movies, None)


def test_default_sort_is_relevance_with_q_and_score_without(app: Any, add_movie: AddMovie) -> None:
    other, exact = add_movie(title="The Alien Factor"), add_movie(title="Alien")
    write(lambda connection: aggregates.apply_delta(connection, 0, other, None, 20))
    for filters, ids in (({"q": "alien"}, [exact, other]), ({}, [other, exact])):
        assert [row[0] for row in search.search_movies(filters, None, None, 2)[0]] == ids


@pytest.mark.parametrize("filters", [{}, {"genre": ["Drama"]}])
def test_relevance_without_q_is_rejected(app: Any, filters: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as error_info:
        search.search_movies(filters, "relevance", None, 1)
    assert [(error.location, error.field) for error in error_info.value.errors or []] == [("query", "sort")]
