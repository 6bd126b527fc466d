"""A real Redis server that tests can stop and start."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service_process import wait_until


class RedisProcess:
    """A Redis server on a fixed port, without persistence: it is empty after each start."""

    def __init__(self, executable: str, port: int, folder: Path, options: tuple[str, ...] = ()) -> None:
        storage = [
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(folder),
            "--logfile",
            str(folder / "redis.log"),
        ]
        self.port = port
        self.url = f"redis://127.0.0.1:{port}"
        self._command = [executable, "--bind", "127.0.0.1", "--port", str(port), *storage, *options]
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def read_version(executable: str) -> str:
        """Return the version of a Redis server."""
        output = subprocess.run([executable, "--version"], capture_output=True, text=True).stdout
        return " ".join(word.removeprefix("v=") for word in output.split() if word.startswith("v="))

    def start(self) -> None:
        """Start and wait until it responds, if only to ask for a password."""
        self._process = subprocess.Popen(self._command)
        wait_until(self._responds)

    def _responds(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "redis-server ended"
        with suppress(OSError):
            return self.send("PING") != b""
        return False

    def kill(self) -> None:
        """Kill the server."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def send(self, *words: str) -> bytes:
        """Send a command and return up to 64 KB of the response."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(b" ".join(word.encode() for word in words) + b"\r\n")
            return connection.recv(1 << 16)

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Kill the server in the block, and start it again afterwards."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """Stop the process in the block: it accepts connections but does not respond."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)
