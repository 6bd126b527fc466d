"""nginx with the configuration in docs/deploy protects the service."""

import contextlib
import json
import re
import socket
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from deploy.nginx import get_status, run_nginx
from movierating.operations import server

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).parents[2]

DEPLOY = ROOT / "docs" / "deploy"

NGINX = (DEPLOY / "nginx.conf").read_text()

PARTIAL = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"

LARGE_FILE = b"GET /static/swagger-ui/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder with nginx's logs."""
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def http_port(free_port):
    """The port in place of 80."""
    return free_port()


@pytest.fixture(scope="module")
def port(program, serve, free_port, http_port, copied, empty_instance, folder):
    """The port of nginx with our configuration, without TLS, in front of a service with one worker."""
    nginx = program("nginx")
    instance, port = copied(empty_instance, folder / "instance"), free_port()
    service = serve(instance, RATELIMIT_ENABLED="true", TRUSTED_PROXIES="1")
    replaced = [
        (r"listen \[::\]:.+;", "", 2),
        (r"listen 80;", f"listen 127.0.0.1:{http_port};", 1),
        (r"listen 443 ssl http2;", f"listen 127.0.0.1:{port};", 1),
        (r"ssl_certificate(_key)? .+;", "", 2),
        (r"server 127\.0\.0\.1:4000;", f"server {service.url.removeprefix('http://')};", 1),
    ]
    site = NGINX
    for pattern, replacement, times in replaced:
        site, count = re.subn(pattern, replacement, site)
        assert count == times, pattern
    with run_nginx(nginx, folder, site, port):
        yield port


def get_redirect(port, path):
    """Request a path of films.example, and return the status and where it redirects to."""
    with contextlib.closing(HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", path, headers={"Host": "films.example"})
        response = connection.getresponse()
        return response.status, response.headers["Location"]


@pytest.fixture
def connect(port):
    """`connect(data, times)` opens connections, sends the data on each, and returns the last one."""
    with contextlib.ExitStack() as stack:

        def make(data, times):
            for _ in range(times):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.sendall(data)
            return connection

        yield make


@pytest.mark.parametrize("data", [PARTIAL, LARGE_FILE], ids=["incomplete bodies", "unread responses"])
def test_slow_clients_do_not_reach_the_service(connect, port, data):
    connect(data, 4 * server.THREADS_PER_WORKER)
    for number in range(5):
        assert get_status(port, f"/v1/users/{number + 1}") == 404
        assert get_status(port, "/v1/users", b"{}") == 422


def test_connections_per_address_are_limited(connect, port):
    assert b" 429 " in connect(PARTIAL, 60).recv(100)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X_Forwarded_For"])
def test_clients_cannot_forge_their_address(port, name):
    wrong = json.dumps({"login": "nobody", "password": "wrong"}).encode()
    statuses = [get_status(port, "/v1/auth/refresh", wrong, **{name: f"203.0.113.{n}"}) for n in range(31)]
    assert statuses[-1] == 429


def test_rejected_upload_gets_the_response_of_the_service(port):
    upload, path = b"x" * 10_000_000, "/v1/users/me/ratings/import"
    headers = {"Content-Type": "text/csv", "Authorization": "Bearer wrong"}
    assert {get_status(port, path, upload, **headers) for _ in range(10)} == {401}


def test_nginx_logs_no_token_of_a_link(connect, port, http_port, folder):
    rejected = PARTIAL.replace(b"/v1/auth/login", b"/invite/secret")
    assert b" 429 " in connect(rejected, 60).recv(100)
    for path in ("/invite/secret", "/reset/secret"):
        get_status(port, path)
        get_redirect(http_port, path)
    get_status(port, "/healthz?last")
    # nginx writes the line after the response.
    for _ in range(100):
        if "/healthz?last" in (folder / "access.log").read_text():
            break
        time.sleep(0.1)
    assert "/healthz?last" in (folder / "access.log").read_text()
    assert [log.name for log in folder.glob("*.log") if "secret" in log.read_text()] == []


@pytest.mark.usefixtures("port")
def test_http_is_redirected_to_https(http_port):
    assert get_redirect(http_port, "/movies?q=x") == (301, "https://films.example/movies?q=x")
