"""`movierating serve`: it answers, shares its work, survives its workers, and ends well."""

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from movierating.cli.main import main
from movierating.storage.sqlite.instance_lock import InstanceLock, LockHeld

PASSWORD = "correct horse battery"


class Service(NamedTuple):
    """As much of conftest's as it takes to call one."""

    url: str
    folder: Path


def call(service, path, body=None, **headers):
    """The status and JSON of an answer; `body` makes it a POST."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        service.url + path, data, {"Content-Type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def sign_up(service, name="ada"):
    account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    assert call(service, "/v1/users", account)[0] == 201


def log_of(service):
    return [json.loads(line) for line in (service.folder.parent / "service.log").read_text().splitlines()]


def send_what_is_no_http(service):
    with socket.create_connection(
        ("127.0.0.1", int(service.url.rpartition(":")[2])), timeout=30
    ) as connection:
        connection.sendall(b"\x00\xff\x16\x03\r\n\r\n")
        connection.recv(1000)


def eventually(true):
    """Return once `true()` is, fail after half a minute."""
    for _ in range(300):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("it never came true")


def workers_of(service):
    return set(service.list_worker_pids())


def counted(service, name):
    """The value of a series of /metrics, 0 where it is not there."""
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=30) as answer:
        found = re.search(rf"^{re.escape(name)} (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0


@pytest.fixture
def one(serve, instance):
    """A service with one worker."""
    return serve(instance, LOG_LEVEL="INFO")


@pytest.fixture
def two(serve, instance):
    """A service with two workers."""
    return serve(instance, workers=2, LOG_LEVEL="INFO")


def test_two_first_starts_with_two_workers_each_come_up(serve, tmp_path):
    folder = tmp_path / "instance"
    with ThreadPoolExecutor(2) as threads:
        services = list(threads.map(lambda _: serve(folder, workers=2), range(2)))
    assert {call(service, "/v1/movies?limit=1")[0] for service in services} == {200}
    sign_up(services[0])
    status, tokens = call(services[0], "/v1/auth/login", {"login": "ada", "password": PASSWORD})
    assert status == 200
    assert call(services[1], "/v1/users/me", Authorization=f"Bearer {tokens['access_token']}")[0] == 200
    assert [service.stop() for service in services] == [0, 0]


def test_sigterm_lets_requests_under_way_finish(one):
    sign_up(one)
    logins = [{"login": "ada", "password": PASSWORD}] * 40
    with ThreadPoolExecutor(len(logins)) as threads:
        answers = [threads.submit(call, one, "/v1/auth/login", body) for body in logins]
        eventually(lambda: any(answer.done() for answer in answers))
        assert not all(answer.done() for answer in answers)
        assert one.stop() == 0
        statuses = []
        for answer in answers:
            # One that had not been accepted yet is turned away, not dropped half-way.
            with suppress(urllib.error.URLError, ConnectionError):
                statuses.append(answer.result()[0])
    assert statuses.count(200) == len(statuses) >= 5
    assert sum(line.get("route") == "/v1/auth/login" for line in log_of(one)) == len(statuses)


@pytest.fixture
def refusal(instance, environ):
    """`refusal("--port", "80")` is the exit code and what `movierating serve --port 80` said before it served."""

    def serve(*options):
        done = CliRunner(env=environ(instance)).invoke(main, ["serve", *options])
        return done.exit_code, done.output

    root = logging.getLogger()
    handlers = root.handlers
    yield serve
    root.handlers = handlers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_that_is_taken_is_said_in_one_line(refusal, host):
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        assert refusal("--host", host, "--port", str(port)) == (
            1,
            f"Error: can't listen on {host}:{port} (Address already in use)\n",
        )


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_cannot_be_had_is_said_in_one_line(refusal, host):
    code, said = refusal("--host", host, "--port", "4000")
    assert code == 1
    assert re.fullmatch(rf"Error: can't listen on {host}:4000 \(.+\)\n", said)


@pytest.mark.parametrize("options", [["--port", "0"], ["--port", "65536"], ["--workers", "0"]])
def test_options_that_make_no_sense_are_refused(refusal, options):
    code, said = refusal(*options)
    assert code == 2
    assert "is not in the range" in said


def test_a_worker_that_is_killed_is_replaced_and_its_counts_stay(two):
    before = workers_of(two)
    assert len(before) == 2
    for _ in range(30):
        call(two, "/healthz")
    eventually(lambda: counted(two, HEALTHY) >= 30)
    shown = counted(two, HEALTHY)
    os.kill(min(before), signal.SIGKILL)
    eventually(lambda: len(workers_of(two)) == 2 and workers_of(two) != before)
    eventually(lambda: _answers(two))
    assert counted(two, HEALTHY) >= shown
    assert any("Unexpected exit from worker" in line["message"] for line in log_of(two))
    assert two.stop() == 0


def test_no_process_is_forked_that_has_threads(two):
    # A forked process has its parent's command line.
    assert len(workers_of(two)) == 2


HEALTHY = 'movierating_http_requests_total{method="GET",route="/healthz",status="200"}'


@pytest.mark.sqlite
def test_an_instance_stays_held_while_its_worker_is_replaced(one):
    (worker,) = workers_of(one)
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: worker not in workers_of(one))
    with pytest.raises(LockHeld):
        InstanceLock(one.folder / "movierating.sqlite3", exclusive=True)
    one.process.kill()
    one.process.wait()


def _answers(service):
    with suppress(OSError):
        return call(service, "/healthz")[0] == 200
    return False


def test_metrics_are_of_all_workers_and_outlive_them(two, serve):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: call(two, "/healthz"), range(60)))
    eventually(lambda: counted(two, HEALTHY) >= 60)
    for _ in range(10):
        assert counted(two, HEALTHY) == 60
    call(two, "/healthz")
    assert two.stop() == 0
    assert counted(serve(two.folder), HEALTHY) == 61


def test_workers_do_not_outlive_the_process_that_watches_them(two):
    workers = workers_of(two)
    two.process.kill()
    two.process.wait()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_every_line_of_a_whole_life_is_json(two):
    names = [f"person{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: sign_up(two, name), names))
    send_what_is_no_http(two)
    call(two, "/v1/auth/login", {"login": "person1", "password": "wrong horse battery"})
    call(two, "/v1/nowhere?token=eyJ")
    eventually(lambda: counted(two, "movierating_sign_ups_total") == len(names))
    assert two.stop() == 0
    lines = log_of(two)
    assert lines[0]["message"] == "serving"
    assert lines[0]["address"] == two.url
    # What granian thinks of the number of threads is no news for who runs the service.
    assert [
        line["message"]
        for line in lines
        if line["logger"] == "_granian" and "Python threads" in line["message"]
    ] == []
    assert {"/v1/users", "/v1/auth/login", None} <= {line.get("route") for line in lines[1:]}
    assert not re.search("example.org|eyJ|horse", json.dumps(lines))


def test_flask_run_serves_too(instance, environ, free_port):
    port = free_port()
    command = [sys.executable, "-m", "flask", "--app", "movierating", "run", "--port", str(port)]
    service = Service(f"http://127.0.0.1:{port}", instance)
    log = instance.parent / "flask.log"
    with (
        log.open("w") as file,
        subprocess.Popen(command, env=environ(instance), stdout=file, stderr=file) as process,
    ):
        try:
            eventually(lambda: process.poll() is not None or _answers(service))
            assert call(service, "/v1/nowhere?q=ada@example.org")[0] == 404
        finally:
            process.terminate()
    assert str(port) in log.read_text()
    assert "ada@example.org" not in log.read_text()
    # No colour codes, plain or escaped in JSON.
    assert not re.search(r"\x1b|\\u001b", log.read_text())


def test_all_that_it_writes_is_its_owners_alone(tmp_path, serve):
    (folder := tmp_path / "instance").mkdir(mode=0o755)
    service = serve(folder, RATELIMIT_ENABLED="true")
    body = json.dumps({"login": "nobody", "password": "correct horse battery"}).encode()
    request = urllib.request.Request(
        f"{service.url}/v1/auth/login", body, {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=30)
    assert service.stop() == 0
    made = list(folder.iterdir())
    assert {"limits.sqlite3", "metrics.sqlite3"} <= {file.name for file in made}
    assert [file.name for file in made if file.stat().st_mode & 0o077] == []
