"""`movierating serve`: workers, their replacement, shutdown and log."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from movierating.storage.sqlite.instance_lock import InstanceLock, LockHeld
from movierating.storage.sqlite.write_queue import MAX_WAITING_THREADS
from service_process import MOVIERATING, make_program

PASSWORD = "correct horse battery"
HEALTH_REQUESTS = 'movierating_http_requests_total{method="GET",route="/healthz",status="200"}'


class Service(NamedTuple):
    """A service that the fixture `serve` did not start."""

    url: str
    folder: Path


def call(service, path, body=None):
    """Return the status of a response; `body` makes the request a POST."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(service.url + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def sign_up(service, name="ada"):
    account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    assert call(service, "/v1/users", account) == 201


def read_metric(service, name):
    """Return a value of /metrics, 0 if it is missing."""
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=30) as response:
        match = re.search(rf"^{re.escape(name)} (\S+)$", response.read().decode(), re.MULTILINE)
    return float(match[1]) if match else 0


def is_healthy(service):
    with suppress(OSError):
        return call(service, "/healthz") == 200
    return False


@pytest.fixture
def one(serve, instance):
    """A service with one worker."""
    return serve(instance, LOG_LEVEL="INFO")


@pytest.fixture
def two(serve, instance):
    """A service with two workers."""
    return serve(instance, workers=2, LOG_LEVEL="INFO")


@pytest.fixture
def start(instance, environ, free_port):
    """`process, url = start()` starts a service without waiting for it; `process.stderr` is its log."""
    started = []

    def run():
        port = free_port()
        command = [*MOVIERATING, "serve", "--port", str(port)]
        env = environ(instance, LOG_LEVEL="INFO")
        started.append(subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True))
        return started[-1], f"http://127.0.0.1:{port}"

    yield run
    for process in started:
        process.terminate()
        process.communicate(timeout=60)


def test_serving_is_logged_once_the_service_can_be_reached(start):
    for _ in range(3):
        process, url = start()
        line = next(line for line in process.stderr if '"serving"' in line)
        assert json.loads(line)["address"] == url
        with urllib.request.urlopen(f"{url}/healthz", timeout=30) as response:
            assert response.status == 200


def test_sigterm_finishes_requests_in_progress(one, eventually):
    sign_up(one)
    # Hashing a password takes long. A login that fails writes nothing, so it does not get 503 on a slow disk.
    logins = [{"login": "ada", "password": "wrong horse battery"}] * 160
    with ThreadPoolExecutor(40) as threads:
        responses = [threads.submit(call, one, "/v1/auth/login", body) for body in logins]
        eventually(lambda: any(response.done() for response in responses))
        assert not all(response.done() for response in responses)
        assert one.stop() == 0
        statuses = []
        for response in responses:
            # A connection that was not accepted yet gets "connection refused" and is not dropped half-way.
            with suppress(urllib.error.URLError, ConnectionError):
                statuses.append(response.result())
    assert statuses.count(401) == len(statuses) >= 5
    assert sum(line.get("route") == "/v1/auth/login" for line in one.read_log()) == len(statuses)


# It gets SIGTERM while it starts the process that loads the catalogue, and has no workers yet.
STOPPED_WHILE_STARTING_A_PROCESS = make_program(
    *(
        "import os, signal, time",
        "from multiprocessing import util",
        "spawn, serve = util.spawnv_passfds, server._serve",
    ),
    "send = lambda: (os.kill(os.getpid(), signal.SIGTERM), time.sleep(1))",
    "util.spawnv_passfds = lambda *given: (spawn(*given), '--multiprocessing-fork' in given[1] and send())[0]",
    "server._serve = lambda granian: (time.sleep(1), serve(granian))",
)


def test_sigterm_while_a_process_is_started_ends_the_service_without_a_traceback(
    tmp_path, environ, free_port
):
    command = [*STOPPED_WHILE_STARTING_A_PROCESS, "serve", "--port", str(free_port())]
    env = environ(tmp_path / "instance")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_start_with_too_few_open_files_fails_with_one_line(instance, environ, free_port):
    command = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *MOVIERATING, "serve", "--port", str(free_port())]
    done = subprocess.run(command, env=environ(instance), capture_output=True, text=True, timeout=180)
    message = "a process may open 64 files here (`ulimit -Hn`); the server needs more than 128"
    assert (done.returncode, done.stderr) == (1, f"Error: {message}\n")


