"""Networks of clients, and headers of trusted proxies."""

import io
import socket

import pytest

from movierating.http.proxies import get_network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unknown", "unknown"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8:1:2::1]:4711", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]", "2001:db8:1:2::/64"),
    ],
)
def test_network_is_the_ipv4_address_or_the_first_64_bits_of_ipv6(address, network):
    assert get_network(address) == network


@pytest.fixture
def location(make_app):
    """`location(TRUSTED_PROXIES="1", prefix=…)` returns the Location of a response to a request with that prefix."""

    def get(prefix, **settings):
        client = make_app(**settings).test_client()
        return client.get("/", headers={"X-Forwarded-Prefix": prefix}).headers["Location"]

    return get


@pytest.mark.parametrize("prefix", ["/films", "/a/b-c.d_e~f"])
def test_prefix_of_a_trusted_proxy_is_the_mount_point(location, prefix):
    assert location(prefix, TRUSTED_PROXIES="1") == f"{prefix}/movies"
    assert location(prefix) == "/movies"


@pytest.mark.parametrize(
    "prefix",
    [
        "//evil.example",
        "https://evil.example",
        "films",
        "/a//b",
        "/a b",
        "/é",
    ],
)
def test_invalid_prefix_is_ignored(location, prefix):
    assert location(prefix, TRUSTED_PROXIES="1") == "/movies"


@pytest.mark.parametrize(("path", "status"), [("/v1/users", 400), ("/v1/users/me/ratings/import", 401)])
def test_long_body_is_read_to_its_end_and_no_further(make_app, path, status):
    client = make_app(TRUSTED_PROXIES="1").test_client()
    server_end, proxy_end = socket.socketpair()
    with server_end, proxy_end, server_end.makefile("rb") as stream:
        proxy_end.sendall(b"x" * 10_000 + b"next request")
        environ = {"wsgi.input": stream, "CONTENT_LENGTH": "10000"}
        response = client.post(path, environ_overrides=environ, content_type="application/json")
        assert response.status_code == status
        assert stream.read(12) == b"next request"


def test_client_that_disconnects_is_not_an_error(make_app, caplog):
    client = make_app(TRUSTED_PROXIES="1").test_client()
    environ = {"wsgi.input": io.BytesIO(b"x"), "CONTENT_LENGTH": "10000"}
    response = client.post("/v1/users/me/ratings/import", environ_overrides=environ, content_type="text/csv")
    assert response.status_code == 401
    assert caplog.records == []
