"""The files in docs/deploy: nginx accepts its configuration and protects the service; systemd; containers."""

import configparser
import contextlib
import gzip
import json
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections import ChainMap
from http.client import HTTPConnection
from pathlib import Path

import pytest
import yaml

from movierating import config
from movierating.cli.main import main
from movierating.operations import server

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "docs" / "deploy"
NGINX = (DEPLOY / "nginx.conf").read_text()
PARTIAL = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
LARGE_FILE = b"GET /static/swagger-ui/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
NGINX_CONF = """
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


@contextlib.contextmanager
def run_nginx(nginx, folder, site, port):
    """Run nginx with the configuration of a site, which listens on the port, until the block ends."""
    file = folder / "nginx.conf"
    file.write_text(NGINX_CONF.format(folder=folder, site=site))
    with subprocess.Popen([nginx, "-c", file, "-e", folder / "error.log"]) as process:
        try:
            while process.poll() is None and not get_status(port, "/healthz"):
                pass
            assert process.poll() is None, (folder / "error.log").read_text()
            yield
        finally:
            process.terminate()


def get_status(port, path, body=None, **headers):
    """Send a request and return the status of the response, None if there is no server."""
    address = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except urllib.error.URLError:
        return None


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


COMPRESSING_SITE = """
    gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {url}; {header} }} }}
"""


@pytest.mark.parametrize("header", ["", 'proxy_set_header Accept-Encoding "";'], ids=["both", "only nginx"])
@pytest.mark.parametrize("title", ["Emma", "x" * 500], ids=["small", "large"])
def test_etags_work_behind_a_proxy_that_compresses(
    program, serve, free_port, admin, add_movie, tmp_path, header, title
):
    nginx, port, path = (
        program("nginx"),
        free_port(),
        f"/v1/movies/{add_movie(title=title, original_title=title)}",
    )
    service = serve(tmp_path / "instance")
    site = COMPRESSING_SITE.format(port=port, url=service.url, header=header)
    with (
        run_nginx(nginx, tmp_path, site, port),
        contextlib.closing(HTTPConnection("127.0.0.1", port)) as proxy,
    ):

        def send(method, body=None, **headers):
            headers |= {**admin.headers, "Accept-Encoding": "gzip", "Content-Type": "application/json"}
            proxy.request(method, path, body, headers)
            response = proxy.getresponse()
            return response.status, response.headers["ETag"], response.read()

        _, tag, body = send("GET")
        assert tag.startswith('W/"')
        assert json.loads(gzip.decompress(body))["title"] == title
        assert send("GET", **{"If-None-Match": tag})[0] == 304
        status, changed_tag, _ = send("PATCH", b'{"year": 1996}', **{"If-Match": tag})
        assert status == 200
        assert send("PATCH", b'{"year": 1997}', **{"If-Match": tag})[0] == 412
        assert send("GET", **{"If-None-Match": tag})[0] == 200
        assert send("GET", **{"If-None-Match": changed_tag})[0] == 304


# The second one ignores what the service says about storing, as some networks for content do.
CACHING_SITE = """
    proxy_cache_path {folder}/cache keys_zone=pages:1m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {url}; proxy_cache pages; proxy_cache_valid 200 10m; add_header X-Cache $upstream_cache_status;
            {rule}
        }}
    }}
