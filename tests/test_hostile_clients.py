"""Hostile requests, byte by byte, against the running service: refused, never a 5xx, and others are answered meanwhile.

Those that send or take their bytes slowly are in `test_slow_clients.py`.
"""

import contextlib
import json
import re
import socket
import urllib.request

import pytest

MAX_JSON = 2048
END = b"Connection: close\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
# Stands behind a body: a server that reads less of that than a proxy before it would answer this as well.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def service(serve, copied, empty_instance, tmp_path_factory):
    """A service with one worker; after all of its tests, nothing in its log is a failure."""
    folder = copied(empty_instance, tmp_path_factory.mktemp("hostile") / "instance")
    service = serve(folder, MAX_JSON_BYTES=str(MAX_JSON))
    yield service
    assert service.stop() == 0
    assert "error" not in (folder.parent / "service.log").read_text()


@pytest.fixture
def send(service):
    """`send(data)` is each status that comes back, and all bytes; the service must end the connection itself."""

    def exchange(*pieces):
        address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
        received = b""
        with socket.create_connection(address, timeout=15) as connection:
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    connection.sendall(piece)
            with contextlib.suppress(ConnectionError):
                while part := connection.recv(65536):
                    received += part
        with urllib.request.urlopen(f"{service.url}/healthz", timeout=15) as other:
            assert other.status == 200
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", received)], received

    return exchange


def get(target, headers=b"", host=b"x"):
    return b"GET %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n" % (target, host, headers, END)


def post(headers, body, target=b"/v1/users"):
    return b"POST %s HTTP/1.1\r\nHost: x\r\n%s%s\r\n%s" % (target, JSON, headers, body)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"//", 404),
        (b"//v1/movies", 404),
        (b"//evil.example/%2f..", 404),
        (b"///evil.example", 404),
        (b"/\\evil.example", 404),
        (b"/../healthz", 404),
        (b"/v1/../healthz", 404),
        (b"/%2e%2e/healthz", 404),
        (b"/static/../config.py", 404),
        (b"/static/%2e%2e/config.py", 404),
        (b"/static/..%2fconfig.py", 404),
        (b"/static/..%5cconfig.py", 404),
        (b"/static//etc/passwd", 404),
        (b"/static/%00", 404),
        (b"/static/" + b"a" * 5_000, 404),
        (b"/v1/movies;a=b", 404),
        (b"/v1/movies/1;a=b", 404),
        (b"/v1/movies/%31%00", 404),
        (b"/v1/movies/\x00", 400),
        (b"/v1/movies/%D9%A1", 404),
        (b"/v1/movies/" + b"9" * 4_000, 404),
        (b"/v1/movies/%0d%0aSet-Cookie:%20a=b", 404),
        (b"/%", 404),
        (b"/%zz", 404),
        (b"/%ff", 404),
        (b"/\xff", 400),
        (b"/v1/movies/by-imdb/%ff", 404),
        (b"*", 404),
        (b"", 400),
        (b"v1/movies", 400),
        (b"/ v1", 400),
        (b"http:/v1/movies", 400),
        (b"http://evil.example/nowhere", 404),
        (b"http://user:password@evil.example/nowhere", 404),
        (b"/" + b"a" * 70_000, 414),
        (b"/v1/movies?q=\x00", 400),
        (b"/v1/movies?q=%00", 422),
        (b"/v1/movies?%00=1", 422),
        (b"/v1/movies?q=\xff", 400),
        (b"/v1/movies?q=%ff", 422),
        (b"/v1/movies?q=%ed%a0%80", 422),
        (b"/v1/movies?%ff=1", 422),
        (b"/v1/movies?cursor=%ff", 422),
        (b"/v1/movies?q=a%0d%0aSet-Cookie:%20a=b", 422),
        (b"/v1/movies?" + b"&".join(b"a=%d" % number for number in range(5_000)), 422),
        (b"/v1/movies?q=" + b"a" * 60_000, 422),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else str(value),
)
def test_a_strange_target_is_refused(send, target, status):
    statuses, received = send(get(target))
    assert statuses == [status]
    assert b"set-cookie" not in received.lower().partition(b"\r\n\r\n")[0]


