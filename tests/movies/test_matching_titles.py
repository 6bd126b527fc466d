"""Which movie a row means by its titles and year: other spellings, alternative titles, and candidates."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import insert

from movierating.movies.matching import AmbiguousMovie, MovieMatcher
from movierating.movies.models import MovieTitle
from movierating.movies.movie_index import MAX_CANDIDATES
from movierating.movies.movie_query import MovieQuery
from movierating.movies.titles import match_key
from movierating.storage.database import read, write


def match(imdb_id=None, tmdb_id=None, *titles, year=None, queries=()) -> int | None:
    """Return the id of the movie that a row finds, among the movies of `queries`, or of the row."""
    query = MovieQuery(imdb_id, tmdb_id, titles, year)
    found = MovieMatcher(read(), queries or [query]).find_and_claim(query)
    return None if found is None else found[0]


def list_candidates(*titles, year=None, imdb_id=None, tmdb_id=None) -> list[int]:
    query = MovieQuery(imdb_id, tmdb_id, titles, year)
    matcher = MovieMatcher(read(), [query])
    assert matcher.find_and_claim(query) is None
    matcher.load_candidates([query])
    return matcher.list_candidates(query)


@pytest.fixture
def add_alternative(app) -> Callable[[int, str], None]:
    """`add_alternative(movie_id, "Se7en")` adds an alternative title."""

    def add(movie_id: int, title: str) -> None:
        row = {"movie_id": movie_id, "title": title, "match_key": match_key(title), "source": "catalogue"}
        write(lambda connection: connection.execute(insert(MovieTitle).values(row)))

    return add


def test_title_without_marks_matches(add_movie):
    godfather = add_movie(title="The Godfather Part II", year=1974)
    assert match(None, None, "The Godfather: Part II", year=1974) == godfather
    assert match(None, None, "Godfather, Part 2", year=1974) == godfather
    assert match(None, None, "The Godfather", year=1974) is None


def test_alternative_title_matches(add_movie, add_alternative):
    seven = add_movie(title="Seven", year=1995, imdb_id="tt0114369")
    add_alternative(seven, "Se7en")
    for queries in (None, [MovieQuery(titles=("SE7EN",))]):
        assert match(None, None, "se7en!", year=1995, queries=queries) == seven
        assert match(None, None, "Se7en", year=1996, queries=queries) is None


def test_same_spelling_wins_over_same_match_key_and_that_over_an_alternative_title(
    add_movie, add_alternative
):
    plain, marked = add_movie(title="Spiderman", year=2002), add_movie(title="Spider-Man", year=2002)
    assert match(None, None, "Spider-Man", year=2002) == marked
    assert match(None, None, "spiderman", year=2002) == plain
    with pytest.raises(AmbiguousMovie, match="more than one movie"):
        match(None, None, "Spider Man", year=2002)
    other = add_movie(title="Other", year=2002)
    for title in ("Spider-Man", "Third"):
        add_alternative(other, title)
    assert match(None, None, "Spider-Man", year=2002) == marked
    third = add_movie(title="The Third", year=2002)
    assert match(None, None, "Third", year=2002) == third


def test_of_two_movies_the_one_that_has_both_titles_matches(add_movie):
    add_movie(title="Hidden", year=2005, imdb_id="tt0000001")
    cache = add_movie(title="Hidden", original_title="Caché", year=2005, imdb_id="tt0000002")
    assert match(None, None, "Hidden", "Caché", year=2005) == cache


def test_titles_of_two_movies_are_ambiguous(add_movie):
    both = [add_movie(title="Hidden", year=2005), add_movie(title="Caché", year=2005)]
    with pytest.raises(AmbiguousMovie) as caught:
        match(None, None, "Hidden", "Caché", year=2005)
    assert caught.value.movie_ids == both


@pytest.mark.parametrize("year", [1994, 1996])
@pytest.mark.parametrize("titles", [("heat!",), ("ÉLAN",), ("Chaleur", "Elan")])
def test_movie_a_year_off_is_a_candidate(heat, titles, year):
    assert list_candidates(*titles, year=year) == [heat]


def test_without_a_year_each_movie_of_the_title_is_a_candidate(heat, add_movie, add_alternative):
    older = add_movie(title="Heat!", year=1986, imdb_id="tt0091181")
    bare, alternative = add_movie(title="HEAT", year=1972), add_movie(title="Hot", year=1963)
    add_alternative(alternative, "Heat")
    add_movie(title="Heat: The Return", year=1995)
    assert list_candidates("heat", "Chaleur") == [heat, older, bare, alternative]
    assert list_candidates("Heat", imdb_id="tt7000001") == [bare, alternative]
    assert list_candidates("Heat 2") == []


def test_without_a_year_candidates_are_limited(add_movie):
    added = [add_movie(title="Emma", year=1950 + number) for number in range(MAX_CANDIDATES + 2)]
    assert list_candidates("Emma") == added[:MAX_CANDIDATES]


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("Star Wars: Episode IV - A New Hope", "Star Wars"),
        ("Star Wars: Episode IV - A New Hope", "A New Hope"),
        ("Star Wars: Episode IV - A New Hope", "Star Wars: A New Hope"),
        ("Star Wars", "Star Wars: Episode IV"),
        ("Episode 4", "Star Wars \u2013 Episode IV"),
    ],
)
def test_movie_with_one_part_of_the_title_in_common_is_a_candidate(add_movie, own, other):
    movie = add_movie(title=own, year=1977)
    assert list_candidates(other, year=1977) == [movie]
    assert list_candidates(other, year=1978) == []


@pytest.mark.parametrize(
    "part", ["The Movie", "Film", "The Motion Picture", "Part II", "Part One", "Vol. 1", "Chapter 2"]
)
def test_movie_with_a_part_in_common_that_many_titles_have_is_not_a_candidate(add_movie, part):
    movie = add_movie(title=f"Uno: {part}", year=2016)
    assert list_candidates(f"Zebra: {part}", year=2016) == []
    assert list_candidates("Uno: Something Else", year=2016) == [movie]


@pytest.mark.parametrize(
    "row",
    [
        {"year": 1993},
        {"year": 1997},
        {"year": 1996, "imdb_id": "tt0000001"},
        {"year": 1996, "tmdb_id": 1},
    ],
)
def test_movie_two_years_off_or_with_another_id_is_not_a_candidate(heat, row):
    assert list_candidates("Heat", **row) == []


def test_candidates_are_limited(app):
    matcher = MovieMatcher(read(), [])
    for number in range(MAX_CANDIDATES + 5):
        matcher.add({"title": "Emma", "year": 1995, "imdb_id": f"tt{number:07}"})
    write(matcher.stage().insert)
    assert list_candidates("Emma", year=1996) == list(range(1, MAX_CANDIDATES + 1))


def test_catalogue_matches_among_the_movies_of_its_queries(add_movie):
    imdb = add_movie(title="Heat", year=1995, imdb_id="tt0113277")
    tmdb = add_movie(title="Ronin", year=1998, tmdb_id=8195)
    named = add_movie(title="Le Trou", original_title="Łódź", year=1960)
    add_movie(title="Le Trou", year=1961)
    queries = [
        MovieQuery("tt0113277", None, ()),
        MovieQuery(None, 8195, ("Heat",)),
        MovieQuery("tt0000001", None, ("le  TROU", None)),
        MovieQuery(None, None, ("Nothing", "lodz")),
    ]
    assert match("tt0113277", None, queries=queries) == imdb
    assert match(None, 8195, queries=queries) == tmdb
    assert match(None, None, "LE TROU", year=1960, queries=queries) == named
    assert match(None, None, "Lódz", year=1960, queries=queries) == named
    also_titled = [*queries, MovieQuery(None, None, ("Ronin",))]
    assert match(None, None, "Ronin", year=1998, queries=also_titled) == tmdb
    assert match(None, None, "Nothing", year=1960, queries=queries) is None


def test_catalogue_takes_more_queries_than_a_statement_has_parameters(add_movie):
    last = add_movie(title="Heat", year=1995)
    queries = [MovieQuery(f"tt{number:07}", number, (f"title {number}", "heat")) for number in range(1, 2500)]
    assert match(None, None, "Heat", year=1995, queries=queries) == last


def test_a_row_takes_no_longer_if_thousands_of_movies_have_its_title(app):
    matcher = MovieMatcher(read(), [])
    for number in range(1, 10_000):
        matcher.add({"title": "Emma", "year": 1996, "imdb_id": f"tt{number:07}"})
    emma = MovieQuery(titles=("Emma",), year=1996)
    with pytest.raises(AmbiguousMovie) as caught:
        matcher.find_and_claim(emma)
    assert caught.value.movie_ids == list(range(1, MAX_CANDIDATES + 1))
    other = replace(emma, imdb_id="tt0000000")
    start = time.process_time()
    for _ in range(20_000):
        assert matcher.find_and_claim(other) is None
    # A busy machine takes a second; looking at each candidate would take minutes.
    assert time.process_time() - start < 20
