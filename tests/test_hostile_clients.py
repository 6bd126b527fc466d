"""Hostile requests, byte by byte, to a running service: each gets a 4xx, and other clients are served meanwhile.

Clients that send or read slowly are in `http/test_upload_slots.py`.
"""

import contextlib
import json
import re
import socket
import urllib.request

import pytest

MAX_JSON_BYTES = 2048
CLOSE = b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
# Follows a body. A server that disagrees with a proxy about the end of the body would respond to this as well.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def service(serve, copied, empty_instance, tmp_path_factory):
    """A service with one worker; its log must contain no error after all tests."""
    folder = copied(empty_instance, tmp_path_factory.mktemp("hostile") / "instance")
    service = serve(folder, MAX_JSON_BYTES=str(MAX_JSON_BYTES))
    yield service
    assert service.stop() == 0
    assert "error" not in (folder.parent / "service.log").read_text()


@pytest.fixture
def send(service):
    """`send(data)` returns the statuses and all bytes of the responses; the service must close the connection."""

    def exchange(data):
        address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
        received = b""
        with socket.create_connection(address, timeout=60) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(data)
            with contextlib.suppress(ConnectionError):
                while part := connection.recv(65536):
                    received += part
        with urllib.request.urlopen(f"{service.url}/healthz", timeout=60) as other:
            assert other.status == 200
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", received)], received

    return exchange


def get(target, headers=b"", host=b"x"):
    return b"GET %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n" % (target, host, headers, CLOSE)


def post(headers, body, host=b"x"):
    content_type = b"Content-Type: application/json\r\n"
    return b"POST /v1/users HTTP/1.1\r\nHost: %s\r\n%s%s\r\n%s" % (host, content_type, headers, body)


TARGETS = {
    400: [b"", b"v1/movies", b"/ v1", b"http:/v1/movies", b"/\xff", b"/v1/movies/\x00", b"/v1/movies?q=\x00"],
    404: [
        b"*", b"//", b"//v1/movies", b"//evil.example/%2f..", b"/\\evil.example", b"http://evil.example/nowhere",
        b"/../healthz", b"/v1/../healthz", b"/%2e%2e/healthz", b"/static/../config.py", b"/static/%2e%2e/config.py",
        b"/static/..%5cconfig.py", b"/static//etc/passwd", b"/static/%00", b"/static/" + b"a" * 5_000,
        b"/%", b"/%zz", b"/%ff", b"/v1/movies/by-imdb/%ff", b"/v1/movies/1;a=b", b"/v1/movies/%31%00",
        b"/v1/movies/%D9%A1", b"/v1/movies/" + b"9" * 4_000, b"/v1/movies/%0d%0aSet-Cookie:%20a=b",
    ],
    414: [b"/" + b"a" * 70_000],
    422: [
        b"/v1/movies?q=%00", b"/v1/movies?%00=1", b"/v1/movies?q=%ff", b"/v1/movies?%ff=1", b"/v1/movies?cursor=%ff",
        b"/v1/movies?q=%ed%a0%80", b"/v1/movies?q=a%0d%0aSet-Cookie:%20a=b", b"/v1/movies?q=" + b"a" * 60_000,
        b"/v1/movies?" + b"&".join(b"a=%d" % number for number in range(5_000)),
    ],
}  # fmt: skip


def name_case(value):
    """Return a readable test id for bytes."""
    return repr(value[:40]) if isinstance(value, bytes) else None


@pytest.mark.parametrize(
    ("target", "status"),
    [(target, status) for status, targets in TARGETS.items() for target in targets],
    ids=name_case,
)
def test_hostile_target_is_rejected(send, target, status):
    statuses, received = send(get(target))
    assert statuses == [status]
    assert b"set-cookie" not in received.lower().partition(b"\r\n\r\n")[0]


