"""What holds for every answer: its id, its headers, its shape when it is an error."""

import http.client
import itertools
import json
import logging
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException, ImATeapot
from werkzeug.test import EnvironBuilder

from movierating.errors import Unavailable
from movierating.http.application import Application
from movierating.monitoring import logs

SECRET = "the password is hunter2"
MAX_JSON = 2048


@pytest.fixture
def records():
    """What is logged meanwhile."""
    kept = []
    handler = logging.Handler()
    handler.emit = kept.append
    logs.logger.addHandler(handler)
    yield kept
    logs.logger.removeHandler(handler)


@pytest.fixture
def failing(app):
    """`failing(error)` is the answer of an operation that raises it."""

    def ask(error, **kwargs):
        def fail():
            raise error

        app.add_url_rule("/failing", view_func=fail)
        return app.test_client().get("/failing", **kwargs)

    return ask


@pytest.mark.parametrize("given", ["a", "7", "abc-DEF_1.2", "x" * 128])
def test_the_clients_own_request_id_is_kept(client, given):
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given", ["", " ", "x" * 129, "a b", "a,b", "a;b", "ä", "<script>", "a/b", '"a"', "a\tb"]
)
def test_another_request_id_is_replaced(client, given):
    answered = client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert answered != given
    assert len(answered) == 32


def test_a_request_id_is_never_given_twice(client):
    ids = {client.get("/healthz").headers["X-Request-ID"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/movies", 200),
        ("OPTIONS", "/v1/movies", 200),
        ("GET", "/", 302),
        ("GET", "/docs", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/static/docs.js", 200),
        ("GET", "/static/nowhere", 404),
        ("GET", "/metrics", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/movies", 405),
        ("GET", "/v1/users/me", 401),
        ("GET", "/v1/movies?limit=0", 422),
        ("POST", "/v1/users", 415),
    ],
)
def test_every_answer_carries_an_id_and_the_security_headers(client, method, path, status):
    with client.open(path, method=method) as answer:
        assert answer.status_code == status
    assert answer.headers["X-Request-ID"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_an_answer_to_somebody_is_not_stored_and_one_to_anybody_is_asked_for_again(client, member):
    assert member.get("/v1/users/me").headers["Cache-Control"] == "no-store"
    assert client.get("/v1/movies").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1", "/v1/", "/v1/nowhere", "/%00", "/v1/movies/%2e%2e", "/static/../x"]
)
def test_an_unknown_address_is_a_404_that_does_not_repeat_it(client, problem, path):
    assert path not in problem(client.get(path), 404)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/movies", {"GET", "HEAD", "OPTIONS", "POST"}),
        # Two blueprints share this address.
        ("PUT", "/v1/movies/1", {"GET", "HEAD", "OPTIONS", "PATCH", "DELETE"}),
        ("POST", "/v1/movies/1/rating", {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}),
        ("POST", "/v1/movies/1/ratings", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/v1/auth/login", {"OPTIONS", "POST"}),
        ("HEAD", "/v1/auth/login", {"OPTIONS", "POST"}),
        ("POST", "/v1/genres", {"GET", "HEAD", "OPTIONS"}),
        ("TRACE", "/v1/movies", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("BREW", "/v1/movies", {"GET", "HEAD", "OPTIONS", "POST"}),
    ],
)
def test_a_method_that_an_address_does_not_take_is_a_405_with_those_it_does(client, method, path, allowed):
    answer = client.open(path, method=method)
    assert answer.status_code == 405
    assert answer.content_type == "application/problem+json"
    assert set(answer.headers["Allow"].split(", ")) == allowed
    options = client.options(path)
    assert options.status_code == 200
    assert set(options.headers["Allow"].split(", ")) == allowed


HOSTS = ["a.example", "A.example:8000", "[::1]:80", "b..example", "x" * 64, "ä.example", "a b"]


def test_what_is_known_of_a_host_is_what_flask_finds(app):
    places = itertools.product(HOSTS, ["http", "https"], ["", "/mount"])
    for host, scheme, mount in [*places] * 2:
        environ = EnvironBuilder(method="HEAD").get_environ()
        environ |= {"wsgi.url_scheme": scheme, "SCRIPT_NAME": mount, "HTTP_HOST": host}
        assert bound(app, environ, "/v1/movies", "limit=1") == bound(
            app, environ, "/v1/movies", "limit=1", Flask
        )
        assert bound(app, environ, "/é", "é") == bound(app, environ, "/é", "é", Flask)


def bound(app, environ, path, query, kind=Application):
    """What a request is matched by, as this kind of application finds it."""
    encoded = [text.encode().decode("latin1") for text in (path, query)]
    given = {**environ, "PATH_INFO": encoded[0], "QUERY_STRING": encoded[1]}
    request = app.request_class({name: value for name, value in given.items() if value is not None})
    try:
        return {
            name: value
            for name, value in vars(kind.create_url_adapter(app, request)).items()
            if name != "map"
        }
    except HTTPException as error:
        return repr(error)


def test_hosts_that_are_known_are_bounded(app):
    for number in range(300):
        app.test_client().get("/livez", headers={"Host": f"{number}.example"})
    assert 0 < len(app._url_adapters) <= 100


def test_head_answers_as_get_does_without_the_body(client, member, add_movie):
    movie_id = add_movie()
    member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8})
    paths = ["", f"/{movie_id}", f"/{movie_id}/rating", f"/{movie_id}/ratings", "?limit=1", "/99"]
    for path in [f"/v1/movies{path}" for path in paths] + ["/v1/genres", "/healthz", "/v1/users/me"]:
        full, head = member.get(path), client.head(path, headers=member.headers)
        assert head.status_code == full.status_code
        assert head.content_type == full.content_type
        assert head.headers.get("ETag") == full.headers.get("ETag")
        assert head.data == b""


