"""Clients that send or read slowly do not block others."""

import contextlib
import json
import socket
import threading
import urllib.error
import urllib.request

import pytest

from movierating.errors import Unavailable
from movierating.http import upload_slots
from movierating.http.upload_slots import UploadSlots, limit_slow_clients
from movierating.operations import server

pytestmark = pytest.mark.any_database

HALF = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
LARGE_FILE = "/static/swagger-ui/swagger-ui-bundle.js"


@pytest.fixture(scope="module")
def service(serve, copied, empty_instance, tmp_path_factory):
    """A service with one worker."""
    return serve(copied(empty_instance, tmp_path_factory.mktemp("slow") / "instance"))


@pytest.fixture
def connect(service):
    """`connect(data, …)` is a connection for each of the data, on which it was sent; all end with the test."""
    with contextlib.ExitStack() as stack:

        def make(*data):
            connections = []
            for each in data:
                connection = stack.enter_context(socket.socket())
                # With a small buffer, a client that does not read blocks the server soon.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.settimeout(30)
                connection.connect(("127.0.0.1", int(service.url.rpartition(":")[2])))
                connection.sendall(each)
                connections.append(connection)
            return connections

        yield make


def send(service, path, body=None):
    """Return the status and headers of a response."""
    request = urllib.request.Request(service.url + path, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


def test_slow_bodies_block_no_reads_and_other_bodies_get_503_meanwhile(connect, service):
    slow = connect(*[HALF] * (3 * server.THREADS_PER_WORKER))
    for _ in range(10):
        assert send(service, "/v1/users/999")[0] == 404
    status, headers = send(service, "/v1/auth/login", b"{}")
    assert (status, headers["Retry-After"], headers["Content-Type"]) == (503, "1", "application/problem+json")
    for connection in slow:
        connection.close()
    while send(service, "/v1/auth/login", b"{}")[0] == 503:
        pass
    assert send(service, "/v1/auth/login", b"{}")[0] == 422


def test_clients_that_do_not_read_block_no_requests(connect, service):
    connect(*[f"GET {LARGE_FILE} HTTP/1.1\r\nHost: x\r\n\r\n".encode()] * (3 * server.THREADS_PER_WORKER))
    for _ in range(5):
        assert send(service, "/v1/users/999")[0] == 404
        assert send(service, "/v1/auth/login", b"{}")[0] == 422


def test_idle_connections_block_no_requests(connect, service):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        connect(*[b"", b"GET / HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"] * 400)
        assert send(service, "/healthz")[0] == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connection_is_closed_if_headers_do_not_arrive(connect):
    silent, slow = connect(b"", b"GET / HTTP/1.1\r\nHost:")
    assert (silent.recv(100), slow.recv(100)) == (b"", b"")


@pytest.fixture
def impatient(monkeypatch):
    """Make the timeout of slots zero."""
    monkeypatch.setattr(upload_slots, "SLOT_TIMEOUT_SECONDS", 0)


def test_slot_is_released_once(impatient):
    slots = UploadSlots(1, "No slot.")
    release = slots.acquire()
    with pytest.raises(Unavailable):
        slots.acquire()
    release()
    release()
    slots.acquire()
    with pytest.raises(Unavailable):
        slots.acquire()


def test_acquire_waits_for_a_slot(monkeypatch):
    monkeypatch.setattr(upload_slots, "SLOT_TIMEOUT_SECONDS", 60)
    slots = UploadSlots(1, "No slot.")
    release = slots.acquire()
    threading.Timer(0.05, release).start()
    slots.acquire()()


class Body:
    """The body of a request, as the server passes it."""

    def read(self, size):
        return b" " * size


def test_body_is_not_read_after_a_rejected_part(impatient):
    environs = []

    def application(environ, _start_response):
        environs.append(environ)
        return []

    both = limit_slow_clients(application, 1)
    for _ in range(2):
        both({"CONTENT_LENGTH": "9", "wsgi.input": Body()}, None)
    first, second = (environ["wsgi.input"] for environ in environs)
    assert first.read(3) == b"   "
    release = upload_slots.acquire_client_slot(environs[0])
    with pytest.raises(Unavailable):
        second.read(3)
    release()
    with pytest.raises(Unavailable):
        second.read(3)
    assert first.read(3) == b"   "


def test_export_takes_a_slot_while_it_is_sent(app, member, monkeypatch):
    monkeypatch.setattr(app, "wsgi_app", limit_slow_clients(app.wsgi_app, 1))
    monkeypatch.setattr(upload_slots, "SLOT_TIMEOUT_SECONDS", 0)
    path = "/v1/users/me/ratings/export?format=csv"
    sending = member.get(path)
    rejected = member.get(path)
    assert (rejected.status_code, json.loads(rejected.data)["status"]) == (503, 503)
    sending.close()
    for _ in range(2):
        with member.get(path) as response:
            assert response.status_code == 200


def test_rate_limit_counts_rejected_bodies_by_address(make_app, impatient, caplog):
    client = make_app(RATELIMIT_ENABLED="true").test_client()
    inner = client.application.wsgi_app

    def occupied(environ, start_response):
        with contextlib.suppress(Unavailable):
            upload_slots.acquire_client_slot(environ)
        return inner(environ, start_response)

    client.application.wsgi_app = limit_slow_clients(occupied, 1)
    responses = [client.post("/v1/auth/login", json={"login": f"n{n}"}).status_code for n in range(6)]
    assert responses == [503] * 5 + [429]
    assert caplog.records == []
