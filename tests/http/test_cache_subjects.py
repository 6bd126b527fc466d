"""The subjects of responses, by path."""

import pytest

from movierating.http.cache_subjects import find_subject
from movierating.storage.cache_versions import MOVIE, RATERS, USER
from movierating.storage.listed_movies import ListedMovies


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("/v1/movies/7", (MOVIE, 7)),
        ("/v1/movies/7/ratings", (RATERS, 7)),
        ("/v1/users/7", (USER, 7)),
        ("/v1/users/7/ratings", (USER, 7)),
        ("/movies/7", (RATERS, 7)),
        ("/v1/movies/" + "9" * 18, (MOVIE, 10**18 - 1)),
    ],
)
def test_response_about_a_movie_or_user_has_it_as_its_subject(path, subject):
    assert find_subject(path) == subject


@pytest.mark.parametrize("path", ["/v1/movies", "/movies"])
def test_list_of_movies_has_the_movies_on_its_page_as_its_subject(path):
    assert isinstance(find_subject(path), ListedMovies)


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/movies/7/", "/v1/movies/7/rating", "/v1/movies/by-tmdb/7", "/v1/genres"),
        *("/movies/7/ratings", "/people/7", "/v1/movies/" + "9" * 19, "/v1/movies/\u0663"),
    ],
)
def test_response_that_may_show_anything_has_no_subject(path):
    assert find_subject(path) is None
