"""Alternative titles are stored once, in bounds, and deleted with their movie."""

import pytest
from sqlalchemy import delete, select

from movierating.movies.alternative_titles import CATALOGUE, add_titles
from movierating.movies.models import MAX_ALTERNATIVE_TITLES, Movie, MovieTitle
from movierating.storage.database import read, write


def list_titles(movie_id):
    statement = select(MovieTitle.title).where(MovieTitle.movie_id == movie_id).order_by(MovieTitle.id)
    return read().scalars(statement).all()


def add(titles, source=CATALOGUE):
    return write(lambda connection: add_titles(connection, titles, source))


def test_titles_are_added_in_order_and_once(add_movie):
    spirited, other = add_movie(title="Spirited Away", original_title="千と千尋の神隠し"), add_movie()
    names = ["Le Voyage de Chihiro", "spirited away!", "千と千尋の神隠し", "Le voyage de Chihiro", "El viaje"]
    assert add({spirited: names, other: []}) == {spirited}
    assert list_titles(spirited) == ["Le Voyage de Chihiro", "El viaje"]
    assert add({spirited: [*names, "Chihiro"]}) == {spirited}
    assert add({spirited: names}) == set()
    assert list_titles(spirited) == ["Le Voyage de Chihiro", "El viaje", "Chihiro"]


def test_two_movies_can_have_one_title(add_movie):
    movies = [add_movie(), add_movie()]
    assert add({movie: ["Emma"] for movie in movies}) == set(movies)


def test_number_of_titles_is_bounded(add_movie):
    movie = add_movie()
    add({movie: [f"Name {n}" for n in range(60)]}, "import")
    add({movie: [f"Other name {n}" for n in range(60)]})
    titles = list_titles(movie)
    assert (len(titles), titles[-1]) == (MAX_ALTERNATIVE_TITLES, "Other name 39")
    assert add({movie: ["One more"]}) == set()


@pytest.mark.parametrize("name", ["", " ", "\u0301"])
def test_title_without_text_is_left_out(add_movie, name):
    assert add({add_movie(): [name]}) == set()


def test_title_of_a_missing_movie_is_left_out(app):
    assert add({7: ["Emma"]}) == set()


def test_titles_are_deleted_with_their_movie(add_movie):
    movie = add_movie()
    add({movie: ["Emma"]})
    write(lambda connection: connection.execute(delete(Movie)))
    assert list_titles(movie) == []


def test_titles_are_found_by_searches(add_movie, list_ids):
    movie = add_movie(title="Spirited Away")
    add({movie: ["Le Voyage de Chihiro"]})
    assert list_ids({"q": "voyage chihiro"}) == [movie]