HEADERS = {
    "NUL": (b"X-A: a\x00b\r\n", 400),
    "carriage return": (b"X-A: a\rb\r\n", 400),
    "folded": (b"X-A: a\r\n b\r\n", 400),
    "space before the colon": (b"X-A : a\r\n", 400),
    "no colon": (b"X-A\r\n", 400),
    "not UTF-8": (b"X-A: \xff\xfe\r\n", 401),
    "a token that is not UTF-8": (b"Authorization: Bearer mr_\xff\r\n", 401),
    "two tokens": (b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", 401),
    "many ETags": (b"If-None-Match: " + b'"a",' * 5_000 + b"\r\n", 401),
    "two request ids": (b"X-Request-ID: a\r\nX-Request-ID: b\r\n", 401),
    "many cookies": (b"Cookie: " + b"a=b;" * 5_000 + b"\r\n", 401),
    "many ranges": (b"Range: bytes=" + b"0-0," * 5_000 + b"\r\n", 401),
    "WebSocket": (b"Upgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n", 401),
    "HTTP/2": (b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAA\r\n", 401),
    "100 headers": (b"".join(b"X-%d: a\r\n" % number for number in range(100)), 431),
    "a long value": (b"X-A: " + b"a" * 200_000 + b"\r\n", 431),
    "a long name": (b"X" * 200_000 + b": a\r\n", 431),
}


@pytest.mark.parametrize(("headers", "status"), HEADERS.values(), ids=HEADERS)
def test_hostile_header_is_rejected_or_ignored(send, headers, status):
    assert send(get(b"/v1/users/me", headers))[0] == [status]


REQUEST_LINES = {
    400: [
        b"GE\x00T / HTTP/1.1", b"GET / HTTP/3.7", b"GET /", b"PRI * HTTP/2.0\r\n\r\nSM",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    ],
    404: [b"OPTIONS * HTTP/1.1"],
    405: [b"get /v1/movies HTTP/1.1", b"TRACE /v1/movies HTTP/1.1", b"A" * 9_000 + b" /v1/movies HTTP/1.1"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(line, status) for status, lines in REQUEST_LINES.items() for line in lines],
    ids=name_case,
)
def test_hostile_request_line_is_rejected(send, request_line, status):
    assert send(request_line + b"\r\nHost: x\r\n" + CLOSE + b"\r\n")[0] == [status]


def test_connect_to_another_host_is_rejected(send):
    statuses, _ = send(b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n")
    assert statuses in ([404], [405])


FRAMINGS = {
    "chunked, then a length": (CHUNKED + b"Content-Length: 4\r\n", b"0\r\n\r\n"),
    "a length, then chunked": (b"Content-Length: 4\r\n" + CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"),
    "chunked, then identity": (CHUNKED + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"),
    "a list that ends in identity": (b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    "identity": (b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n", b"{}"),
    "no such coding": (b"Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n", b"{}"),
    "folded": (b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"),
    "a space before the colon": (b"Transfer-Encoding : chunked\r\nContent-Length: 2\r\n", b"{}"),
    "a vertical tab": (b"Transfer-Encoding:\x0bchunked\r\nContent-Length: 2\r\n", b"{}"),
    "two lengths": (b"Content-Length: 2\r\nContent-Length: 40\r\n", b"{}"),
    "a list of lengths": (b"Content-Length: 2, 2\r\n", b"{}"),
    **{f"the length {text!r}": (b"Content-Length: %s\r\n" % text, b"{}")
       for text in (b"+2", b"-1", b"0x2", b"1e1", b"2 0", b"", b"2\x00", b"\xd9\xa2", b"9" * 30)},
    **{f"the chunk size {text!r}": (CHUNKED, text + b"{}\r\n0\r\n\r\n")
       for text in (b"zz\r\n", b"-2\r\n", b"+2\r\n", b"0x2\r\n", b"0_2\r\n", b" 2\r\n", b"\r\n", b"2\n", b"2;a\n",
                    b"f" * 17 + b"\r\n", b"2;" + b"a" * 100_000 + b"\r\n")},
    "a chunk that goes on": (CHUNKED, b"2\r\n{}{}\r\n0\r\n\r\n"),
    "a chunk that is cut off": (CHUNKED, b"a0\r\n{}\r\n0\r\n\r\n" + bytes(200)),
    "5,000 trailers": (CHUNKED, b"2\r\n{}\r\n0\r\n" + b"X-A: a\r\n" * 5_000 + b"\r\n"),
}  # fmt: skip


@pytest.mark.parametrize(("headers", "body"), FRAMINGS.values(), ids=FRAMINGS)
def test_body_with_ambiguous_end_smuggles_no_request(send, headers, body):
    statuses, received = send(post(headers, body + SMUGGLED))
    assert len(statuses) == 1
    assert 400 <= statuses[0] < 500
    assert b"smuggled" not in received


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Content-Length: 1000000000000\r\n", b""),
        (b"Content-Length: %d\r\n" % (MAX_JSON_BYTES + 1), b"{"),
        (CHUNKED, (b"400\r\n" + b" " * 1024 + b"\r\n") * 3),
    ],
    ids=["a terabyte", "a byte too many", "endless chunks"],
)
def test_body_over_the_limit_is_rejected_before_its_end(send, headers, body):
    assert send(post(headers, body))[0] == [413]


# Makes the body of a sign-up valid except for the username.
OTHER_FIELDS = b', "email": "eve@example.org", "password": "correct horse battery"}'

BODIES = {
    "a large exponent": (b'{"username": 1e400}', 400),
    "a long number": (b'{"username": 1' + b"0" * 400 + b"}", 400),
    "a repeated name": (b'{"username": "ada", "username": "bob"}', 400),
    "a repeated, escaped name in a list": (b'{"username": [{"a": 1, "\\u0061": 2}]}', 400),
    "a repeated name and deep nesting": (
        b'{"username": ' + b"[" * 1000 + b"]" * 1000 + b', "username": "ada"}',
        400,
    ),
    "NUL": (b'{"username": "a\\u0000b"' + OTHER_FIELDS, 422),
    "a Cyrillic letter": ('{"username": "\u0430dmin"'.encode() + OTHER_FIELDS, 422),
    "a line break": (b'{"username": "ada\\r\\nSet-Cookie: a=b"' + OTHER_FIELDS, 422),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
def test_hostile_json_is_rejected(send, body, status):
    statuses, received = send(post(b"Content-Length: %d\r\n" % len(body) + CLOSE, body))
    assert statuses == [status]
    assert json.loads(received.partition(b"\r\n\r\n")[2])["status"] == status


@pytest.mark.parametrize("host", [b"evil.example", b"a b", b"[::1", b"x@evil.example", b"<script>"])
def test_location_never_contains_a_host_from_the_client(send, host):
    forwarded = b"X-Forwarded-Host: evil.example\r\nX-Forwarded-Prefix: //evil.example\r\n"
    name = f"name{host.hex()[:20]}"
    account = {"username": name, "email": f"{name}@example.org", "password": "correct horse battery"}
    body = json.dumps(account).encode()
    for expected, request in (
        (201, post(forwarded + b"Content-Length: %d\r\n%s" % (len(body), CLOSE), body, host)),
        (303, get(b"/", forwarded, host)),
        (303, get(b"http://evil.example", forwarded)),
    ):
        statuses, received = send(request)
        assert statuses == [expected]
        head = received.partition(b"\r\n\r\n")[0]
        (location,) = re.findall(rb"^location: (.+)\r$", head, re.MULTILINE | re.IGNORECASE)
        assert re.fullmatch(rb"/movies|/v1/users/\d+", location)
        assert b"evil" not in head


@pytest.mark.parametrize("path", [b"/v1/movies", b"/v1/users/me"])
@pytest.mark.parametrize(
    "request_end",
    [
        b" HTTP/1.1\r\n",
        b" HTTP/1.0\r\n",
        b" HTTP/1.1\r\nHost:\r\n",
        b" HTTP/1.1\r\nHost: \xff\r\n",
        b" HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        b" HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
        b" HTTP/1.0\r\nHost: a\r\nhost: b\r\n",
    ],
)
def test_request_without_exactly_one_host_gets_400(send, path, request_end):
    assert send(get(path))[0] in ([200], [401])
    assert send(b"GET " + path + request_end + CLOSE + b"\r\n")[0] == [400]
