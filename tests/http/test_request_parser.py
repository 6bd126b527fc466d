"""Bodies and queries: their types, their structure, and how invalid fields are listed."""

import gzip

import marshmallow as ma
import pytest

from movierating.http.request_parser import RequestParser

MOVIES, SIGN_UP = "/v1/movies", "/v1/users"


@pytest.mark.parametrize(
    "coding", ["gzip", "GZIP", "br", "deflate", "zstd", "identity, gzip", "gzip,", "x", "*"]
)
def test_compressed_body_returns_415_and_the_accepted_coding(client, problem, coding):
    headers = {"Content-Encoding": coding}
    response = client.post(
        SIGN_UP, data=gzip.compress(b"{}"), content_type="application/json", headers=headers
    )
    assert "without Content-Encoding" in problem(response, 415)["detail"]
    assert response.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("coding", ["", "identity", "Identity", " identity , identity"])
def test_body_with_the_coding_identity_is_read(client, coding):
    assert client.post(SIGN_UP, json={}, headers={"Content-Encoding": coding}).status_code == 422


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/jsonp",
        "application/problem+json",
        "application/xml;a=application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
    ],
)
def test_content_type_other_than_json_returns_415(client, problem, content_type):
    problem(client.post(SIGN_UP, data=b"{}", content_type=content_type), 415)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/json;a=b"],
)
def test_content_type_of_json_may_have_parameters(client, content_type):
    assert client.post(SIGN_UP, data=b"{}", content_type=content_type).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"value": 8,}',
        b'{"value": 08}',
        b'{"value": NaN}',
        b'{"value": 1e309}',
        b'{"value": 8}\0',
        b'\xef\xbb\xbf{"value": 8}',
        '{"value": 8}'.encode("utf-16"),
        b'{"value": "\xed\xa0\x80"}',
        b'{"value": "\\ud800"}',
        b'{"value": "\n"}',
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
    ids=lambda body: f"{len(body)}:{body[:20]!r}",
)
def test_malformed_json_returns_400(client, problem, body):
    problem(client.post(SIGN_UP, data=body, content_type="application/json"), 400)


@pytest.mark.parametrize(("depth", "status"), [(31, 422), (32, 422), (33, 400), (500, 400)])
def test_depth_of_json_is_limited(client, depth, status):
    body = b"[" * depth + b"]" * depth
    assert client.post(SIGN_UP, data=body, content_type="application/json").status_code == status


@pytest.mark.parametrize("body", ["[]", '"value"', "8", "true", "null", '[{"value": 8}]'])
def test_body_that_is_not_an_object_returns_422(client, problem, body):
    response = client.post(SIGN_UP, data=body, content_type="application/json")
    assert {error["location"] for error in problem(response, 422, "")["errors"]} == {"json"}


def test_a_thousand_invalid_fields_are_listed(admin, problem):
    response = admin.post(MOVIES, json={"title": "Heat", "genres": ["?"] * 1001})
    problem(response, 422, "year", *[f"genres.{number}" for number in range(999)])


def test_every_invalid_field_is_listed_by_its_path_with_dots(member, problem):
    body = {"year": "1996", "directors": ["Douglas McGrath", ""], "genres": ["Comedy", 7, "Nonsense"]}
    fields = ("title", "year", "directors.1", "genres.1", "genres.2")
    errors = problem(member.post(MOVIES, json=body), 422, *fields)["errors"]
    assert all(error["message"] for error in errors)


@pytest.mark.parametrize(
    "query", ["limit=2&limit=2", "sort=title&sort=year", "cursor=a&cursor=b", "year=1996&year=1996"]
)
def test_repeated_parameter_returns_422_unless_it_is_a_list(client, problem, query):
    problem(client.get(f"{MOVIES}?{query}"), 422, query.partition("=")[0])


def test_unknown_fields_are_rejected_in_every_location():
    assert {
        RequestParser.DEFAULT_UNKNOWN_BY_LOCATION[location] for location in ("json", "query", "form", "files")
    } == {ma.RAISE}
