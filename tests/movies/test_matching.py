"""Which movie a row means: IMDb id, then TMDB id, then folded title and year."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from movierating.movies import service as movies
from movierating.movies.matching import MAX_CANDIDATES, AmbiguousMovie, Catalogue, MovieQuery
from movierating.movies.models import Movie, MovieFacet
from movierating.storage.database import read, write

_movie = Movie.__table__.c


def find(imdb_id=None, tmdb_id=None, *titles, year=None) -> int | None:
    """The id that `find_and_complete` gives in a transaction of its own."""
    query = MovieQuery(imdb_id, tmdb_id, titles or ("No such",), year)
    return write(lambda connection: Catalogue(connection).find_and_complete(query))


def ids_of(movie_id: int) -> tuple[Any, ...]:
    return tuple(
        read().execute(select(_movie.imdb_id, _movie.tmdb_id, _movie.edit).where(_movie.id == movie_id)).one()
    )


def add(**facts) -> int:
    """Return the id of a movie that a catalogue adds in a transaction of its own."""

    def job(connection) -> int:
        catalogue = Catalogue(connection)
        added = catalogue.add(facts)
        catalogue.flush()
        return added

    return write(job)


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


def test_row_with_another_tmdb_id_and_no_imdb_id_is_ambiguous(heat):
    with pytest.raises(AmbiguousMovie, match="has another TMDB id") as caught:
        find(None, 1, "Heat", year=1995)
    assert caught.value.movie_ids == [heat]


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


def test_two_movies_of_one_title_and_year_need_more_than_different_tmdb_ids(add_movie):
    twin = add_movie(title="Emma", year=1996, tmdb_id=1)
    with pytest.raises(AmbiguousMovie, match="another TMDB id") as caught:
        find(None, 2, "Emma", year=1996)
    assert caught.value.movie_ids == [twin]


def test_movies_added_are_found_by_every_key_written_and_indexed(app):
    def job(connection) -> tuple[int, Catalogue]:
        catalogue = Catalogue(connection)
        facts = {
            "title": "Le Trou",
            "original_title": "The Hole",
            "year": 1960,
            "genres": ["Crime"],
            "tmdb_id": 29259,
        }
        added = catalogue.add({**facts, "imdb_id": "tt0054407"})
        assert catalogue.find(MovieQuery("tt0054407")) == added
        assert catalogue.find(MovieQuery(tmdb_id=29259)) == added
        assert catalogue.find(MovieQuery(titles=("x", "the hole"), year=1960)) == added
        catalogue.flush()
        return added, catalogue

    added, catalogue = write(job)
    assert catalogue.changes == 1
    assert movies.get_movie(added).genres == '["Crime"]'
    facets = read().scalar(select(func.count()).where(MovieFacet.__table__.c.movie_id == added))
    assert facets == 2


def test_movie_is_added_without_a_tmdb_id_that_another_movie_has(heat):
    added = add(title="Heat", year=1995, imdb_id="tt0000001", tmdb_id=949)
    assert ids_of(added) == ("tt0000001", None, 1)
    assert ids_of(heat)[1] == 949


def test_a_movie_just_added_can_be_completed(app):
    def job(connection) -> int:
        catalogue = Catalogue(connection)
        added = catalogue.add({"title": "Heat", "year": 1995})
        assert catalogue.find_and_complete(MovieQuery("tt0113277", None, ("Heat",), 1995)) == added
        return added

    assert ids_of(write(job))[0] == "tt0113277"


def test_id_is_never_reused(app, add_movie):
    from movierating.ratings.service import delete_movie

    gone = add_movie(title="Gone", year=2000)
    delete_movie(gone, None, with_ratings=True)
    assert add(title="Next", year=2000) > gone


def match(imdb_id=None, tmdb_id=None, *titles, year=None, queries=None) -> int | None:
    """Return the id that `find` gives a row whose year may be off by one."""
    query = MovieQuery(imdb_id, tmdb_id, titles, year)
    return Catalogue(read(), queries).find(query, nearby=True)


@pytest.mark.parametrize("year", [1994, 1995, 1996])
@pytest.mark.parametrize("titles", [("heat",), ("ÉLAN",), ("Chaleur", "Elan")])
def test_nearby_search_accepts_a_year_off_by_one(heat, titles, year):
    assert match(None, None, *titles, year=year) == heat
    assert match("tt0113277", None, *titles, year=year) == heat


@pytest.mark.parametrize(
    ("row", "year"),
    [
        ((None, None, "Heat"), 1993),
        ((None, None, "Heat"), 1997),
        ((None, None, "Heat"), None),
        (("tt0000001", None, "Heat"), 1996),
        ((None, 1, "Heat"), 1996),
    ],
)
def test_nearby_search_rejects_a_year_off_by_two_or_unknown_and_another_id(heat, row, year):
    assert match(*row, year=year) is None


def test_two_movies_a_year_off_are_ambiguous_but_the_exact_year_decides(add_movie):
    before, after = add_movie(title="Emma", year=1995), add_movie(title="Emma", year=1997)
    with pytest.raises(AmbiguousMovie, match="more than one movie") as caught:
        match(None, None, "Emma", year=1996)
    assert sorted(caught.value.movie_ids) == [before, after]
    assert match(None, None, "Emma", year=1995) == before
    same = add_movie(title="Other", original_title="Emma", year=1996, imdb_id="tt0000001")
    assert match(None, None, "Emma", year=1996) == same


def test_catalogue_of_queries_matches_as_the_whole_one_does(add_movie):
    imdb = add_movie(title="Heat", year=1995, imdb_id="tt0113277")
    tmdb = add_movie(title="Ronin", year=1998, tmdb_id=8195)
    named = add_movie(title="Le Trou", original_title="Łódź", year=1960)
    add_movie(title="Le Trou", year=1961)
    wanted = [
        MovieQuery("tt0113277", None, ()),
        MovieQuery(None, 8195, ("Heat",)),
        MovieQuery("tt0000001", None, ("le  TROU", None)),
        MovieQuery(None, None, ("Nothing", "lodz")),
    ]
    assert match("tt0113277", None, queries=wanted) == imdb
    assert match(None, 8195, queries=wanted) == tmdb
    assert match(None, None, "LE TROU", year=1960, queries=wanted) == named
    assert match(None, None, "Lódz", year=1960, queries=wanted) == named
    also_titled = [*wanted, MovieQuery(None, None, ("Ronin",))]
    assert match(None, None, "Ronin", year=1998, queries=also_titled) == tmdb
    assert match(None, None, "Nothing", year=1960, queries=wanted) is None


def test_catalogue_takes_more_queries_than_a_statement_has_parameters(add_movie):
    last = add_movie(title="Heat", year=1995)
    wanted = [MovieQuery(f"tt{number:07}", number, (f"title {number}", "heat")) for number in range(1, 2500)]
    assert match(None, None, "Heat", year=1995, queries=wanted) == last


def test_a_row_takes_no_longer_if_thousands_of_movies_have_its_title(app):
    catalogue = Catalogue(read(), dry_run=True)
    for number in range(1, 10_000):
        catalogue.add({"title": "Emma", "year": 1996, "imdb_id": f"tt{number:07}"})
    emma = MovieQuery(titles=("Emma",), year=1996)
    with pytest.raises(AmbiguousMovie) as caught:
        catalogue.find(emma)
    assert caught.value.movie_ids == list(range(1, MAX_CANDIDATES + 1))
    start = time.monotonic()
    for _ in range(20_000):
        assert catalogue.find(emma._replace(imdb_id="tt0000000")) is None
    assert time.monotonic() - start < 5
