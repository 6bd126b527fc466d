"""A server that has stopped, told from one that takes long, and asked by one thread for all."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from movierating.storage.postgresql import liveness
from movierating.storage.postgresql.liveness import Liveness, ServerStopped


@contextmanager
def listening(family, address, says):
    """The address of somebody who says that to whoever connects (None: nothing, as one stopped does), and the asked."""
    with socket.socket(family) as server:
        server.bind(address)
        server.listen(50)
        asked = []

        def answer():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(100))
                    connection.sendall(says)

        thread = threading.Thread(target=answer)
        if says is not None:
            thread.start()
        try:
            yield server.getsockname(), asked
        finally:
            server.shutdown(socket.SHUT_RDWR)
            if says is not None:
                thread.join()


@pytest.mark.parametrize(
    ("says", "is_alive"), [(b"S", True), (b"N", True), (b"E", True), (b"", False), (None, False)]
)
def test_a_byte_is_a_sign_of_life(monkeypatch, says, is_alive):
    monkeypatch.setattr(liveness, "PROBE_TIMEOUT_SECONDS", 0.2)
    with listening(socket.AF_INET, ("127.0.0.1", 0), says) as ((host, port), _):
        assert Liveness().is_alive(host, port) is is_alive


def test_a_socket_in_a_folder_is_asked_too(tmp_path):
    with listening(socket.AF_UNIX, str(tmp_path / ".s.PGSQL.5432"), b"S"):
        assert Liveness().is_alive(str(tmp_path), 5432)
    assert not Liveness().is_alive(str(tmp_path / "none"), 5432)


def test_many_threads_ask_once():
    of_server = Liveness()
    with listening(socket.AF_INET, ("127.0.0.1", 0), b"S") as ((host, port), asked):
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(lambda _: of_server.is_alive(host, port), range(8)))
        assert len(asked) == 1


def never():
    raise TimeoutError


def test_while_it_is_stopped_one_thread_tries_and_others_are_told_at_once():
    of_server, trying, end = Liveness(), threading.Event(), threading.Event()

    def try_long():
        trying.set()
        assert end.wait(30)
        return "connected"

    with pytest.raises(ServerStopped):
        of_server.try_connect(never, TimeoutError)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(of_server.try_connect, try_long, TimeoutError)
        assert trying.wait(30)
        with pytest.raises(ServerStopped):
            of_server.try_connect(pytest.fail, TimeoutError)
        end.set()
        assert first.result() == "connected"
    assert of_server.try_connect(lambda: "another", TimeoutError) == "another"


def test_what_else_keeps_from_connecting_is_no_sign_of_a_stop():
    of_server = Liveness()
    with pytest.raises(ValueError, match="password"):
        of_server.try_connect(lambda: int("password"), TimeoutError)
    assert of_server.try_connect(lambda: time.monotonic(), TimeoutError)
