"""Pairs of movies that look alike."""

import pytest

from movierating.errors import InvalidRequest, NotFound
from movierating.movies import duplicates
from movierating.ratings import merging

ONE, OTHER = "tt0116191", "tt0118308"


def list_pairs():
    """Return the ids of each pair."""
    return [(row[0], row[4]) for row in duplicates.list_duplicates()]


def test_duplicates_share_a_title_and_have_no_different_ids(add_movie, add_titles, admin):
    first = add_movie(title="Vol. 2", year=2000, imdb_id=ONE)
    second = add_movie(title="Volume 2", year=2001, tmdb_id=5)
    add_movie(title="Volume 2", year=2003)
    other = add_movie(title="Sieben", year=1995)
    seven = add_movie(title="Se7en", year=1995)
    add_titles(seven, "Sieben")
    add_movie(title="Vol 2", year=2000, imdb_id=OTHER, tmdb_id=6)
    assert admin.put(f"/v1/movies/{second}/rating", json={"value": 8}).status_code == 201
    assert list_pairs() == [(first, second), (seven, other)]


def test_movies_that_share_several_titles_are_one_pair(add_movie, add_titles):
    first, second = add_movie(title="Emma", year=1996), add_movie(title="Emma!", year=1997)
    for movie_id in (first, second):
        add_titles(movie_id, "Emma Woodhouse")
    assert list_pairs() == [(second, first)]


def test_title_of_many_movies_yields_pairs_of_near_years_only(add_movie, monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_GROUP_SIZE", 2)
    ids = [add_movie(title="Emma", year=year) for year in (1999, 1997, 1996, 1998)]
    assert list_pairs() == [(ids[3], ids[0]), (ids[2], ids[1])]


@pytest.mark.parametrize("size", [duplicates.MAX_GROUP_SIZE, 3 * duplicates.MAX_GROUP_SIZE])
def test_number_of_pairs_grows_with_the_movies_of_a_title_not_with_their_square(add_movie, size):
    for number in range(size):
        add_movie(title="Emma" + "!" * number, year=1996)
    assert len(list_pairs()) == size * (duplicates.MAX_GROUP_SIZE - 1) // 2


@pytest.fixture
def emmas(add_movie):
    """The ids of three movies that look alike."""
    return [add_movie(title="Emma" + "!" * number, year=1996) for number in range(3)]


def test_movies_marked_as_different_are_listed_no_longer(emmas):
    first, second, third = emmas
    duplicates.mark_as_different(second, first)
    assert list_pairs() == [(third, first), (third, second)]
    for pair in ((first, second), (second, third)):
        duplicates.mark_as_different(*pair)
    assert list_pairs() == [(third, first)]


def test_movie_that_is_merged_is_marked_no_longer(emmas):
    first, second, third = emmas
    duplicates.mark_as_different(first, second)
    merging.merge_movies(first, third)
    assert list_pairs() == [(third, second)]


def test_pair_that_does_not_exist_is_rejected(emmas):
    for other_id in (emmas[0], 99):
        with pytest.raises(InvalidRequest):
            duplicates.mark_as_different(emmas[0], other_id)
    with pytest.raises(NotFound):
        duplicates.mark_as_different(99, emmas[0])
    assert len(list_pairs()) == 3
