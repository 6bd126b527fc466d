"""`movies.search` compared with plain Python, for any movies, filters, sorts and page sizes."""

import functools
import itertools
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, update

from movierating.movies import search, search_index, search_plan, service
from movierating.movies.models import Movie, MovieFacet, MovieTitle
from movierating.movies.titles import fold, match_key
from movierating.rating_stats import calculate_score
from movierating.storage.database import write

Facts: TypeAlias = dict[str, Any]

imdb_ids = (f"tt{number:07}" for number in itertools.count(1))

FACTS = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Moon", "The Moon", "Moonlight", "L'Été", "$", "Third-Man (Moon)"]),
        "original_title": st.sampled_from([None, "Été", "Księżyc"]),
        "alternative_titles": st.lists(st.sampled_from(["La Lune", "Moon (1999)"]), unique=True),
        "year": st.sampled_from([None, 1999, 2000, 2001]),
        "genres": st.lists(st.sampled_from(["Drama", "Comedy", "Horror"]), unique=True),
        "directors": st.lists(st.sampled_from(["Agnès Varda", "Moon Ra"]), unique=True),
        "language": st.sampled_from([None, "en", "fr"]),
        "country": st.sampled_from([None, "FR", "SU"]),
        "runtime_minutes": st.sampled_from([None, 1, 90, 5000]),
        "rating": st.sampled_from([(0, 0), (1, 14), (2, 28), (2, 3), (3, 60)]),
    }
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "q": st.sampled_from(
            [
                "moon",
                "the m",
                "MÖON",
                "varda",
                "ete moon",
                "$",
                'moon" OR "the',
                "m",
                "ksiez",
                "lune",
                "moon l",
            ]
        ),
        "genre": st.lists(st.sampled_from(["Drama", "Comedy"]), max_size=2),
        "year": st.sampled_from([1999, 2000]),
        "year_from": st.sampled_from([0, 2000, 2001]),
        "year_to": st.sampled_from([0, 2000, 2001]),
        "language": st.sampled_from(["en", "fr"]),
        "director": st.sampled_from(["agnes VARDA", "Varda"]),
        "min_count": st.sampled_from([0, 1, 2]),
        "exclude_genre": st.lists(st.sampled_from(["Drama", "Comedy"]), max_size=2),
        "country": st.sampled_from(["FR", "SU"]),
        "runtime_from": st.sampled_from([1, 90, 91]),
        "runtime_to": st.sampled_from([1, 89, 5000]),
        "min_score": st.sampled_from([0, 6.5, calculate_score(2, 28), 6.9, 10]),
        # Positions, of which the test makes ids.
        "ids": st.lists(st.integers(0, 12), min_size=1, max_size=5),
    },
)
PASSES: dict[str, Callable[[Facts, Any], bool]] = {
    "q": lambda movie, q: has_words(movie, q) if words(q) else fold(movie["title"]) == q,
    "genre": lambda movie, genres: set(genres) <= set(movie["genres"]),
    "year": lambda movie, year: movie["year"] == year,
    "year_from": lambda movie, year: movie["year"] is not None and movie["year"] >= year,
    "year_to": lambda movie, year: movie["year"] is not None and movie["year"] <= year,
    "language": lambda movie, language: movie["language"] == language,
    "director": lambda movie, name: fold(name) in map(fold, movie["directors"]),
    "min_count": lambda movie, count: movie["rating"][0] >= count,
    "exclude_genre": lambda movie, genres: not set(genres) & set(movie["genres"]),
    "country": lambda movie, country: movie["country"] == country,
    "runtime_from": lambda movie, minutes: (movie["runtime_minutes"] or 0) >= minutes,
    "runtime_to": lambda movie, minutes: (movie["runtime_minutes"] or 9999) <= minutes,
    "min_score": lambda movie, score: calculate_score(*movie["rating"]) >= score,
    "ids": lambda movie, ids: movie["id"] in ids,
}
KEYS: dict[str, Callable[[Facts], Any]] = {
    "-score": lambda movie: calculate_score(*movie["rating"]),
    "-mean": lambda movie: movie["rating"][1] / (movie["rating"][0] or 1),
    "-count": lambda movie: movie["rating"][0],
    "title": lambda movie: fold(movie["title"]),
    "year": lambda movie: movie["year"] or 0,
    "-year": lambda movie: movie["year"] or 0,
    "-created_at": lambda movie: 0,  # so it is by id
}


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", fold(text))


def has_words(movie: Facts, q: str) -> bool:
    titles = [movie["title"], movie["original_title"] or "", *movie["alternative_titles"]]
    of_movie = words(" ".join([*titles, *movie["directors"]]))
    *whole, unfinished = words(q)
    return set(whole) <= set(of_movie) and any(word.startswith(unfinished) for word in of_movie)


def passes(movie: Facts, filters: Facts) -> bool:
    return all(PASSES[name](movie, value) for name, value in filters.items())


def with_ids(filters: Facts, movies: dict[int, Facts]) -> Facts:
    """Return the filters with ids instead of positions; those behind the last movie are of none."""
    if "ids" not in filters:
        return filters
    ids = [*movies, *range(10**9, 10**9 + 13)]
    return {**filters, "ids": [ids[position] for position in filters["ids"]]}


