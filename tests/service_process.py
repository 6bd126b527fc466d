"""A running `movierating serve`, and free ports."""

import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest


def find_free_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Service:
    """A running `movierating serve`."""

    url: str
    folder: Path
    process: subprocess.Popen[str]

    def wait_until_ready(self) -> None:
        """Wait until the service responds; fail after 30 seconds, or if it has ended."""
        for _ in range(300):
            if self.process.poll() is not None:
                raise AssertionError((self.folder.parent / "service.log").read_text())
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the service was not ready after 30 seconds")

    def stop(self) -> int:
        """Stop gracefully and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

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
        return [int(pid) for file in files for pid in file.read_text().split() if _is_spawned(pid)]


def _is_spawned(pid: str) -> bool:
    """Return True if a process was started by `multiprocessing`, and is not its resource tracker."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False  # it has just ended
