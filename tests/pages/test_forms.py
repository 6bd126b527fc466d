"""Fields of forms: a browser lets people type as much as the API accepts."""

import re

import pytest


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
