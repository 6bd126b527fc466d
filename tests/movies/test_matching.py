"""Which movie a row means: IMDb id, then TMDB id, then title and year."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from movierating.movies import service as movies
from movierating.movies.matching import AmbiguousMovie, Catalogue
from movierating.movies.models import Movie, MovieFacet, MovieTitle
from movierating.movies.movie_index import MAX_CANDIDATES, MovieQuery
from movierating.movies.titles import match_key
from movierating.storage.database import read, write

_movie = Movie.__table__.c


def find(imdb_id=None, tmdb_id=None, *titles, year=None) -> int | None:
    """The id of the movie that matches, which gets the ids that it lacks."""
    query = MovieQuery(imdb_id, tmdb_id, titles or ("No such",), year)
    catalogue = Catalogue(read(), [query], gives_ids=True)
    match = catalogue.find_and_claim(query)
    write(catalogue.stage().insert)
    return match and match[0]


def ids_of(movie_id: int) -> tuple[Any, ...]:
    return tuple(
        read().execute(select(_movie.imdb_id, _movie.tmdb_id, _movie.edit).where(_movie.id == movie_id)).one()
    )


def add(**facts) -> int:
    """Return the id of a movie that a catalogue adds."""
    names = (facts["title"], facts.get("original_title"))
    query = MovieQuery(facts.get("imdb_id"), facts.get("tmdb_id"), names, facts["year"])
    catalogue = Catalogue(read(), [query])
    added = catalogue.add(facts)
    assert write(catalogue.stage().insert) == 0
    return added


@pytest.fixture
def heat(add_movie: Callable[..., int]) -> int:
    """A movie with everything a row can be matched by."""
    return add_movie(title="Heat", original_title="Élan", year=1995, imdb_id="tt0113277", tmdb_id=949)


@pytest.mark.parametrize(
    ("row", "year"),
    [
        (("tt0113277",), None),
        (("tt0113277", 7, "Another"), 1920),  # the IMDb id decides
        ((None, 949), None),
        ((None, None, "HEAT"), 1995),
        ((None, None, "elan"), 1995),
        ((None, None, "Chaleur", "Heat"), 1995),
        (("tt0113277", None), 1995),
        ((None, 949, "Another"), 1995),
    ],
)
def test_row_matches_the_movie_with_its_id_or_title_and_year(heat, row, year):
    assert find(*row, year=year) == heat
    assert ids_of(heat) == ("tt0113277", 949, 1)


@pytest.mark.parametrize(
    ("row", "year"),
    [
        (("tt0000001", 949, "Heat"), 1995),
        (("tt0000001", None, "Heat"), 1995),
        ((None, None, "Heat"), 1996),
        ((None, None, "Heat"), None),
        ((None, None, "Heat 2"), 1995),
    ],
)
def test_row_never_matches_a_movie_with_another_id_title_or_year(heat, row, year):
    assert find(*row, year=year) is None


def test_row_with_another_tmdb_id_means_another_movie(heat):
    assert find(None, 1, "Heat", year=1995) is None


def test_a_movies_own_title_comes_before_anothers_original_title(add_movie):
    add_movie(title="Qalpha", original_title="Qbeta", year=2000)
    own = add_movie(title="Qbeta", year=2000)
    assert find(None, None, "qbeta", year=2000) == own


def test_a_title_that_folds_to_nothing_is_a_title(add_movie):
    marks = add_movie(title="\u0301", year=2000)
    assert find(None, None, "\u0302", year=2000) == marks


def test_movie_without_ids_gets_the_ids_of_the_row_as_an_edit(add_movie):
    bare = add_movie(title="Heat", year=1995)
    assert find("tt0113277", 949, "Heat", year=1995) == bare
    assert ids_of(bare) == ("tt0113277", 949, 2)
    assert find("tt0113277", 949, "Heat", year=1995) == bare
    assert ids_of(bare) == ("tt0113277", 949, 2)


def test_tmdb_id_of_another_movie_is_not_added(heat, add_movie):
    other = add_movie(title="Ronin", year=1998, imdb_id="tt0122690")
    assert find("tt0122690", 949, "Ronin", year=1998) == other
    assert ids_of(other) == ("tt0122690", None, 1)


def test_row_that_matches_several_movies_is_ambiguous(add_movie):
    both = [add_movie(title="Emma", year=1996, imdb_id=f"tt000000{n}") for n in (1, 2)]
    with pytest.raises(AmbiguousMovie, match="more than one movie") as caught:
        find(None, None, "Emma", year=1996)
    assert caught.value.movie_ids == both
    assert find("tt0000002", None, "Emma", year=1996) == both[1]
    assert find("tt0000003", None, "Emma", year=1996) is None


def test_tmdb_ids_distinguish_movies_with_the_same_title_and_year(add_movie):
    first = add_movie(title="Emma", year=1996, tmdb_id=1)
    second = add(title="Emma", year=1996, tmdb_id=2)
    assert second != first
    assert find(None, 2, "Emma", year=1996) == second
    with pytest.raises(AmbiguousMovie):
        find(None, None, "Emma", year=1996)


def test_movies_added_are_found_by_every_key_written_and_indexed(app):
    facts = {
        "title": "Le Trou",
        "original_title": "The Hole",
        "year": 1960,
        "genres": ["Crime"],
        "tmdb_id": 29259,
    }
    catalogue = Catalogue(read(), [])
    added = catalogue.add({**facts, "imdb_id": "tt0054407"})
    assert catalogue.find(MovieQuery("tt0054407")) == added
    assert catalogue.find(MovieQuery(tmdb_id=29259)) == added
    assert catalogue.find(MovieQuery(titles=("x", "the hole"), year=1960)) == added
    write(catalogue.stage().insert)
    assert catalogue.changes == 1
    assert movies.get_movie(added).genres == '["Crime"]'
    facets = read().scalar(select(func.count()).where(MovieFacet.__table__.c.movie_id == added))
    assert facets == 4


def test_movie_is_added_without_a_tmdb_id_that_another_movie_has(heat):
    added = add(title="Heat", year=1995, imdb_id="tt0000001", tmdb_id=949)
    assert ids_of(added) == ("tt0000001", None, 1)
    assert ids_of(heat)[1] == 949


def test_a_movie_just_added_can_be_completed(app):
    catalogue = Catalogue(read(), [], gives_ids=True)
    added = catalogue.add({"title": "Heat", "year": 1995})
    query = MovieQuery("tt0113277", None, ("Heat",), 1995)
    assert catalogue.find_and_claim(query) == (added, {"imdb_id": "tt0113277"})
    write(catalogue.stage().insert)
    assert ids_of(added)[0] == "tt0113277"


def test_id_is_never_reused(app, add_movie):
    from movierating.ratings.service import delete_movie

    gone = add_movie(title="Gone", year=2000)
    delete_movie(gone, None, with_ratings=True)
    assert add(title="Next", year=2000) > gone


def match(imdb_id=None, tmdb_id=None, *titles, year=None, queries=()) -> int | None:
    """Return the id that `find` gives a row, among the movies of `queries`, or of the row."""
    query = MovieQuery(imdb_id, tmdb_id, titles, year)
    return Catalogue(read(), queries or [query]).find(query)


def list_candidates(*titles, year=None, imdb_id=None, tmdb_id=None) -> list[int]:
    query = MovieQuery(imdb_id, tmdb_id, titles, year)
    catalogue = Catalogue(read(), [query])
    assert catalogue.find(query) is None
    catalogue.load_candidates([query])
    return catalogue.list_candidates(query)


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
    "row",
    [
        {"year": 1993},
        {"year": 1997},
        {"year": None},
        {"year": 1996, "imdb_id": "tt0000001"},
        {"year": 1996, "tmdb_id": 1},
    ],
)
def test_movie_two_years_off_or_with_another_id_is_no_candidate(heat, row):
    assert list_candidates("Heat", **row) == []


def test_candidates_are_limited(app):
    catalogue = Catalogue(read(), [])
    for number in range(MAX_CANDIDATES + 5):
        catalogue.add({"title": "Emma", "year": 1995, "imdb_id": f"tt{number:07}"})
    write(catalogue.stage().insert)
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
    catalogue = Catalogue(read(), [])
    for number in range(1, 10_000):
        catalogue.add({"title": "Emma", "year": 1996, "imdb_id": f"tt{number:07}"})
    emma = MovieQuery(titles=("Emma",), year=1996)
    with pytest.raises(AmbiguousMovie) as caught:
        catalogue.find(emma)
    assert caught.value.movie_ids == list(range(1, MAX_CANDIDATES + 1))
    other = replace(emma, imdb_id="tt0000000")
    start = time.monotonic()
    for _ in range(20_000):
        assert catalogue.find(other) is None
    assert time.monotonic() - start < 5
