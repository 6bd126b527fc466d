"""The files in docs/deploy: nginx takes its own, and keeps from the service what that can't bound itself."""

import configparser
import contextlib
import json
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from movierating import config, server

DEPLOY = Path(__file__).parents[1] / "docs" / "deploy"
NGINX = (DEPLOY / "nginx.conf").read_text()
HALF = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
LARGE_FILE = b"GET /static/swagger-ui/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
AROUND = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 400; }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
    scgi_temp_path {folder};
{site}
}}
"""


@pytest.fixture(scope="module")
def port(program, serve, free_port, empty_instance, tmp_path_factory):
    """The port of nginx, as configured here but for TLS, in front of a service with one worker."""
    nginx = program("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    service = serve(
        shutil.copytree(empty_instance, folder / "instance"), RATELIMIT_ENABLED="true", TRUSTED_PROXIES="1"
    )
    port = free_port()
    site, listeners = re.subn(r"listen (\[::\]:)?443 ssl http2;", "", NGINX)
    site, certificates = re.subn(r"ssl_certificate(_key)? .+;", "", site)
    site, services = re.subn(
        r"server 127\.0\.0\.1:4000;", f"server {service.url.removeprefix('http://')};", site
    )
    assert (listeners, certificates, services) == (2, 2, 1)
    site = site.replace("server_name", f"listen 127.0.0.1:{port}; server_name")
    file = folder / "nginx.conf"
    file.write_text(AROUND.format(folder=folder, site=site))
    with subprocess.Popen([nginx, "-c", file, "-e", folder / "error.log"]) as process:
        try:
            while process.poll() is None and not ask(port, "/healthz"):
                pass
            assert process.poll() is None, (folder / "error.log").read_text()
            yield port
        finally:
            process.terminate()


def ask(port, path, body=None, **headers):
    """The status of an answer, None where nobody listens."""
    address = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except urllib.error.URLError:
        return None


@pytest.fixture
def connect(port):
    """`connect(data, times)` opens as many connections and sends the data on each; they end with the test."""
    with contextlib.ExitStack() as stack:

        def make(data, times):
            made = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
                for _ in range(times)
            ]
            for connection in made:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.sendall(data)
            return made

        yield make


@pytest.mark.parametrize(
    "data", [HALF, LARGE_FILE], ids=["bodies that do not come", "answers that nobody takes"]
)
def test_slow_clients_wait_in_nginx(connect, port, data):
    connect(data, 4 * server.THREADS_A_WORKER)
    for number in range(5):
        assert ask(port, f"/v1/users/{number + 1}") == 404
        assert ask(port, "/v1/users", b"{}") == 422


def test_one_address_has_its_share_of_connections(connect, port):
    refused = connect(HALF, 60)[-1]
    assert b" 429 " in refused.recv(100)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X_Forwarded_For"])
def test_a_client_can_not_say_where_it_is(port, name):
    wrong = json.dumps({"login": "nobody", "password": "wrong"}).encode()
    answers = [ask(port, "/v1/auth/refresh", wrong, **{name: f"203.0.113.{n}"}) for n in range(31)]
    assert answers[-1] == 429


def test_a_connection_is_given_up_by_nginx_before_the_service_closes_it():
    (seconds,) = re.findall(r"^upstream .+?keepalive_timeout (\d+)s;", NGINX, re.DOTALL | re.MULTILINE)
    assert int(seconds) < server.HEADER_SECONDS


def test_nginx_takes_a_body_that_the_service_takes():
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", NGINX)
    most = next(setting.default for setting in config.SETTINGS if setting.name == "MAX_UPLOAD_BYTES")
    assert int(megabytes) << 20 > most


def test_nginx_speaks_tls_of_today_and_says_so_for_a_year():
    assert set(re.findall(r"listen .+;", NGINX)) == {"listen 443 ssl http2;", "listen [::]:443 ssl http2;"}
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in NGINX
    assert 'add_header Strict-Transport-Security "max-age=31536000" always;' in NGINX


@pytest.fixture(scope="module")
def unit():
    """The sections of the systemd unit."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(DEPLOY / "movierating.service")
    return parser


def test_the_unit_leaves_room_for_connections_and_time_to_drain(unit):
    assert int(unit["Service"]["LimitNOFILE"]) >= server.CONNECTIONS_A_WORKER + server.OTHER_FILES
    assert int(unit["Service"]["TimeoutStopSec"]) > server.DRAIN_SECONDS


def test_the_files_set_what_is_a_setting():
    names = re.findall(rf"\b{config.PREFIX}(\w+)", NGINX + (DEPLOY / "movierating.service").read_text())
    assert set(names) <= {setting.name for setting in config.SETTINGS}
