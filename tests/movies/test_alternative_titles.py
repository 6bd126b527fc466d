"""Alternative titles are stored once, in bounds, and deleted with their movie."""

import pytest
from sqlalchemy import delete, select, update

from movierating.movies.alternative_titles import CATALOGUE, MAX_SHOWN_TITLES, add_titles
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


@pytest.fixture
def moon(add_movie):
    """The id of a movie with an IMDb id and two alternative titles that are shown."""
    movie = add_movie(title="Moon", imdb_id="tt1182345")
    add({movie: ["Luna", "月に囚われた男"]})
    add({movie: ["Mon", "Lunar"]}, "import")
    return movie


def test_single_movie_has_its_alternative_titles(moon, client, admin):
    titles = ["Luna", "月に囚われた男"]
    response = client.get(f"/v1/movies/{moon}")
    assert response.json["alternative_titles"] == titles
    assert client.get("/v1/movies/by-imdb/tt1182345").json == response.json
    edited = admin.patch(
        f"/v1/movies/{moon}", json={"year": 2009}, headers={"If-Match": response.headers["ETag"]}
    )
    assert (edited.status_code, edited.json["alternative_titles"]) == (200, titles)
    created = admin.post("/v1/movies", json={"title": "Sun", "year": 2000})
    assert (created.json["alternative_titles"], created.json["prominence"]) == ([], 0)
    assert "alternative_titles" not in client.get("/v1/movies").json["items"][0]


def test_fifty_titles_are_shown(add_movie, client):
    movie = add_movie()
    add({movie: [f"Name {n}" for n in range(60)]})
    shown = client.get(f"/v1/movies/{movie}").json["alternative_titles"]
    assert shown == [f"Name {n}" for n in range(MAX_SHOWN_TITLES)]


def test_prominence_is_shown_everywhere(moon, client, member):
    write(lambda connection: connection.execute(update(Movie).values(prominence=62)))
    member.put(f"/v1/movies/{moon}/rating", json={"value": 8})
    lists = ["/v1/movies", f"/v1/users/{member.id}/ratings"]
    movies = [client.get(path).json["items"][0] for path in lists]
    assert [movie.get("movie", movie)["prominence"] for movie in movies] == [62, 62]
    assert client.get(f"/v1/movies/{moon}").json["prominence"] == 62


def test_requests_cannot_set_the_prominence(admin, problem):
    problem(admin.post("/v1/movies", json={"title": "Sun", "year": 2000, "prominence": 1}), 422, "prominence")
