"""How strictly requests are read, on real operations."""

import gzip

import marshmallow as ma
import pytest

from movierating.http.blueprint import Blueprint, RequestParser, check_exists_first

PASSWORD = "correct horse battery"
RATING, MOVIES, SIGN_UP = "/v1/movies/{}/rating", "/v1/movies", "/v1/users"
BODIES = {
    "POST /v1/users/me/ratings": {"ratings": [{"movie_id": 1, "value": 8}]},
    "POST /v1/users/me/ratings/delete": {"ratings": [{"movie_id": 1}]},
    "POST /v1/users": {"username": "grace", "email": "grace@example.org", "password": PASSWORD},
    "PATCH /v1/users/me": {"display_name": "Grace"},
    "DELETE /v1/users/me": {"current_password": PASSWORD},
    "POST /v1/users/me/delete": {"current_password": PASSWORD},
    "PATCH /v1/users/<id:user_id>": {"active": False},
    "POST /v1/auth/login": {"login": "boss", "password": PASSWORD},
    "POST /v1/auth/tokens": {"name": "script", "scope": "read"},
    "POST /v1/movies": {"title": "Emma", "year": 1996},
    "PATCH /v1/movies/<id:movie_id>": {"title": "Emma"},
    "PUT /v1/movies/<id:movie_id>/rating": {"value": 8},
    "POST /v1/movies/<id:movie_id>/merge": {"into": 7},
}


def operations(app):
    """(method, rule) of every operation of the API."""
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/v1/", "/healthz", "/readyz"))
        for method in rule.methods - {"HEAD", "OPTIONS"}
    )


@pytest.fixture
def call(admin, add_movie):
    """`call("PUT", "/v1/movies/<id:movie_id>/rating", query="?a=b")` sends what the operation would take."""
    movie_id = add_movie(imdb_id="tt0111161", tmdb_id=278)
    admin.put(RATING.format(movie_id), json={"value": 5})
    token_id = admin.post("/v1/auth/tokens", json={"name": "old", "scope": "read"}).json["id"]
    invitation_id = admin.post("/v1/invitations").json["id"]
    link = admin.post(f"/v1/users/{admin.id}/password-reset").json
    new_password = {"token": link["token"], "password": "another long secret"}
    bodies = {**BODIES, "POST /v1/auth/password-reset": new_password}
    values = {"<id:movie_id>": movie_id, "<id:user_id>": admin.id, "<id:token_id>": token_id}
    values |= {"<id:invitation_id>": invitation_id}
    values |= {"<string(maxlength=12):imdb_id>": "tt0111161", "<id:tmdb_id>": 278}
    values |= {"<string(maxlength=30):username>": admin.username}

    def send(method, rule, query="", **kwargs):
        path = rule
        for placeholder, value in values.items():
            path = path.replace(placeholder, str(value))
        kind = "refresh_token" if rule.endswith("/refresh") else "access_token"
        headers = {"Authorization": f"Bearer {admin.tokens[kind]}", "If-Match": "*"}
        kwargs = kwargs or {"json": bodies.get(f"{method} {rule}")}
        return admin.client.open(path + query, method=method, headers=headers, **kwargs)

    return send


def test_every_operation_rejects_unknown_query_parameters(app, call, problem):
    found = operations(app)
    assert len(found) > 20
    for method, rule in found:
        errors = problem(call(method, rule, "?surprise=1"), 422, "surprise")["errors"]
        assert [error["location"] for error in errors] == ["query"], (method, rule)


def test_every_operation_with_a_body_rejects_unknown_fields(call, problem):
    for operation, body in BODIES.items():
        method, rule = operation.split()
        response = call(method, rule, json={**body, "surprise": 1, "id": 7})
        assert {error["location"] for error in problem(response, 422, "surprise", "id")["errors"]} == {"json"}


