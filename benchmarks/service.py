"""Shared by the benchmarks: starts the service, signs up accounts, and writes tables of results."""

import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

HERE = Path(__file__).parent
MOVIERATING = (sys.executable, "-m", "movierating")
PASSWORD = "correct horse battery"  # noqa: S105, of accounts that exist only during the run

_STOP_TIMEOUT_SECONDS = 20


class Response(NamedTuple):
    """A complete HTTP response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Service:
    """A running service and one connection to it; `process` is its main process."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.port, self.process = port, process
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Response:
        """Send a request and return the response, whatever its status."""
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return Response(response.status, response.headers, response.read())

    def get(self, path: str) -> Any:
        """Return the JSON at a path under /v1. Exit if the request fails."""
        return self._send_checked("GET", path, None)

    def post(self, path: str, body: bytes, **headers: str) -> Any:
        """Post a body to a path under /v1 and return the JSON of the response. Exit if the request fails."""
        return self._send_checked("POST", path, body, **headers)

    def _send_checked(self, method: str, path: str, body: bytes | None, **headers: str) -> Any:
        response = self.send(method, f"/v1{path}", body, **headers)
        if response.status not in (200, 201):
            raise SystemExit(f"{path} returned {response.status}: {response.body.decode()}")
        return json.loads(response.body)

    def sign_up(self, name: str) -> tuple[int, str]:
        """Sign up; return the id and an access token, which is valid for 15 minutes."""
        headers = {"Content-Type": "application/json"}
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        user_id = self.post("/users", json.dumps(account).encode(), **headers)["id"]
        session = self.post(
            "/auth/login", json.dumps({"login": name, "password": PASSWORD}).encode(), **headers
        )
        return user_id, session["access_token"]

    def get_worker_bytes(self) -> int:
        """Return the resident memory of the largest worker, in bytes. Linux only."""
        workers = [
            status
            for status in map(_read_status, Path("/proc").glob("[0-9]*/status"))
            if status.get("PPid") == str(self.process.pid) and "VmRSS" in status
        ]
        return max(int(status["VmRSS"].split()[0]) * 1024 for status in workers)


def _read_status(file: Path) -> dict[str, str]:
    try:
        pairs = (line.split(":", 1) for line in file.read_text().splitlines())
        return {name: value.strip() for name, value in pairs}
    except OSError:  # the process has ended
        return {}


def make_environment(instance: Path) -> dict[str, str]:
    """Return the environment of a service in this instance folder: the defaults, without rate limits."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("MOVIERATING_")}
    return {**others, "MOVIERATING_INSTANCE_PATH": str(instance), "MOVIERATING_RATELIMIT_ENABLED": "false"}


def run_command(instance: Path, *arguments: str) -> None:
    """Run a movierating command on an instance, without output. It must succeed."""
    subprocess.run(
        [*MOVIERATING, *arguments],
        env=make_environment(instance),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Run(NamedTuple):
    """A successful command: its duration, its processor time and its peak memory, each with those of its processes."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def measure_command(program: Sequence[str], instance: Path) -> Run:
    """Run a command on an instance and measure it. Exit unless it succeeds."""
    log = instance.with_suffix(".log")
    started_at = time.perf_counter()
    with log.open("w") as file:
        process = subprocess.Popen(program, env=make_environment(instance), stdout=file, stderr=file)
        # wait4 returns the usage of this child; `resource` has only the maximum of all children.
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started_at
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{' '.join(program)} failed: {log.read_text()[-500:]}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Run(seconds, usage.ru_utime + usage.ru_stime, peak)


@contextmanager
def run_service(
    instance: Path, workers: int = 1, core: int | None = None, predictions: str = "off"
) -> Iterator[Service]:
    """Run the service without rate limits, on one core if given. Its log goes to a file.

    Predictions are off by default: a training takes turns with the worker on its core.
    """
    port = find_free_port()
    program = [*MOVIERATING, "serve", "--port", str(port), "--workers", str(workers)]
    env = {**make_environment(instance), "MOVIERATING_PREDICTIONS": predictions}
    with _running(program, port, env, instance.parent / f"{instance.name}.log", core) as service:
        yield service


@contextmanager
def run_hello(folder: Path, core: int | None = None) -> Iterator[Service]:
    """Run a bare Flask service with one worker, on the same server with as many threads."""
    from movierating.operations.server import THREADS_PER_WORKER

    port = find_free_port()
    program = [sys.executable, str(HERE / "hello.py"), str(port), str(THREADS_PER_WORKER)]
    with _running(program, port, dict(os.environ), folder / "hello.log", core) as service:
        yield service


def find_free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    program: Sequence[str], port: int, env: dict[str, str], log: Path, core: int | None
) -> Iterator[Service]:
    # SIGTERM to a benchmark stops its services too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with log.open("a") as file:
        process = subprocess.Popen([*pin_to_core(core), *program], env=env, stderr=file)
    try:
        wait_for_port(port)
        yield Service(port, process)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for_port(port: int) -> None:
    """Wait until a process listens on the port. Exit after 30 seconds."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise SystemExit("the service did not start in 30 seconds")


def pick_cores() -> tuple[int | None, int | None]:
    """Return a core for the service and one for the load, or None for both if processes can't be pinned."""
    if not hasattr(os, "sched_getaffinity") or shutil.which("taskset") is None:
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[-1]) if len(cores) > 1 else (None, None)


def pin_to_core(core: int | None) -> list[str]:
    """Return the prefix of a command that keeps it on this core."""
    return [] if core is None else ["taskset", "-c", str(core)]


def measure_seconds(job: Callable[[], object]) -> float:
    """Run a job and return how long it took, in seconds."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def publish(result: str, script: str) -> None:
    """Print a benchmark's tables and write them, with the versions used, beside its script."""
    versions = (
        f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} processors"
    )
    click.echo(result)
    Path(script).with_suffix(".md").write_text(f"{result}\n\n{versions}.\n")


def make_table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [columns, ["---"] * len(columns), *lines])
