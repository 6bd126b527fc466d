"""nginx with the configuration in docs/deploy protects the service."""

import contextlib
import json
import re
import socket
import time
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
def port(program, serve, free_port, copied, empty_instance, tmp_path_factory):
    """The port of nginx with our configuration, without TLS, in front of a service with one worker."""
    nginx = program("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    instance, port = copied(empty_instance, folder / "instance"), free_port()
    service = serve(instance, RATELIMIT_ENABLED="true", TRUSTED_PROXIES="1")
    site, listeners = re.subn(r"listen (\[::\]:)?443 ssl http2;", "", NGINX)
    site, certificates = re.subn(r"ssl_certificate(_key)? .+;", "", site)
    upstream = f"server {service.url.removeprefix('http://')};"
    site, services = re.subn(r"server 127\.0\.0\.1:4000;", upstream, site)
    assert (listeners, certificates, services) == (2, 2, 1)
    site = site.replace("server_name", f"listen 127.0.0.1:{port}; server_name")
    site = site.replace("/var/log/nginx", str(folder))
    with run_nginx(nginx, folder, site, port):
        yield port


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


def test_nginx_logs_no_token_of_a_link(port, tmp_path_factory):
    for path in ("/invite/secret", "/reset/secret", "/healthz?last"):
        get_status(port, path)
    (log,) = tmp_path_factory.getbasetemp().glob("nginx[0-9]*/access.log")
    # nginx writes the line after the response.
    for _ in range(100):
        if "/healthz?last" in log.read_text():
            break
        time.sleep(0.1)
    assert "/healthz?last" in log.read_text()
    assert "secret" not in log.read_text()