def test_every_operation_with_a_body_accepts_only_json(call, problem):
    for operation in BODIES:
        for content_type in (None, "text/plain", "application/x-www-form-urlencoded"):
            problem(call(*operation.split(), data=b"{}", content_type=content_type), 415)


def test_every_operation_with_a_body_rejects_a_compressed_one(call, problem):
    for operation, body in BODIES.items():
        problem(call(*operation.split(), json=body, environ_overrides={"HTTP_CONTENT_ENCODING": "gzip"}), 415)


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


def test_operation_without_parameters_rejects_those_of_another(client, problem):
    assert client.get(f"{MOVIES}?limit=2").status_code == 200
    problem(client.get("/v1/genres?limit=2"), 422, "limit")


@pytest.mark.parametrize(
    "number", ["0", "99999", "9" * 18, "9" * 19, "9" * 400, "-1", "1.5", "1e3", "%D9%A3", "%EF%BC%91", "abc"]
)
def test_impossible_id_returns_404(client, problem, number):
    for path in ("/v1/movies/{}", "/v1/movies/{}/ratings", "/v1/users/{}", "/v1/users/{}/ratings"):
        problem(client.get(path.format(number)), 404)


def test_write_to_an_impossible_id_returns_404(admin, problem):
    for number in ("0", "9" * 18, "9" * 400, "-1"):
        problem(admin.put(RATING.format(number), json={"value": 8}), 404)
        problem(admin.patch(f"/v1/movies/{number}", json={}, headers={"If-Match": "*"}), 404)
        problem(admin.delete(f"/v1/movies/{number}", headers={"If-Match": "*"}), 404)
        problem(admin.patch(f"/v1/users/{number}", json={}), 404)
        problem(admin.delete(f"/v1/auth/tokens/{number}"), 404)


@pytest.mark.parametrize(
    "path", ["//v1/movies", "/v1//movies", "/v1/movies/", "/v1/movies//1", "/V1/movies", "/v1/Movies"]
)
def test_path_in_another_spelling_returns_404(client, problem, path):
    # The client would read what follows `//` as a host.
    problem(client.get("/", environ_overrides={"PATH_INFO": path}), 404)


def test_missing_resource_returns_404_before_an_invalid_request_returns_422(client, member, problem):
    for path in ("/v1/movies/99", "/v1/movies/by-imdb/tt0000000", "/v1/movies/99/ratings", "/v1/users/99"):
        problem(client.get(f"{path}?surprise=1"), 404)
    problem(member.get("/v1/movies/99/rating?surprise=1"), 404)
    problem(member.delete("/v1/movies/99/rating?surprise=1"), 404)
    problem(member.put("/v1/movies/99/rating?surprise=1", json={"value": "x"}), 404)
    problem(member.put("/v1/movies/99/rating", data=b"{", content_type="application/json"), 404)
    problem(member.put("/v1/movies/99/rating", data=b"value=8"), 404)


def test_check_exists_first_skips_valid_requests():
    calls = []
    view = check_exists_first(lambda **path: calls.append(path))(lambda _self, **path: "done")
    assert view(None, movie_id=7) == "done"
    assert calls == []


def test_documenting_an_operation_does_not_change_another():
    first = Blueprint.error_responses(404)(lambda: None)
    second = Blueprint.error_responses(409)(lambda: None)
    assert set(first._apidoc["response"]["responses"]) == {404}
    assert set(second._apidoc["response"]["responses"]) == {409}


def test_unknown_fields_are_rejected_in_every_location():
    assert {
        RequestParser.DEFAULT_UNKNOWN_BY_LOCATION[location] for location in ("json", "query", "form", "files")
    } == {ma.RAISE}


def test_operation_without_a_body_rejects_one(member, problem):
    body = problem(member.post("/v1/auth/logout", json={"a": 1}), 422, "")
    assert body["errors"][0]["location"] == "json"
    assert member.post("/v1/auth/logout", json={}).status_code == 204
