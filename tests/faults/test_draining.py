"""SIGTERM at any moment: requests get their whole responses, acknowledged writes are stored, and the service ends."""

import os
import random
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from faults.conftest import NOTHING_SENT
from faults.load import Load
from movierating.operations.draining import IDLE_SECONDS
from movierating.ratings.row_matching import MAX_MOVIES_ADDED
from service_process import make_program

WRITERS = 16
# Kills no worker, nor closes a connection without headers, which would end it: a test that waits for this service shows
# that its workers end by themselves.
PATIENT = make_program("server.DRAIN_TIMEOUT_SECONDS = server.HEADER_TIMEOUT_SECONDS = 3600")


def wait_for_exit(process, timeout=60):
    """Return the exit code; fail if the service does not end, or one of its workers does not."""
    return process.wait(timeout=timeout)


@pytest.fixture(autouse=True)
def _default_sighup():
    """Let services end at SIGHUP also if the tests run under `nohup`."""
    handler = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, handler)


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_sigterm_under_load_loses_no_write_and_cuts_no_response(
    instance, serve, populate, client_of, eventually, unsound, times
):
    ids = populate(instance, "ada")
    service = serve(instance, workers=2)
    credentials = client_of(service, "ada").headers
    clients = [client_of(service, **credentials) for _ in range(WRITERS)]
    load = Load(clients, ids[:WRITERS], stops_at_failure=True)
    eventually(load.make_progress_check())
    for _ in range(times):
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
    assert wait_for_exit(service.process) == 0
    load.end()
    # No response was cut, and none was an error; connections were closed between two requests.
    assert load.statuses <= {200, 201, NOTHING_SENT}
    # A request may have been executed just before its connection was closed.
    assert load.find_lost(client_of(serve(instance), **credentials).rating_of) == []
    assert unsound(instance) == []


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=["systemd", "Ctrl-C", "closed terminal"]
)
def test_signal_to_process_group_drains_busy_service(
    instance, serve, populate, client_of, eventually, number
):
    ids = populate(instance, "ada")
    service = serve(instance, workers=2, program=PATIENT)
    load = Load([client_of(service, "ada")], ids, stops_at_failure=True)
    eventually(load.make_progress_check())
    os.killpg(service.process.pid, number)
    assert wait_for_exit(service.process) == 0
    load.end()
    assert load.statuses <= {200, 201, NOTHING_SENT}


@pytest.fixture
def connect(instance, serve):
    """Start a service and open twenty connections to it, on which nothing was sent yet."""
    opened = []

    def connect(program=PATIENT):
        service = serve(instance, workers=2, program=program)
        host, port = service.url.removeprefix("http://").split(":")
        own = [socket.create_connection((host, int(port)), timeout=30) for _ in range(20)]
        opened.extend(own)
        return service, own

    yield connect
    for connection in opened:
        connection.close()


def use_half(opened):
    for connection in opened[10:]:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_service_ends_after_ctrl_c_although_clients_keep_idle_connections(connect):
    for _ in range(3):
        service, opened = connect()
        use_half(opened)
        # A terminal sends SIGINT to every process of the foreground group.
        os.killpg(service.process.pid, signal.SIGINT)
        assert wait_for_exit(service.process) == 0


def test_service_ends_although_clients_keep_idle_connections(connect):
    service, opened = connect()
    use_half(opened)
    service.process.send_signal(signal.SIGTERM)
    assert wait_for_exit(service.process) == 0


def test_service_ends_although_headers_are_incomplete(connect):
    service, opened = connect()
    for connection in opened:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHo")
    os.killpg(service.process.pid, signal.SIGINT)
    assert wait_for_exit(service.process) == 0


def send_incomplete_body(connection, path, length):
    """Send a request and one byte of its body. When this returns, the request is in progress."""
    headers = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nExpect: 100-continue"
    connection.sendall(f"POST {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode())
    # The server asks for the body once the application reads it.
    assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"{")


