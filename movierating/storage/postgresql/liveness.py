"""Liveness of a PostgreSQL server, probed once for all threads of a process.

A client that waits long for a response can't tell a server that is working on it from one that has stopped: the kernel
of the stopped server's machine continues to acknowledge packets. So a second connection sends a request to which a
live server responds at once, however long the statement takes.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

# How long to wait for a response before the server is probed, and how long each of its steps may take.
RESPONSE_TIMEOUT_SECONDS = 3.0
PROBE_TIMEOUT_SECONDS = 2.0
# Other threads use the result of a probe for this long.
_PROBE_INTERVAL_SECONDS = 1.0

# Asks whether the server supports TLS. It responds with one byte, to any client, and uses up no connection.
# Source: https://www.postgresql.org/docs/current/protocol-message-formats.html (SSLRequest)
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)

T = TypeVar("T")


class ServerStopped(Exception):
    """The server did not respond in time, or did not a moment ago."""


class Liveness:
    """The liveness of the servers of one URL, probed by address."""

    def __init__(self) -> None:
        self._probe_lock = threading.Lock()
        # By address, when it was probed and whether it responded.
        self._probes: dict[tuple[str, int], tuple[float, bool]] = {}
        self._connect_lock = threading.Lock()
        # By the last probe or attempt to connect, whichever ended later.
        self._is_stopped = False

    def is_alive(self, host: str, port: int) -> bool:
        """Return True if the server there is alive."""
        with self._probe_lock:
            probed_at, has_responded = self._probes.get((host, port), (float("-inf"), True))
            if time.monotonic() - probed_at > _PROBE_INTERVAL_SECONDS:
                has_responded = _probe(host, port)
                self._probes[host, port] = (time.monotonic(), has_responded)
            self._is_stopped = not has_responded
            return has_responded

    def try_connect(self, connect: Callable[[], T], timeout_error: type[Exception]) -> T:
        """Return what `connect` returns. Raise ServerStopped if it raises `timeout_error`.

        While the server is known to be stopped, one thread tries to connect; all others raise ServerStopped at once.
        """
        is_trying = self._is_stopped
        if is_trying and not self._connect_lock.acquire(blocking=False):
            raise ServerStopped
        try:
            connection = connect()
            self._is_stopped = False
            return connection
        except timeout_error as error:
            self._is_stopped = True
            raise ServerStopped from error
        finally:
            if is_trying:
                self._connect_lock.release()


def _probe(host: str, port: int) -> bool:
    # The socket of a server on this machine lies in a folder.
    is_folder = host.startswith("/")
    family = socket.AF_UNIX if is_folder else socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with closing(socket.socket(family)) as probe:
            probe.settimeout(PROBE_TIMEOUT_SECONDS)
            probe.connect(f"{host}/.s.PGSQL.{port}" if is_folder else (host, port))
            probe.sendall(_SSL_REQUEST)
            return probe.recv(1) != b""
    except OSError:
        return False
