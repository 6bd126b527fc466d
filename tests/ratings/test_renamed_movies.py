"""A movie whose title or year an admin changed is found by rows of files that have the former ones."""

import pytest
from sqlalchemy import func, select

from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings import merging, service
from movierating.storage.database import read

FACTS = {"title": "Teh Heat", "original_title": "La Chaleur", "year": 1995}
ROW = ",,Teh Heat,,1995,8.5,"


def count_movies():
    return read().scalar(select(func.count()).select_from(Movie))


@pytest.mark.parametrize(
    "changes",
    [{"title": "Heat"}, {"year": 1996}, {"title": "Heat", "year": 1996, "imdb_id": "tt0113277"}],
    ids=str,
)
@pytest.mark.parametrize("row", [ROW, ",,teh heat!,,1995,8.5,", ",,Жара,Teh Heat,1995,8.5,"])
def test_row_with_the_former_title_and_year_rates_the_movie(
    add_movie, import_rows, counts, rated, exact, user_id, changes, row
):
    movie_id = add_movie(**FACTS)
    movies.update_movie(movie_id, None, changes)
    assert counts(import_rows(user_id, row, create_missing=True)) == [1, 0, 0, 0, 0, 0]
    assert rated(user_id).keys() == {movie_id}
    assert count_movies() == 1
    assert exact()


def test_former_original_title_rates_the_movie(add_movie, import_rows, rated, user_id):
    movie_id = add_movie(**FACTS)
    movies.update_movie(movie_id, None, {"original_title": None})
    import_rows(user_id, ",,La Chaleur,,1995,8.5,", create_missing=True)
    assert rated(user_id).keys() == {movie_id}


def test_movie_that_has_the_title_now_wins(add_movie, import_rows, rated, user_id):
    movies.update_movie(add_movie(**FACTS), None, {"title": "Heat"})
    other_id = add_movie(title="Teh Heat", year=1995)
    import_rows(user_id, ROW)
    assert rated(user_id).keys() == {other_id}


def test_row_with_an_id_is_another_movie(add_movie, import_rows, counts, user_id):
    movies.update_movie(add_movie(**FACTS), None, {"title": "Heat"})
    report = import_rows(user_id, "tt0113277,,Teh Heat,,1995,8.5,", create_missing=True)
    assert counts(report) == [1, 0, 0, 0, 0, 0]
    assert count_movies() == 2


def test_former_title_leads_to_the_movie_that_stays_after_a_merge(add_movie, import_rows, rated, user_id):
    movie_id, survivor_id = add_movie(**FACTS), add_movie(title="Heat", year=1995, imdb_id="tt0113277")
    movies.update_movie(movie_id, None, {"title": "The Heat"})
    merging.merge_movies(movie_id, survivor_id)
    import_rows(user_id, ROW, create_missing=True)
    assert rated(user_id).keys() == {survivor_id}


def test_former_title_of_a_deleted_movie_adds_none(add_movie, import_rows, counts, user_id):
    movie_id = add_movie(**FACTS)
    movies.update_movie(movie_id, None, {"title": "Heat"})
    service.delete_movie(movie_id, None, with_ratings=False)
    assert counts(import_rows(user_id, ROW, create_missing=True)) == [0, 0, 0, 0, 1, 0]


def test_former_title_is_never_shown_or_found(add_movie, client):
    movie_id = add_movie(**FACTS)
    movies.update_movie(movie_id, None, {"title": "Heat"})
    assert client.get(f"/v1/movies/{movie_id}").json["alternative_titles"] == []
    assert client.get("/v1/movies?q=teh").json["items"] == []
