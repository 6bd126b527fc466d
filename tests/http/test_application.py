"""Rules of every response: request id, headers, methods and paths."""

import itertools

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import EnvironBuilder

from movierating.http.application import Application


@pytest.mark.parametrize("request_id", ["a", "7", "abc-DEF_1.2", "x" * 128])
def test_valid_request_id_of_the_client_is_returned(client, request_id):
    assert client.get("/healthz", headers={"X-Request-ID": request_id}).headers["X-Request-ID"] == request_id


@pytest.mark.parametrize(
    "request_id", ["", " ", "x" * 129, "a b", "a,b", "a;b", "ä", "<script>", "a/b", '"a"', "a\tb"]
)
def test_invalid_request_id_is_replaced(client, request_id):
    returned = client.get("/healthz", headers={"X-Request-ID": request_id}).headers["X-Request-ID"]
    assert returned != request_id
    assert len(returned) == 32


def test_request_ids_are_unique(client):
    ids = {client.get("/healthz").headers["X-Request-ID"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/movies", 200),
        ("GET", "/", 303),
        ("GET", "/docs", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/static/docs.js", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/movies", 405),
        ("GET", "/v1/users/me", 401),
        ("POST", "/v1/users", 415),
    ],
)
def test_every_response_has_a_request_id_and_security_headers(client, method, path, status):
    with client.open(path, method=method) as response:
        assert response.status_code == status
    assert response.headers["X-Request-ID"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "path",
    ["/v1/users/me", "/v1/movies", "/v1/movies/{movie}", "/v1/movies/{movie}/rating", "/v1/auth/tokens"],
)
def test_authenticated_reads_are_revalidated_by_private_caches(member, add_movie, path):
    movie = add_movie()
    member.put(f"/v1/movies/{movie}/rating", json={"value": 8})
    first = member.get(path.format(movie=movie))
    again = member.get(path.format(movie=movie), headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/users"),
        ("GET", "/v1/movies/99/rating"),
        ("GET", "/v1/users/me/ratings/export"),
        ("PATCH", "/v1/users/me"),
    ],
)
def test_authenticated_errors_files_and_writes_are_not_stored(member, method, path):
    response = member._send(method, path, json={} if method == "PATCH" else None)
    assert response.headers["Cache-Control"] == "no-store"


def test_anonymous_reads_are_revalidated_by_any_cache(client):
    assert client.get("/v1/movies").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/movies", {"GET", "HEAD", "OPTIONS", "POST"}),
        # Two blueprints share this address.
        ("PUT", "/v1/movies/1", {"GET", "HEAD", "OPTIONS", "PATCH", "DELETE"}),
        ("POST", "/v1/movies/1/rating", {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}),
        ("GET", "/v1/auth/login", {"OPTIONS", "POST"}),
        ("TRACE", "/v1/movies", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("BREW", "/v1/movies", {"GET", "HEAD", "OPTIONS", "POST"}),
    ],
)
def test_unsupported_method_returns_405_with_the_allowed_ones(client, method, path, allowed):
    response = client.open(path, method=method)
    assert response.status_code == 405
    assert response.content_type == "application/problem+json"
    assert set(response.headers["Allow"].split(", ")) == allowed
    options = client.options(path)
    assert options.status_code == 200
    assert set(options.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(("path", "status"), [("", 405), ("*", 404)])
def test_request_without_a_path_gets_the_same_response_each_time(app, path, status):
    for _ in range(3):
        environ = {"PATH_INFO": path, "REQUEST_METHOD": "CONNECT"}
        assert app.test_client().get("/", environ_overrides=environ).status_code == status


@pytest.mark.parametrize("query", [b"\xff", b"q=\xff", b"q=caf\xe9", b"q=\xed\xa0\x80"])
def test_raw_query_that_is_not_utf8_gets_400(client, query):
    environ = {"QUERY_STRING": query.decode("latin1")}
    for path in ("/v1/movies", "/v1/movies/1", "/v1/users/me", "/movies", "/login", "/healthz", "/docs"):
        response = client.get(path, environ_overrides=environ)
        assert response.status_code == 400
        assert "Percent-encode the query as UTF-8." in response.text


def test_raw_query_in_utf8_is_read_as_if_it_were_percent_encoded(client, add_movie):
    movie_id = add_movie(title="Amélie")
    environ = {"QUERY_STRING": "q=Amélie".encode().decode("latin1")}
    found = client.get("/v1/movies", environ_overrides=environ).json["items"]
    assert [movie["id"] for movie in found] == [movie_id]


HOSTS = ["a.example", "A.example:8000", "[::1]:80", "b..example", "x" * 64, "ä.example", "a b"]


def test_cached_url_adapter_equals_that_of_flask(app):
    for host, scheme, mount in [*itertools.product(HOSTS, ["http", "https"], ["", "/mount"])] * 2:
        for path, query in (("/v1/movies", "limit=1"), ("/é", "é")):
            environ = EnvironBuilder(method="HEAD").get_environ()
            environ |= {"wsgi.url_scheme": scheme, "SCRIPT_NAME": mount, "HTTP_HOST": host}
            environ["PATH_INFO"], environ["QUERY_STRING"] = (
                text.encode().decode("latin1") for text in (path, query)
            )
            ours, flasks = (create_adapter(kind, app, environ) for kind in (Application, Flask))
            assert ours == flasks


def create_adapter(kind, app, environ):
    """Return the attributes of the URL adapter that a class of applications creates, or the error."""
    try:
        return vars(kind.create_url_adapter(app, app.request_class(environ)))
    except HTTPException as error:
        return repr(error)


def test_number_of_cached_url_adapters_is_limited(app):
    for number in range(300):
        app.test_client().get("/livez", headers={"Host": f"{number}.example"})
    assert 0 < len(app._url_adapters) <= 100


def test_head_returns_the_headers_of_get_without_a_body(client, member, add_movie):
    movie_id = add_movie()
    member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8})
    paths = ["", f"/{movie_id}", f"/{movie_id}/rating", f"/{movie_id}/ratings", "?limit=1", "/99"]
    for path in [f"/v1/movies{path}" for path in paths] + ["/v1/genres", "/healthz", "/v1/users/me"]:
        full, head = member.get(path), client.head(path, headers=member.headers)
        assert head.status_code == full.status_code
        assert head.content_type == full.content_type
        assert head.headers.get("ETag") == full.headers.get("ETag")
        assert head.data == b""