def in_order(movies: dict[int, Facts], filters: Facts, sort: str) -> list[int]:
    """Return the ids of a search."""
    ids = [movie_id for movie_id, movie in movies.items() if passes({**movie, "id": movie_id}, filters)]
    return sorted(ids, key=lambda n: (KEYS[sort](movies[n]), n), reverse=sort.startswith("-"))


def by_relevance(movies: dict[int, Facts], filters: Facts) -> list[int]:
    """Return the ids of a search by relevance."""
    text = fold(filters["q"])
    titles = {n: fold(movie["title"]) for n, movie in movies.items()}

    def get_tier(movie_id: int) -> int:
        title = titles[movie_id]
        if title.startswith(text):
            return 0 if title == text else 1
        return 0 if title in (f"the {text}", f"l'{text}") else 2

    return sorted(in_order(movies, filters, "-count"), key=get_tier)


PROPERTY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
MAX_SORTED = st.sampled_from([0, 2, 10_000])
CHANGE = st.fixed_dictionaries(
    {"how": st.sampled_from(["add", "remove", "rate"]), "which": st.integers(0, 9), "facts": FACTS}
)


@pytest.fixture
def fresh(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Facts], int], dict[int, Facts]]:
    """`fresh(movies, max_sorted)` leaves only these in the database; they are returned by id."""

    def make(movies: list[Facts], max_sorted: int) -> dict[int, Facts]:
        monkeypatch.setattr(search_plan, "MAX_SORTED", max_sorted)
        # Where nothing is sorted, each word is taken for a common one.
        monkeypatch.setattr(search_plan, "_SCAN_COST", 2.0 if max_sorted else 0.0)

        def job(connection: Connection) -> dict[int, Facts]:
            for table in (MovieFacet, MovieTitle, search_index.MOVIE_SEARCH, Movie):
                connection.execute(delete(table))
            return {add(connection, movie): movie for movie in movies}

        return write(job)

    return make


@PROPERTY
@given(st.lists(FACTS, max_size=12), FILTERS, st.sampled_from(search.SORTS), st.integers(1, 5), MAX_SORTED)
def test_pages_contain_all_movies_that_pass_in_order(
    fresh: Any, list_ids: Any, facts: list[Facts], filters: Facts, sort: str, limit: int, max_sorted: int
) -> None:
    movies = fresh(facts, max_sorted)
    filters = with_ids(filters, movies)
    if sort == "relevance":
        filters = {"q": "moon", **filters}
        assert list_ids(filters, sort, limit) == by_relevance(movies, filters)
    else:
        assert list_ids(filters, sort, limit) == in_order(movies, filters, sort)


@PROPERTY
@given(
    st.lists(FACTS, min_size=4, max_size=10),
    FILTERS,
    st.sampled_from(sorted(KEYS)),
    st.integers(1, 3),
    MAX_SORTED,
    st.lists(CHANGE, max_size=4),
)
def test_changes_between_pages_move_no_other_movie(
    fresh: Any,
    facts: list[Facts],
    filters: Facts,
    sort: str,
    limit: int,
    max_sorted: int,
    changes: list[Any],
) -> None:
    movies = fresh(facts, max_sorted)
    filters = with_ids(filters, movies)
    steady = in_order(movies, filters, sort)
    ids: list[int] = []
    rows, cursor = search.search_movies(filters, sort, None, limit)
    while True:
        ids += [row[0] for row in rows]
        if cursor is None:
            break
        if changes:
            changed = write(functools.partial(change, movie_ids=list(movies), **changes.pop()))
            steady = [movie_id for movie_id in steady if movie_id != changed]
        rows, cursor = search.search_movies(filters, sort, cursor, limit)
    assert [movie_id for movie_id in ids if movie_id in steady] == steady


def change(connection: Connection, movie_ids: list[int], how: str, which: int, facts: Facts) -> int:
    """Add, remove or rate a movie; its id."""
    movie_id = movie_ids[which % len(movie_ids)]
    if how == "add":
        return add(connection, facts)
    if how == "remove":
        search_index.remove_movie(connection, movie_id)
        connection.execute(delete(Movie).where(Movie.id == movie_id))
    else:
        rate(connection, movie_id, *facts["rating"])
    return movie_id


def add(connection: Connection, facts: Facts) -> int:
    """Add a movie; its `rating` is (count, sum in half points)."""
    known = {name: value for name, value in facts.items() if name not in ("rating", "alternative_titles")}
    movie_id = service.insert_movie(connection, {"imdb_id": next(imdb_ids), **known})
    for title in facts["alternative_titles"]:
        row = {"movie_id": movie_id, "title": title, "match_key": match_key(title), "source": "catalogue"}
        connection.execute(insert(MovieTitle).values(row))
    search_index.update_text(connection, [movie_id])
    rate(connection, movie_id, *facts["rating"])
    return movie_id


def rate(connection: Connection, movie_id: int, count: int, total: int) -> None:
    sums = {"rating_count": count, "rating_sum": total}
    connection.execute(update(Movie).where(Movie.id == movie_id).values(sums))
