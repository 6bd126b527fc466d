"""Deletion of movies over HTTP."""

import pytest

ANY = {"If-Match": "*"}
IMDB_ID = "tt0116191"


@pytest.fixture
def emma(add_movie):
    """The address of a movie."""
    return f"/v1/movies/{add_movie(title='Emma', year=1996, imdb_id=IMDB_ID)}"


def test_movie_without_ratings_is_deleted(client, admin, emma, problem):
    response = admin.delete(emma, headers={"If-Match": '"1-0"'})
    assert (response.status_code, response.data) == (204, b"")
    for path in (emma, f"{emma}/ratings", f"/v1/movies/by-imdb/{IMDB_ID}"):
        problem(client.get(path), 404)
    problem(admin.delete(emma, headers=ANY), 404)
    assert client.get("/v1/movies").json["items"] == client.get("/v1/movies?q=emma").json["items"] == []


def test_delete_movie_with_ratings_requires_with_ratings(client, admin, member, emma, add_movie, problem):
    other = f"/v1/movies/{add_movie()}"
    for person in (member, admin):
        person.put(f"{emma}/rating", json={"value": 10})
        person.put(f"{other}/rating", json={"value": 5})
    for query in ("", "?with_ratings=false", "?with_ratings=False", "?with_ratings=0"):
        problem(admin.delete(emma + query, headers=ANY), 409)
    assert client.get(emma).json["ratings"]["count"] == 2
    assert admin.delete(f"{emma}?with_ratings=true", headers=ANY).status_code == 204
    for person in (member, admin):
        histogram = [0] * 9 + [1] + [0] * 10
        assert client.get(f"/v1/users/{person.id}").json["ratings"] == {
            "count": 1,
            "mean": 5,
            "histogram": histogram,
        }
        assert len(client.get(f"/v1/users/{person.id}/ratings").json["items"]) == 1
    assert client.get(other).json["ratings"]["count"] == 2


@pytest.mark.parametrize("flag", ["TRUE", "yes", "2", "", "true&with_ratings=true"])
def test_with_ratings_must_be_a_boolean(admin, emma, problem, flag):
    problem(admin.delete(f"{emma}?with_ratings={flag}", headers=ANY), 422, "with_ratings")
