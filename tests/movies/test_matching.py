"""Which movie a row means: IMDb id, then TMDB id, then title and year; and which movies and ids it adds."""

from typing import Any

import pytest
from sqlalchemy import func, select

from movierating.movies import service as movies
from movierating.movies.matching import AmbiguousMovie, MovieMatcher
from movierating.movies.models import Movie, MovieFacet
from movierating.movies.movie_query import MovieQuery
from movierating.storage.database import read, write

_movie = Movie.__table__.c


def find(imdb_id=None, tmdb_id=None, *titles, year=None) -> int | None:
    """The id of the movie that matches, which gets the ids that it lacks."""
    query = MovieQuery(imdb_id, tmdb_id, titles or ("No such",), year)
    matcher = MovieMatcher(read(), [query], gives_ids=True)
    match = matcher.find_and_claim(query)
    write(matcher.stage().insert)
    return match and match[0]


def ids_of(movie_id: int) -> tuple[Any, ...]:
    return tuple(
        read().execute(select(_movie.imdb_id, _movie.tmdb_id, _movie.edit).where(_movie.id == movie_id)).one()
    )


def add(**facts) -> int:
    """Return the id of a movie that a matcher adds."""
    names = (facts["title"], facts.get("original_title"))
    query = MovieQuery(facts.get("imdb_id"), facts.get("tmdb_id"), names, facts["year"])
    matcher = MovieMatcher(read(), [query])
    added = matcher.add(facts)
    assert write(matcher.stage().insert) == 0
    return added


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
    matcher = MovieMatcher(read(), [])
    added = matcher.add({**facts, "imdb_id": "tt0054407"})
    assert matcher.find_and_claim(MovieQuery("tt0054407")) == (added, {})
    assert matcher.find_and_claim(MovieQuery(tmdb_id=29259)) == (added, {})
    assert matcher.find_and_claim(MovieQuery(titles=("x", "the hole"), year=1960)) == (added, {})
    write(matcher.stage().insert)
    assert matcher.added_count == 1
    assert movies.get_movie(added).genres == '["Crime"]'
    facets = read().scalar(select(func.count()).where(MovieFacet.__table__.c.movie_id == added))
    assert facets == 4


def test_movie_is_added_without_a_tmdb_id_that_another_movie_has(heat):
    added = add(title="Heat", year=1995, imdb_id="tt0000001", tmdb_id=949)
    assert ids_of(added) == ("tt0000001", None, 1)
    assert ids_of(heat)[1] == 949


def test_a_movie_just_added_can_be_completed(app):
    matcher = MovieMatcher(read(), [], gives_ids=True)
    added = matcher.add({"title": "Heat", "year": 1995})
    query = MovieQuery("tt0113277", None, ("Heat",), 1995)
    assert matcher.find_and_claim(query) == (added, {"imdb_id": "tt0113277"})
    write(matcher.stage().insert)
    assert ids_of(added)[0] == "tt0113277"


def test_id_is_never_reused(app, add_movie):
    from movierating.ratings.service import delete_movie

    gone = add_movie(title="Gone", year=2000)
    delete_movie(gone, None, with_ratings=True)
    assert add(title="Next", year=2000) > gone
