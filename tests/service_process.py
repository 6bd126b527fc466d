"""A running `movierating serve`, free ports, and waiting for what other processes do."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# Linux gives ports from 32768 on to outgoing connections, also just before a server takes a port that was free.
_PORTS = range(10_000, 32_000)
# Each process of a test run begins elsewhere, and takes no port twice.
_numbers = itertools.count(os.getpid() * 997)


def make_program(*assignments: str) -> tuple[str, ...]:
    """Return a command that is `movierating` after assignments such as `server.DRAIN_TIMEOUT_SECONDS = 1`."""
    imports = "from movierating.cli.main import main; from movierating.operations import prediction_training, server"
    return sys.executable, "-c", "; ".join((imports, *assignments, "main()"))


# `serve` gives workers more time to end than outside of tests: a disk that is busy with other tests delays them.
MOVIERATING = make_program("server.DRAIN_TIMEOUT_SECONDS = 30")


def find_free_port() -> int:
    """Return a free port of the loopback interface that no other test gets."""
    while True:
        port = _PORTS[next(_numbers) % len(_PORTS)]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(condition: Callable[[], object], seconds: float = 90) -> None:
    """Wait until the condition is true. Fail after so many seconds, which only a test that hangs needs."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"the condition is still false after {seconds} seconds")
        time.sleep(0.05)


@dataclass
class Service:
    """A running `movierating serve`."""

    url: str
    folder: Path
    process: subprocess.Popen[str]

    def wait_until_ready(self) -> None:
        """Wait until the service responds; fail if it has ended."""
        wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError((self.folder.parent / "service.log").read_text())
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=30):
            return True
        return False

    def stop(self) -> int:
        """Stop gracefully and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def read_log(self) -> list[dict[str, Any]]:
        """Return the lines of the log, while the service runs without one that is being written."""
        is_running = self.process.poll() is None
        text = (self.folder.parent / "service.log").read_text()
        if is_running:
            text = text[: text.rfind("\n") + 1]
        return [json.loads(line) for line in text.splitlines()]

    def list_worker_pids(self) -> list[int]:
        """Return the process ids of the workers; skip the test if the system does not list a process's children."""
        return self._list_children(str(self.process.pid))

    def list_loader_pids(self) -> list[int]:
        """Return the process id of the process that loads the catalogue, if it runs; skip the test as above."""
        return sorted({*self._list_children("*")} - {*self.list_worker_pids()})

    def _list_children(self, thread: str) -> list[int]:
        """Return the process ids of the children that a thread started, or any thread (`*`)."""
        files = [*Path(f"/proc/{self.process.pid}/task").glob(f"{thread}/children")]
        if not files:
            pytest.skip("this system does not list a process's children")
        return [int(pid) for file in files for pid in _read_pids(file) if _is_spawned(pid)]


def _read_pids(file: Path) -> list[str]:
    """Return the process ids in a file of a thread, none if the thread has just ended."""
    with suppress(OSError):
        return file.read_text().split()
    return []


def _is_spawned(pid: str) -> bool:
    """Return True if a process was started by `multiprocessing`, and is not its resource tracker."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False  # it has just ended
