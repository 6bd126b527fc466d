"""Whether a PostgreSQL server is alive, found out once for all threads of a process.

Who waits long for an answer can't tell a server that works on it from one that has stopped: the kernel of the latter's
machine goes on to acknowledge what it is sent. So the server is asked for something else beside it, which one that
lives does at once, however long the statement takes.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

# How long to wait for an answer before the server is asked beside it, and how long that may take.
RESPONSE_TIMEOUT_SECONDS = 3.0
PROBE_TIMEOUT_SECONDS = 2.0
# What was found is good for other threads too for so long.
_PROBE_INTERVAL_SECONDS = 1.0

# A client's question whether TLS is spoken. It is answered with one byte, to whoever asks, and takes no connection's
# place. Source: https://www.postgresql.org/docs/current/protocol-message-formats.html (SSLRequest)
_QUESTION = struct.pack("!ii", 8, 80877103)

T = TypeVar("T")


class ServerStopped(Exception):
    """The server did not answer in time, or did not a moment ago."""


class Liveness:
    """One server's, or that of whichever stands behind an address."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._asked_at = float("-inf")
        self._beats = True
        self._connecting = threading.Lock()
        self._stopped = False

    def is_alive(self, host: str, port: int) -> bool:
        """Whether the server there is alive; known within PROBE_TIMEOUT_SECONDS."""
        with self._asking:
            if time.monotonic() - self._asked_at > _PROBE_INTERVAL_SECONDS:
                self._beats = _answers(host, port)
                self._asked_at = time.monotonic()
            self._stopped = not self._beats
            return self._beats

    def connected(self, connect: Callable[[], T], timeout: type[Exception]) -> T:
        """What `connect` returns, which raises `timeout` where the server does not answer.

        While it is known not to, one thread tries and all others are told at once. Raises ServerStopped.
        """
        is_trying = self._stopped
        if is_trying and not self._connecting.acquire(blocking=False):
            raise ServerStopped
        try:
            made = connect()
            self._stopped = False
            return made
        except timeout as error:
            self._stopped = True
            raise ServerStopped from error
        finally:
            if is_trying:
                self._connecting.release()


def _answers(host: str, port: int) -> bool:
    try:
        with closing(_socket(host)) as probe:
            probe.settimeout(PROBE_TIMEOUT_SECONDS)
            probe.connect(f"{host}/.s.PGSQL.{port}" if _is_folder(host) else (host, port))
            probe.sendall(_QUESTION)
            return probe.recv(1) != b""
    except OSError:
        return False


def _socket(host: str) -> socket.socket:
    if _is_folder(host):
        return socket.socket(socket.AF_UNIX)
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)


def _is_folder(host: str) -> bool:
    """Whether the server is one of this machine, whose socket lies in a folder."""
    return host.startswith("/")
