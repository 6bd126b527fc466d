"""How strictly operations read requests."""

import pytest

from movierating.http.blueprint import Blueprint, check_exists_first

PASSWORD = "correct horse battery"
RATING, MOVIES = "/v1/movies/{}/rating", "/v1/movies"
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
def call(admin, add_movie, sign_up):
    """`call("PUT", "/v1/movies/<id:movie_id>/rating", query="?a=b")` sends what the operation would take."""
    movie_id = add_movie(imdb_id="tt0111161", tmdb_id=278)
    admin.put(RATING.format(movie_id), json={"value": 5})
    token_id = admin.post("/v1/auth/tokens", json={"name": "old", "scope": "read"}).json["id"]
    invitation_id = admin.post("/v1/invitations").json["id"]
    link = admin.post(f"/v1/users/{admin.id}/password-reset").json
    new_password = {"token": link["token"], "password": "another long secret"}
    bodies = {**BODIES, "POST /v1/auth/password-reset": new_password}
    values = {"<id:movie_id>": movie_id, "<id:user_id>": sign_up().id, "<id:token_id>": token_id}
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


def test_operation_without_a_body_rejects_one(member, problem):
    body = problem(member.post("/v1/auth/logout", json={"a": 1}), 422, "")
    assert body["errors"][0]["location"] == "json"
    assert member.post("/v1/auth/logout", json={}).status_code == 204