def test_a_failure_tells_the_client_its_id_and_the_log_everything(failing, problem, records):
    body = problem(failing(ZeroDivisionError(SECRET), headers={"X-Request-ID": "mine"}), 500)
    assert SECRET not in json.dumps(body)
    assert "ZeroDivision" not in json.dumps(body)
    assert body["request_id"] == "mine"
    [failure] = [record for record in records if record.exc_info]
    line = json.loads(logs.JsonFormatter().format(failure))
    assert "ZeroDivisionError" in line["traceback"]
    assert line["request_id"] == "mine"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (IntegrityError("SELECT", {}, Exception(SECRET)), 500),
        (OperationalError("SELECT", {}, Exception(SECRET)), 503),
        (Unavailable("Not ready."), 503),
        (ImATeapot(), 418),
    ],
)
def test_error_of_any_layer_becomes_problem_details(failing, problem, error, status):
    response = failing(error)
    assert SECRET not in problem(response, status)["detail"]
    assert ("Retry-After" in response.headers) == (status == 503)


def test_a_401_names_the_scheme(client, problem):
    answer = client.get("/v1/users/me")
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.fixture(scope="module")
def connect(serve, copied, empty_instance, tmp_path_factory):
    """`connect()` is a new connection to a live service that takes bodies up to MAX_JSON."""
    folder = copied(empty_instance, tmp_path_factory.mktemp("live") / "instance")
    place = urlsplit(serve(folder, MAX_JSON_BYTES=str(MAX_JSON)).url)
    made = []

    def make():
        made.append(http.client.HTTPConnection(place.hostname, place.port, timeout=10))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def in_chunks(*parts):
    """Parts of a body as `Transfer-Encoding: chunked` has them."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "with its length"])
@pytest.mark.parametrize(("size", "status"), [(MAX_JSON, 400), (MAX_JSON + 1, 413), (MAX_JSON + 512, 413)])
def test_the_server_holds_the_limit_however_a_body_comes(connect, chunked, size, status):
    connection, body = connect(), b" " * size
    headers = {"Content-Type": "application/json", **({"Transfer-Encoding": "chunked"} if chunked else {})}
    connection.request("POST", "/v1/users", in_chunks(body[:512], body[512:]) if chunked else body, headers)
    answer = connection.getresponse()
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert json.loads(answer.read())["request_id"] == answer.headers["X-Request-ID"]


def test_a_chunked_body_is_read(connect):
    connection = connect()
    body = in_chunks(b'{"username": "x"', b', "email": "no", "password": ""}')
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/v1/users", body, headers)
    answer = connection.getresponse()
    assert answer.status == 422
    assert {error["field"] for error in json.loads(answer.read())["errors"]} == {
        "username",
        "email",
        "password",
    }


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nb"])
def test_a_line_break_cannot_be_smuggled_into_an_answer(connect, value):
    connection = connect()
    connection.putrequest("GET", "/v1/movies")
    # http.client would refuse it.
    connection._buffer.append(f"X-Request-ID: {value}".encode())
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    assert answer.headers["Set-Cookie"] is None
    assert "\n" not in (answer.headers["X-Request-ID"] or "")