@pytest.mark.parametrize("times", [1, 4], ids=["one SIGTERM", "several SIGTERMs"])
def test_request_with_a_slow_body_is_answered_during_shutdown(connect, times):
    service, opened = connect()
    use_half(opened)
    send_incomplete_body(opened[0], "/v1/auth/login", 2)
    for _ in range(times):
        os.killpg(service.process.pid, signal.SIGTERM)
        time.sleep(2 * IDLE_SECONDS / times)
    opened[0].sendall(b"}")
    assert opened[0].recv(1000).startswith(b"HTTP/1.1 422")
    assert wait_for_exit(service.process) == 0


@pytest.mark.skipif("SOAK_ROUNDS" not in os.environ, reason="it waits as long as the service does")
def test_incomplete_body_delays_the_shutdown_for_a_bounded_time(connect):
    service, opened = connect(make_program())
    use_half(opened)
    for connection in opened[:2]:
        send_incomplete_body(connection, "/v1/users", 9)
    service.process.send_signal(signal.SIGTERM)
    # Docker waits as long.
    assert wait_for_exit(service.process, 10) == 0


def test_import_is_completed_during_shutdown(instance, serve, populate, client_of, unsound):
    populate(instance, "ada", count=1)
    service = serve(instance)
    ada, begun, stopping = client_of(service, "ada"), threading.Event(), threading.Event()

    def send_file():
        yield b"title,year,value\n"
        begun.set()
        assert stopping.wait(60)
        yield b"".join(b"Movie %d,2001,5\n" % number for number in range(10_000))

    with ThreadPoolExecutor(1) as threads:
        importing = threads.submit(ada.stream, send_file(), "create_missing=true")
        assert begun.wait(60)
        # Once a later request has its response, the import is in progress.
        assert client_of(service).send("GET", "/healthz").status == 200
        service.process.send_signal(signal.SIGTERM)
        stopping.set()
        assert wait_for_exit(service.process) == 0
        assert (importing.result().status, importing.result().body["created"]) == (200, MAX_MOVIES_ADDED)
    assert unsound(instance) == []


@pytest.fixture
def start(tmp_path, environ, free_port):
    """`start()` starts a service, or another program, and returns its process."""
    started = []

    def begin(program=PATIENT):
        command = [*program, "serve", "--port", str(free_port()), "--workers", "2"]
        env = environ(tmp_path / "instance", LOG_LEVEL="INFO")
        process = subprocess.Popen(
            command, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_sigterm_during_start_ends_the_service(start):
    for number in range(4):
        process = start()
        time.sleep(0.2 * (1 + number) + random.uniform(0, 0.2))
        process.send_signal(signal.SIGTERM)
        # Python needs a moment until it handles signals.
        assert wait_for_exit(process) in (0, -signal.SIGTERM)
        assert "Traceback" not in process.stderr.read()


def test_service_under_nohup_survives_a_closed_terminal(instance, serve, client_of):
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited, as from nohup
    try:
        service = serve(instance, workers=2)
    finally:
        signal.signal(signal.SIGHUP, handler)
    os.killpg(service.process.pid, signal.SIGHUP)
    time.sleep(IDLE_SECONDS + 1)  # until then it would have ended
    assert client_of(service).send("GET", "/healthz").status == 200


# Otherwise the start may be over before a busy machine lets the test send a signal.
SLOW_START = make_program("import time", "server.startup.index_repair.reindex = lambda: time.sleep(60)")


def test_ctrl_c_during_first_start_exits_with_0(start, tmp_path, eventually):
    process = start(SLOW_START)
    eventually((tmp_path / "instance").exists)
    os.killpg(process.pid, signal.SIGINT)
    assert wait_for_exit(process) == 0
    assert process.stderr.read() == ""


def test_sigterm_while_workers_start_ends_the_service(start):
    for _ in range(4):
        process = start()
        while "starting" not in process.stderr.readline():
            pass
        time.sleep(random.uniform(0, 0.03))
        process.send_signal(signal.SIGTERM)
        assert wait_for_exit(process) == 0
