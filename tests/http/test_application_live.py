"""Requests as a server reads them: chunked bodies, and line breaks in headers."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

MAX_JSON = 2048


@pytest.fixture(scope="module")
def connect(serve, copied, empty_instance, tmp_path_factory):
    """`connect()` is a new connection to a live service that takes bodies up to MAX_JSON."""
    folder = copied(empty_instance, tmp_path_factory.mktemp("live") / "instance")
    address = urlsplit(serve(folder, MAX_JSON_BYTES=str(MAX_JSON)).url)
    connections = []

    def make():
        connections.append(http.client.HTTPConnection(address.hostname, address.port, timeout=60))
        return connections[-1]

    yield make
    for connection in connections:
        connection.close()


def in_chunks(*parts):
    """Parts of a body as `Transfer-Encoding: chunked` has them."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "with its length"])
@pytest.mark.parametrize(("size", "status"), [(MAX_JSON, 400), (MAX_JSON + 1, 413), (MAX_JSON + 512, 413)])
def test_body_over_the_limit_returns_413_chunked_or_not(connect, chunked, size, status):
    connection, body = connect(), b" " * size
    headers = {"Content-Type": "application/json", **({"Transfer-Encoding": "chunked"} if chunked else {})}
    connection.request("POST", "/v1/users", in_chunks(body[:512], body[512:]) if chunked else body, headers)
    response = connection.getresponse()
    assert response.status == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(response.read())["request_id"] == response.headers["X-Request-ID"]


def test_chunked_body_is_read(connect):
    connection = connect()
    body = in_chunks(b'{"username": "x"', b', "email": "no", "password": ""}')
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/v1/users", body, headers)
    response = connection.getresponse()
    assert response.status == 422
    assert {error["field"] for error in json.loads(response.read())["errors"]} == {
        "username",
        "email",
        "password",
    }


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nb"])
def test_line_break_in_a_header_cannot_split_a_response(connect, value):
    connection = connect()
    connection.putrequest("GET", "/v1/movies")
    # http.client would reject it.
    connection._buffer.append(f"X-Request-ID: {value}".encode())
    connection.endheaders()
    response = connection.getresponse()
    response.read()
    assert response.headers["Set-Cookie"] is None
    assert "\n" not in (response.headers["X-Request-ID"] or "")
