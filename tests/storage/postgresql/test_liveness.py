"""Liveness of a server that has stopped or is slow, probed by one thread for all."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from movierating.storage.postgresql import liveness
from movierating.storage.postgresql.liveness import Liveness, ServerStopped


@contextmanager
def listening(family, address, reply):
    """Listen and send `reply` to each client, none as a stopped server does; yield the address and the requests."""
    with socket.socket(family) as listener:
        listener.bind(address)
        listener.listen(50)
        requests = []

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    requests.append(connection.recv(100))
                    connection.sendall(reply)

        thread = threading.Thread(target=serve)
        if reply is not None:
            thread.start()
        try:
            yield listener.getsockname(), requests
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            if reply is not None:
                thread.join()


@pytest.mark.parametrize(
    ("reply", "is_alive"), [(b"S", True), (b"N", True), (b"E", True), (b"", False), (None, False)]
)
def test_server_that_responds_to_the_probe_is_alive(monkeypatch, reply, is_alive):
    monkeypatch.setattr(liveness, "PROBE_TIMEOUT_SECONDS", 0.2 if reply is None else 60)
    with listening(socket.AF_INET, ("127.0.0.1", 0), reply) as ((host, port), _):
        assert Liveness().is_alive(host, port) is is_alive


def test_unix_socket_is_probed(tmp_path):
    with listening(socket.AF_UNIX, str(tmp_path / ".s.PGSQL.5432"), b"S"):
        assert Liveness().is_alive(str(tmp_path), 5432)
    assert not Liveness().is_alive(str(tmp_path / "none"), 5432)


def test_concurrent_threads_share_one_probe(monkeypatch):
    monkeypatch.setattr(liveness, "_PROBE_INTERVAL_SECONDS", 60)
    server = Liveness()
    with listening(socket.AF_INET, ("127.0.0.1", 0), b"S") as ((host, port), requests):
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(lambda _: server.is_alive(host, port), range(8)))
        assert len(requests) == 1


def test_stopped_server_does_not_make_another_one_count_as_stopped(monkeypatch):
    monkeypatch.setattr(liveness, "PROBE_TIMEOUT_SECONDS", 0.2)
    servers = Liveness()
    with (
        listening(socket.AF_INET, ("127.0.0.1", 0), None) as (stopped, _),
        listening(socket.AF_INET, ("127.0.0.1", 0), b"S") as (alive, _),
    ):
        assert not servers.is_alive(*stopped)
        monkeypatch.setattr(liveness, "PROBE_TIMEOUT_SECONDS", 60)
        assert servers.is_alive(*alive)


def time_out():
    raise TimeoutError


def test_while_the_server_is_stopped_one_thread_tries_to_connect():
    server, trying, end = Liveness(), threading.Event(), threading.Event()

    def try_long():
        trying.set()
        assert end.wait(30)
        return "connected"

    with pytest.raises(ServerStopped):
        server.try_connect(time_out, TimeoutError)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(server.try_connect, try_long, TimeoutError)
        assert trying.wait(30)
        with pytest.raises(ServerStopped):
            server.try_connect(pytest.fail, TimeoutError)
        end.set()
        assert first.result() == "connected"
    assert server.try_connect(lambda: "another", TimeoutError) == "another"


def test_other_errors_do_not_mean_that_the_server_is_stopped():
    server = Liveness()
    with pytest.raises(ValueError, match="password"):
        server.try_connect(lambda: int("password"), TimeoutError)
    assert server.try_connect(lambda: time.monotonic(), TimeoutError)
