"""The files in docs/deploy: nginx takes its own, and keeps from the service what that can't bound; containers."""

import configparser
import contextlib
import json
import re
import socket
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from movierating import config
from movierating.cli.main import main
from movierating.operations import server

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "docs" / "deploy"
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
def port(program, serve, free_port, copied, empty_instance, tmp_path_factory):
    """The port of nginx, as configured here but for TLS, in front of a service with one worker."""
    nginx = program("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    service = serve(
        copied(empty_instance, folder / "instance"), RATELIMIT_ENABLED="true", TRUSTED_PROXIES="1"
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
    connect(data, 4 * server.THREADS_PER_WORKER)
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
    assert int(seconds) < server.HEADER_TIMEOUT_SECONDS


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
    assert int(unit["Service"]["LimitNOFILE"]) >= server.MAX_CONNECTIONS_PER_WORKER + server.RESERVED_FILES
    assert int(unit["Service"]["TimeoutStopSec"]) > server.DRAIN_TIMEOUT_SECONDS


def test_the_files_set_what_is_a_setting():
    written = "".join(file.read_text() for file in DEPLOY.iterdir())
    names = set(re.findall(rf"\b{config.PREFIX}(\w+)", written))
    assert "DATABASE_URL" in names <= {setting.name for setting in config.SETTINGS}


DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DOCKERS_PATIENCE_SECONDS = 10


def instruction(name):
    """What follows the last instruction of this name in the Dockerfile."""
    return re.findall(rf"^{name} (.+(?:\\\n.+)*)$", DOCKERFILE, re.MULTILINE)[-1]


def test_the_image_is_made_of_what_is_there_and_let_in():
    copied = [
        source
        for line in re.findall(r"^COPY ((?!--).+) \S+$", DOCKERFILE, re.MULTILINE)
        for source in line.split()
    ]
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert sorted(f"!{source}" for source in copied) == sorted(
        line for line in ignored if line.startswith("!")
    )
    assert "*" in ignored
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert {PROJECT["readme"], *PROJECT["license-files"], "movierating", "seed_data"} <= set(copied)


def test_the_image_has_the_extras_for_what_compose_sets():
    (extras,) = re.findall(r"\.whl\)\[(.+?)\]", DOCKERFILE)
    assert {"postgresql", "redis"} == set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def test_the_image_runs_a_python_that_is_promised():
    versions = set(re.findall(r"^FROM python:(\S+)-slim", DOCKERFILE, re.MULTILINE))
    (version,) = versions
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_the_image_runs_a_command_that_there_is_as_nobody_who_owns_its_files():
    assert json.loads(instruction("ENTRYPOINT")) == ["movierating"]
    command, *options = json.loads(instruction("CMD"))
    assert main.commands[command].make_context(command, options).params["host"] == "0.0.0.0"
    assert f"useradd --uid {instruction('USER').split(':')[0]} " in DOCKERFILE
    assert f"MOVIERATING_INSTANCE_PATH={instruction('VOLUME')}" in DOCKERFILE


def test_docker_waits_until_it_has_drained():
    assert instruction("STOPSIGNAL") == "SIGTERM"
    assert server.DRAIN_TIMEOUT_SECONDS < DOCKERS_PATIENCE_SECONDS
    assert "stop_grace_period" not in SERVICES["movierating"]


def test_the_health_check_tells_a_service_that_is_ready(serve, free_port, instance):
    service = serve(instance)
    words = json.loads(re.search(r"HEALTHCHECK .*?CMD (\[.+?\])$", DOCKERFILE, re.MULTILINE | re.DOTALL)[1])
    assert words[0] == "python"
    codes = []
    for url in (service.url, f"http://127.0.0.1:{free_port()}"):
        command = [sys.executable, *(word.replace("http://127.0.0.1:4000", url) for word in words[1:])]
        codes.append(subprocess.run(command, capture_output=True).returncode)
    assert codes == [0, 1]


def test_compose_builds_the_image_and_keeps_its_volume():
    service = SERVICES["movierating"]
    assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert [mount.partition(":")[2] for mount in service["volumes"]] == [instruction("VOLUME")]
    assert service["read_only"]


def test_compose_publishes_the_service_alone_and_starts_it_last():
    (published,) = [name for name in SERVICES if "ports" in SERVICES[name]]
    assert SERVICES[published]["ports"] == [f"127.0.0.1:{instruction('EXPOSE')}:{instruction('EXPOSE')}"]
    others = set(SERVICES) - {published}
    assert SERVICES[published]["depends_on"] == {name: {"condition": "service_healthy"} for name in others}
    for name in others:
        assert SERVICES[name]["healthcheck"]["test"]
        assert [COMPOSE["networks"][network]["internal"] for network in SERVICES[name]["networks"]] == [True]


def test_no_secret_is_in_the_files_and_none_has_a_default():
    values = {
        name: value for service in SERVICES.values() for name, value in service.get("environment", {}).items()
    }
    secret = {name for name in values if re.search("KEY|PASSWORD|TOKEN", name)}
    assert {"MOVIERATING_SECRET_KEY", "POSTGRES_PASSWORD"} <= secret
    assert [name for name in secret if not re.fullmatch(r"\$\{\w+:\?.+\}", values[name])] == []
    assert [name for name, value in values.items() if re.search(r"://[^/]*:[^/]*@", value)] == []
    assert not re.search("KEY|PASSWORD|TOKEN", DOCKERFILE)