HEADERS = {
    "NUL": (b"X-A: a\x00b\r\n", 400),
    "carriage return": (b"X-A: a\rb\r\n", 400),
    "folded": (b"X-A: a\r\n b\r\n", 400),
    "space before the colon": (b"X-A : a\r\n", 400),
    "no colon": (b"X-A\r\n", 400),
    "no UTF-8": (b"X-A: \xff\xfe\r\n", 401),
    "a token that is no UTF-8": (b"Authorization: Bearer mr_\xff\r\n", 401),
    "two tokens": (b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", 401),
    "a tag that is no UTF-8": (b'If-None-Match: "\xff\r\n', 401),
    "many tags": (b"If-None-Match: " + b'"a",' * 5_000 + b"\r\n", 401),
    "two ids": (b"X-Request-ID: a\r\nX-Request-ID: b\r\n", 401),
    "many cookies": (b"Cookie: " + b"a=b;" * 5_000 + b"\r\n", 401),
    "many ranges": (b"Range: bytes=" + b"0-0," * 5_000 + b"\r\n", 401),
    "a websocket": (b"Upgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n", 401),
    "HTTP/2": (b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAA\r\n", 401),
    "100 headers": (b"".join(b"X-%d: a\r\n" % number for number in range(100)), 431),
    "5,000 headers": (b"".join(b"X-%d: a\r\n" % number for number in range(5_000)), 431),
    "a long header": (b"X-A: " + b"a" * 200_000 + b"\r\n", 431),
    "a long name": (b"X" * 200_000 + b": a\r\n", 431),
}


@pytest.mark.parametrize(("headers", "status"), HEADERS.values(), ids=HEADERS)
def test_a_strange_header_is_refused_or_without_effect(send, headers, status):
    assert send(get(b"/v1/users/me", headers))[0] == [status]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"get /v1/movies HTTP/1.1", 405),
        (b"Post /v1/users HTTP/1.1", 405),
        (b"GE\x00T / HTTP/1.1", 400),
        (b"A" * 9_000 + b" /v1/movies HTTP/1.1", 405),
        (b"OPTIONS * HTTP/1.1", 404),
        (b"CONNECT evil.example:443 HTTP/1.1", 404),
        (b"CONNECT /v1/movies HTTP/1.1", 405),
        (b"TRACE /v1/movies HTTP/1.1", 405),
        (b"GET / HTTP/3.7", 400),
        (b"GET /", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM", 400),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else "",
)
def test_a_strange_request_line_is_refused(send, request_line, status):
    assert send(request_line + b"\r\nHost: x\r\n" + END + b"\r\n")[0] == [status]


FRAMES = {
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


@pytest.mark.parametrize(("headers", "body"), FRAMES.values(), ids=FRAMES)
def test_no_request_is_smuggled_in_a_body_whose_end_is_in_doubt(send, headers, body):
    statuses, received = send(post(headers, body + SMUGGLED))
    assert len(statuses) == 1
    assert 400 <= statuses[0] < 500
    assert b"smuggled" not in received


@pytest.mark.parametrize(
    ("headers", "body"),
    [(b"Content-Length: 1000000000000\r\n", b""), (b"Content-Length: 2049\r\n", b"{")],
    ids=["a terabyte", "a byte too many"],
)
def test_a_body_over_the_limit_is_refused_before_it_is_there(send, headers, body):
    assert send(post(headers, body))[0] == [413]


def test_a_body_without_end_is_refused_at_the_limit(send):
    chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
    assert send(post(CHUNKED, chunk * 3))[0] == [413]


BODIES = {
    "NUL in a text": (b'{"username": "a\\u0000b"}', 422),
    "NUL": (b'{"username": "ada"}\x00', 400),
    "half a surrogate pair": (b'{"username": "\\ud800"}', 400),
    "no UTF-8": (b'{"username": "\xff"}', 400),
    "deep": (b'{"username": ' + b"[" * 900 + b"]" * 900 + b"}", 400),
    "a number that is too large": (b'{"username": 1e400}', 400),
    "a long number": (b'{"username": 1' + b"0" * 400 + b"}", 400),
    "a name twice": (b'{"username": "ada", "username": "bob"}', 400),
    "a name twice, inside": (b'{"username": [{"a": 1, "\\u0061": 2}]}', 400),
    "a look-alike": ('{"username": "\u0430dmin"}'.encode(), 422),
    "a line break": (b'{"username": "ada\\r\\nSet-Cookie: a=b"}', 422),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
def test_a_strange_body_is_refused(send, body, status):
    statuses, received = send(post(b"Content-Length: %d\r\n" % len(body) + END, body))
    assert statuses == [status]
    assert json.loads(received.partition(b"\r\n\r\n")[2])["status"] == status


@pytest.mark.parametrize("host", [b"evil.example", b"a b", b"[::1", b"x@evil.example", b"<script>"])
def test_no_answer_leads_to_a_host_that_a_client_names(send, host):
    forwarded = b"X-Forwarded-Host: evil.example\r\nX-Forwarded-Prefix: //evil.example\r\n"
    name = f"name{host.hex()[:20]}"
    account = json.dumps(
        {"username": name, "email": f"{name}@example.org", "password": "correct horse battery"}
    )
    made = post(forwarded + b"Content-Length: %d\r\n" % len(account) + END, account.encode())
    made = made.replace(b"Host: x", b"Host: " + host)
    for wanted, request in (
        (201, made),
        (302, get(b"/", forwarded, host)),
        (302, get(b"http://evil.example", forwarded)),
    ):
        statuses, received = send(request)
        assert statuses == [wanted]
        location = re.search(rb"^location: (.+)\r$", received, re.MULTILINE | re.IGNORECASE)[1]
        assert re.fullmatch(rb"/docs|/v1/users/\d+", location)
        assert b"evil" not in received.replace(b"x@evil.example", b"").partition(b"\r\n\r\n")[0]


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
def test_a_request_without_exactly_one_host_gets_400(send, path, request_end):
    assert send(get(path))[0] in ([200], [401])
    assert send(b"GET " + path + request_end + END + b"\r\n")[0] == [400]
