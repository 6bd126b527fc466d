"""The next movies to rate."""

import pytest

from movierating.errors import NotFound
from movierating.ratings import next_movies


def list_next_ids(user):
    return [row.id for row in next_movies.list_next_movies(user.id, 10)]


def test_skipped_movie_does_not_come_back(member, add_movie):
    movies = [add_movie(), add_movie()]
    next_movies.skip_movie(member.id, movies[0])
    next_movies.skip_movie(member.id, movies[0])
    assert list_next_ids(member) == [movies[1]]


def test_a_merge_keeps_which_users_skipped_the_movies(member, admin, add_movie):
    movie, into = add_movie(), add_movie()
    next_movies.skip_movie(member.id, movie)
    for each in (movie, into):
        next_movies.skip_movie(admin.id, each)
    assert admin.post(f"/v1/movies/{movie}/merge", json={"into": into}).status_code == 200
    assert list_next_ids(member) == list_next_ids(admin) == []


def test_skipping_a_missing_movie_raises_not_found(member):
    with pytest.raises(NotFound):
        next_movies.skip_movie(member.id, 77)


def test_skipped_movie_can_be_deleted_and_its_user_too(member, admin, add_movie):
    movie = add_movie()
    next_movies.skip_movie(member.id, movie)
    assert admin.delete(f"/v1/movies/{movie}", headers={"If-Match": "*"}).status_code == 204
    next_movies.skip_movie(member.id, add_movie())
    response = member.delete("/v1/users/me", json={"current_password": "correct horse battery"})
    assert response.status_code == 204


def test_count_ratings_of_a_user_without_account_is_zero(member):
    assert next_movies.count_ratings(member.id) == next_movies.count_ratings(77) == 0