def test_killed_worker_is_replaced(two, eventually):
    workers = set(two.list_worker_pids())
    assert len(workers) == 2
    os.kill(min(workers), signal.SIGKILL)
    eventually(lambda: len(set(two.list_worker_pids()) - workers) == 1)
    eventually(lambda: is_healthy(two))
    assert any("Unexpected exit from worker" in line["message"] for line in two.read_log())
    assert two.stop() == 0


@pytest.mark.sqlite
def test_instance_stays_locked_while_its_worker_is_replaced(one, eventually):
    (worker,) = one.list_worker_pids()
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: worker not in one.list_worker_pids())
    with pytest.raises(LockHeld):
        InstanceLock(one.folder / "movierating.sqlite3", exclusive=True)
    one.process.kill()
    one.process.wait()


def test_metrics_are_summed_over_workers_and_survive_restarts(two, serve, eventually):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: call(two, "/healthz"), range(60)))
    eventually(lambda: read_metric(two, HEALTH_REQUESTS) >= 60)
    for _ in range(10):
        assert read_metric(two, HEALTH_REQUESTS) == 60
    call(two, "/healthz")
    assert two.stop() == 0
    assert read_metric(serve(two.folder), HEALTH_REQUESTS) == 61


def test_workers_end_when_the_main_process_is_killed(two, eventually):
    workers = two.list_worker_pids()
    two.process.kill()
    two.process.wait()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_every_log_line_is_json_without_secrets(two, eventually):
    names = [f"person{number}" for number in range(24)]
    with ThreadPoolExecutor(MAX_WAITING_THREADS) as threads:
        list(threads.map(lambda name: sign_up(two, name), names))
    address = ("127.0.0.1", int(two.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(b"\x00\xff\x16\x03\r\n\r\n")
        connection.recv(1000)
    call(two, "/v1/auth/login", {"login": "person1", "password": "wrong horse battery"})
    call(two, "/v1/nowhere?token=eyJ")
    eventually(lambda: read_metric(two, "movierating_sign_ups_total") == len(names))
    assert two.stop() == 0
    lines = two.read_log()
    assert (lines[0]["message"], lines[0]["instance"]) == ("starting", str(two.folder))
    assert not any("Python threads" in line["message"] for line in lines)
    assert {"/v1/users", "/v1/auth/login", None} <= {line.get("route") for line in lines[1:]}
    assert not re.search("example.org|eyJ|horse", json.dumps(lines))


def test_flask_run_serves_and_logs_neither_queries_nor_colour_codes(instance, environ, free_port, eventually):
    port = free_port()
    command = [sys.executable, "-m", "flask", "--app", "movierating", "run", "--port", str(port)]
    service = Service(f"http://127.0.0.1:{port}", instance)
    log = instance.parent / "flask.log"
    with (
        log.open("w") as file,
        subprocess.Popen(command, env=environ(instance), stdout=file, stderr=file) as process,
    ):
        try:
            eventually(lambda: process.poll() is not None or is_healthy(service))
            assert call(service, "/v1/nowhere?q=ada@example.org") == 404
        finally:
            process.terminate()
    assert str(port) in log.read_text()
    assert not re.search(r"ada@example.org|\x1b|\\u001b", log.read_text())


def test_only_the_owner_can_read_the_instance(tmp_path, serve):
    (folder := tmp_path / "instance").mkdir(mode=0o755)
    service = serve(folder, RATELIMIT_ENABLED="true")
    assert call(service, "/v1/auth/login", {"login": "nobody", "password": PASSWORD}) == 401
    assert service.stop() == 0
    files = list(folder.iterdir())
    assert {"limits.sqlite3", "metrics.sqlite3"} <= {file.name for file in files}
    assert [file.name for file in files if file.stat().st_mode & 0o077] == []


def test_service_runs_with_closed_standard_streams(instance, serve):
    service = serve(instance, inside=("sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-'))
    for pid in (service.process.pid, *service.list_worker_pids()):
        assert {str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)} == {"/dev/null"}
    assert service.stop() == 0
