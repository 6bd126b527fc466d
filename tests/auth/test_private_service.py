"""MOVIERATING_PRIVATE: without an account, only public views respond."""

import json
import re

import pytest
from click.testing import CliRunner

from movierating.cli.main import main
from movierating.movies import service as movies
from movierating.storage import database
from movierating.users import service as users

PASSWORD = "correct horse battery"
PUBLIC = {
    *(
        "/",
        "/docs",
        "/openapi.json",
        "/problems",
        "/problems/",
        "/problems/<kind>",
        "/static/<path:filename>",
    ),
    *("/healthz", "/readyz", "/metrics"),
    *("/login", "/sign-up", "/invite/<token>", "/reset/<token>", "/static/pages/<name>"),
}
PUBLIC_POSTS = {
    *("/v1/users", "/v1/auth/login", "/v1/auth/password-reset"),
    *("/login", "/sign-up", "/reset"),
}
READS = [
    "/v1/movies/1",
    "/v1/movies",
    "/v1/movies?q=emma",
    "/v1/movies/1/ratings",
    "/v1/users/1",
    "/v1/genres",
]


@pytest.fixture
def private_app(make_app):
    """A private application with one member and one movie, in its context."""
    app = make_app(PRIVATE="true")
    with app.app_context():
        users.sign_up("ada", "ada@example.org", PASSWORD, None)
        movies.create_movie({"title": "Emma", "year": 1996})
        yield app


@pytest.fixture
def client(private_app):
    return private_app.test_client()


@pytest.fixture
def tokens(client):
    """The response to a login."""
    response = client.post("/v1/auth/login", json={"login": "ada", "password": PASSWORD})
    assert response.status_code == 200
    return response.json


@pytest.fixture
def headers(tokens):
    """Headers of a member."""
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def list_requests(app):
    """Yield method, rule and path of each operation and page."""
    for rule in app.url_map.iter_rules():
        path = re.sub(
            r"<(?:[^:<>]+:)?(\w+)>", lambda match: "x" if match[1] in ("kind", "filename") else "1", rule.rule
        )
        for method in rule.methods - {"OPTIONS"}:
            yield method, rule.rule, path


def test_only_public_views_can_be_read_without_an_account(private_app, client):
    for method, rule, path in list_requests(private_app):
        response = client.open(path, method=method, headers={"Sec-Fetch-Site": "same-origin"})
        leads_to_login = response.status_code == 303 and response.location.startswith("/login")
        is_public = rule in PUBLIC if method in ("GET", "HEAD") else method == "POST" and rule in PUBLIC_POSTS
        assert (response.status_code == 401 or leads_to_login) != is_public, (method, rule, response)


def test_openapi_document_says_which_operations_require_a_token(private_app, client):
    for path, operations in client.get("/openapi.json").json["paths"].items():
        for method in operations.keys() - {"parameters"}:
            response = client.open(re.sub(r"{\w+}", "1", path), method=method.upper())
            # Metrics have a token of their own, and are text.
            requires_token = (response.json or {}).get("type") == "/problems/token-missing"
            schemes = operations[method]["security"]
            assert requires_token == (schemes in ([{"bearer": []}], [{"refresh": []}])), (method, path)
            assert not requires_token or "401" in operations[method]["responses"], (method, path)


@pytest.mark.sqlite
def test_command_prints_the_same_openapi_document(private_app, client, monkeypatch):
    monkeypatch.setenv("MOVIERATING_INSTANCE_PATH", private_app.instance_path)
    monkeypatch.setenv("MOVIERATING_PRIVATE", "true")
    document = client.get("/openapi.json").json
    assert json.loads(CliRunner().invoke(main, ["openapi"]).output) == document


def test_anonymous_readers_get_401_before_other_errors(client, problem):
    for path in ("/v1/movies/999", "/v1/movies?limit=x", "/v1/movies?unknown=1", "/v1/movies/by-imdb/tt1"):
        assert problem(client.get(path), 401)["type"] == "/problems/token-missing"
    invalid = {"Authorization": "Bearer x"}
    assert problem(client.get("/v1/movies", headers=invalid), 401)["type"] == "/problems/token-invalid"


@pytest.mark.parametrize("path", READS)
def test_response_cache_gives_nothing_to_anonymous_readers(client, headers, path, problem):
    problem(client.get(path), 401)
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    assert "private" in response.headers["Cache-Control"]
    problem(client.get(path), 401)
    problem(client.get(path, headers={"If-None-Match": response.headers["ETag"]}), 401)
    problem(client.get(path, headers={"If-None-Match": "*"}), 401)


def test_response_cache_stores_no_reads_of_members(private_app, client, headers):
    for path in READS:
        for sent in (headers, {}, {**headers, "Origin": "https://films.example"}):
            client.get(path, headers=sent)
    assert private_app.wsgi_app._responses == {}


def test_personal_token_with_scope_read_can_read(client, headers):
    body = {"name": "script", "scope": "read"}
    token = client.post("/v1/auth/tokens", json=body, headers=headers).json["token"]
    reader = {"Authorization": f"Bearer {token}"}
    assert [client.get(path, headers=reader).status_code for path in READS] == [200] * len(READS)


def test_session_can_be_opened_and_refreshed(client, tokens):
    refresh = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    assert client.post("/v1/auth/refresh", headers=refresh).status_code == 200
    eve = {"username": "eve", "email": "eve@example.org", "password": PASSWORD}
    assert client.post("/v1/users", json=eve).status_code == 201


def test_ended_session_can_read_nothing(client, headers, problem):
    assert client.post("/v1/auth/logout", headers=headers).status_code == 204
    problem(client.get("/v1/movies", headers=headers), 401)


def test_metrics_keep_their_own_token(make_app):
    app = make_app(PRIVATE="true", METRICS_TOKEN="t" * 16)
    client = app.test_client()
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {'t' * 16}"}).status_code == 200
    with app.app_context():
        database.close()


def test_preflight_of_a_browser_needs_no_account(make_app):
    client = make_app(PRIVATE="true", CORS_ORIGINS="https://films.example").test_client()
    preflight = {"Origin": "https://films.example", "Access-Control-Request-Method": "GET"}
    response = client.options("/v1/movies", headers=preflight)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "https://films.example"


def test_upload_limit_applies_to_files_as_before(client, headers):
    file = b"title,year,value\nEmma,1996,8\n" + b" " * 2**20
    response = client.post(
        "/v1/users/me/ratings/import", data=file, headers={**headers, "Content-Type": "text/csv"}
    )
    assert response.status_code == 200, response.text


def test_pages_lead_to_the_login_and_back(client, private_app):
    same_site = {"Sec-Fetch-Site": "same-origin"}
    assert client.get("/movies/1").location == "/login?next=/movies/1"
    form = {"login": "ada", "password": PASSWORD, "next": "/movies/1"}
    response = client.post("/login", data=form, headers=same_site)
    assert (response.status_code, response.location) == (303, "/movies/1")
    page = client.get("/movies/1")
    assert page.status_code == 200
    assert "Emma" in page.text
    other = private_app.test_client()
    for known in ({}, {"If-None-Match": page.headers["ETag"]}):
        assert other.get("/movies/1", headers=known).status_code == 303
