"""Fields of forms: a browser lets people type as much as the API accepts."""

import re

import pytest

from pages.conftest import PASSWORD


@pytest.mark.parametrize(
    ("page", "field", "method", "path"),
    [
        ("/sign-up", "display_name", "post", "/v1/users"),
        ("/sign-up", "email", "post", "/v1/users"),
        ("/settings", "display_name", "patch", "/v1/users/me"),
        ("/settings", "email", "patch", "/v1/users/me"),
        ("/settings", "name", "post", "/v1/auth/tokens"),
        ("/movies/new", "title", "post", "/v1/movies"),
        ("/movies/new", "original_title", "post", "/v1/movies"),
    ],
)
def test_field_takes_the_length_that_the_api_accepts(browse, client, page, field, method, path):
    document = client.get("/openapi.json").json
    schema = document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    html = browse(None if page == "/sign-up" else "ada").get(page).text
    (tag,) = re.findall(rf'<input [^>]*name="{field}"[^>]*>', html)
    assert int(re.search(r'maxlength="(\d+)"', tag)[1]) == schema["properties"][field]["maxLength"]


def test_spaces_around_a_field_do_not_count(browse, client):
    account = {"username": " ada ", "email": " ada@example.org ", "password": PASSWORD}
    browser = browse()
    assert browser.post("/sign-up", data=account).status_code == 303
    facts = {
        "title": " Emma ",
        "year": " 1996",
        "imdb_id": "tt0116191 ",
        "language": " en",
        "tmdb_id": "3573 ",
    }
    location = browser.post("/movies/new", data=facts).headers["Location"]
    movie = client.get(f"/v1{location}").json
    stored = {"title": "Emma", "year": 1996, "imdb_id": "tt0116191", "language": "en", "tmdb_id": 3573}
    assert {name: movie[name] for name in stored} == stored
    assert browser.get("/movies?year_from=1996%20").status_code == 200


def test_spaces_around_a_password_count(browse, sign_up):
    sign_up("ada")
    form = {"login": " ada ", "password": f"{PASSWORD} "}
    assert browse().post("/login", data=form).status_code == 401
    browser = browse("bob")
    change = {"current_password": PASSWORD, "password": "  otters play at dusk  "}
    assert browser.post("/settings/password", data=change).status_code == 303
    login = {"login": "bob", "password": change["password"]}
    assert browse().post("/login", data=login).status_code == 303
    assert browse().post("/login", data={**login, "password": change["password"].strip()}).status_code == 401