"""


@pytest.mark.parametrize(
    ("rule", "is_stored"),
    [("", False), ("proxy_ignore_headers Cache-Control;", True)],
    ids=["obeys", "ignores"],
)
def test_caching_proxy_gives_a_page_for_a_person_to_nobody_else(
    program, serve, free_port, sign_up, tmp_path, rule, is_stored
):
    nginx, port = program("nginx"), free_port()
    people = [sign_up(name).username for name in ("ada", "bob")]
    service = serve(tmp_path / "instance")
    site = CACHING_SITE.format(folder=tmp_path, port=port, url=service.url, rule=rule)
    with (
        run_nginx(nginx, tmp_path, site, port),
        contextlib.closing(HTTPConnection("127.0.0.1", port)) as proxy,
    ):

        def send(method, path, body=None, **headers):
            proxy.request(method, path, body, {**headers, "Sec-Fetch-Site": "same-origin"})
            response = proxy.getresponse()
            return response.headers, response.read().decode()

        cookies = {None: ""}
        for name in people:
            form = f"login={name}&password=correct+horse+battery&stay=1"
            content_type = {"Content-Type": "application/x-www-form-urlencoded"}
            headers, _ = send("POST", "/login", form, **content_type)
            cookies[name] = headers["Set-Cookie"].partition(";")[0]
        states = []
        for name in (None, "ada", "bob", None, "bob", "ada"):
            for path in ("/movies", "/people/ada"):
                headers, text = send("GET", path, Cookie=cookies[name])
                names = re.findall(r'class="me"[^>]*>([^<]*)<', text)
                assert names == ([name] if name else []), (path, name)
                assert "Set-Cookie" not in headers
                states.append(headers["X-Cache"])
        assert ("HIT" in states) == is_stored


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


def test_nginx_closes_idle_connections_before_the_service_does():
    (seconds,) = re.findall(r"^upstream .+?keepalive_timeout (\d+)s;", NGINX, re.DOTALL | re.MULTILINE)
    assert int(seconds) < server.HEADER_TIMEOUT_SECONDS


def test_nginx_accepts_the_largest_upload_of_the_service():
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", NGINX)
    max_bytes = next(setting.default for setting in config.SETTINGS if setting.name == "MAX_UPLOAD_BYTES")
    assert int(megabytes) << 20 > max_bytes


def test_nginx_uses_current_tls_and_hsts_for_a_year():
    assert set(re.findall(r"listen .+;", NGINX)) == {"listen 443 ssl http2;", "listen [::]:443 ssl http2;"}
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in NGINX
    assert 'add_header Strict-Transport-Security "max-age=31536000" always;' in NGINX


def test_unit_allows_connections_and_time_to_drain():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(DEPLOY / "movierating.service")
    assert int(unit["Service"]["LimitNOFILE"]) >= server.MAX_CONNECTIONS_PER_WORKER + server.RESERVED_FILES
    assert int(unit["Service"]["TimeoutStopSec"]) > server.DRAIN_TIMEOUT_SECONDS


def test_files_use_existing_settings():
    written = "".join(file.read_text() for file in DEPLOY.iterdir())
    names = set(re.findall(rf"\b{config.PREFIX}(\w+)", written))
    assert "DATABASE_URL" in names <= {setting.name for setting in config.SETTINGS}


DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DOCKER_STOP_TIMEOUT_SECONDS = 10


def get_instruction(name):
    """Return the arguments of the last instruction of this name in the Dockerfile."""
    return re.findall(rf"^{name} (.+(?:\\\n.+)*)$", DOCKERFILE, re.MULTILINE)[-1]


def test_image_copies_existing_files_that_are_not_ignored():
    copied = " ".join(re.findall(r"^COPY ((?!--).+) \S+$", DOCKERFILE, re.MULTILINE)).split()
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)
    assert all((ROOT / source).exists() for source in copied)
    assert {PROJECT["readme"], *PROJECT["license-files"], "movierating", "seed_data"} <= set(copied)


def test_image_has_the_extras_that_compose_needs():
    (extras,) = re.findall(r"\.whl\)\[(.+?)\]", DOCKERFILE)
    assert {"postgresql", "redis"} == set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def test_image_uses_a_supported_python():
    (version,) = set(re.findall(r"^FROM python:(\S+)-slim", DOCKERFILE, re.MULTILINE))
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_image_runs_serve_as_an_unprivileged_user():
    assert json.loads(get_instruction("ENTRYPOINT")) == ["movierating"]
    command, *options = json.loads(get_instruction("CMD"))
    assert main.commands[command].make_context(command, options).params["host"] == "0.0.0.0"
    assert f"useradd --uid {get_instruction('USER').split(':')[0]} " in DOCKERFILE
    assert f"MOVIERATING_INSTANCE_PATH={get_instruction('VOLUME')}" in DOCKERFILE


def test_docker_waits_until_the_service_has_drained():
    assert get_instruction("STOPSIGNAL") == "SIGTERM"
    assert server.DRAIN_TIMEOUT_SECONDS < DOCKER_STOP_TIMEOUT_SECONDS
    assert "stop_grace_period" not in SERVICES["movierating"]


def test_health_check_detects_a_ready_service(serve, free_port, instance):
    service = serve(instance)
    program, *words = json.loads(re.findall(r"^ +CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)[0])
    assert program == "python"
    for url, code in ((service.url, 0), (f"http://127.0.0.1:{free_port()}", 1)):
        command = [sys.executable, *(word.replace("http://127.0.0.1:4000", url) for word in words)]
        assert subprocess.run(command, capture_output=True).returncode == code


def test_compose_builds_the_image_with_its_volume():
    service = SERVICES["movierating"]
    assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert [mount.partition(":")[2] for mount in service["volumes"]] == [get_instruction("VOLUME")]
    assert service["read_only"]


def test_compose_publishes_only_the_service_and_starts_it_last():
    port = get_instruction("EXPOSE")
    others = {name: service for name, service in SERVICES.items() if name != "movierating"}
    movierating = SERVICES["movierating"]
    assert movierating["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert movierating["depends_on"] == {name: {"condition": "service_healthy"} for name in others}
    for service in others.values():
        assert "ports" not in service
        assert service["healthcheck"]["test"]
        assert [COMPOSE["networks"][network]["internal"] for network in service["networks"]] == [True]


def test_secrets_have_no_defaults():
    values = dict(ChainMap(*(service.get("environment", {}) for service in SERVICES.values())))
    secrets = {name: value for name, value in values.items() if re.search("KEY|PASSWORD|TOKEN", name)}
    assert {"MOVIERATING_SECRET_KEY", "POSTGRES_PASSWORD"} <= secrets.keys()
    assert all(re.fullmatch(r"\$\{\w+:\?.+\}", value) for value in secrets.values())
    assert not any(re.search(r"://[^/]*:[^/]*@", value) for value in values.values())
    assert not re.search("KEY|PASSWORD|TOKEN", DOCKERFILE)
