"""What the benchmarks share: the service as it is delivered, accounts on it, data in it, and tables of results."""

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
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

import dataset

HERE = Path(__file__).parent
MOVIERATING = (sys.executable, "-m", "movierating")
PASSWORD = "correct horse battery"  # noqa: S105, of accounts that last as long as the run

_STOP_SECONDS = 20


class Answer(NamedTuple):
    """An HTTP answer, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Service:
    """A running service, and calls to it on one connection; `process` is its main one."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.port, self.process = port, process
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Whatever it answers."""
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())

    def get(self, path: str) -> Any:
        """The JSON at a path under /v1. Ends the run unless the answer is a good one."""
        return self._good("GET", path, None)

    def post(self, path: str, body: bytes, **headers: str) -> Any:
        """The JSON of the answer to a body sent to a path under /v1. Ends the run unless it is a good one."""
        return self._good("POST", path, body, **headers)

    def _good(self, method: str, path: str, body: bytes | None, **headers: str) -> Any:
        answer = self.ask(method, f"/v1{path}", body, **headers)
        if answer.status not in (200, 201):
            raise SystemExit(f"{path} answered {answer.status}: {answer.body.decode()}")
        return json.loads(answer.body)

    def sign_up(self, name: str) -> tuple[int, str]:
        """The id and the access token of a new account; the token is good for a quarter of an hour."""
        kind = {"Content-Type": "application/json"}
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        user_id = self.post("/users", json.dumps(account).encode(), **kind)["id"]
        session = self.post("/auth/login", json.dumps({"login": name, "password": PASSWORD}).encode(), **kind)
        return user_id, session["access_token"]

    def worker_bytes(self) -> int:
        """The resident memory of its largest worker. Linux only."""
        workers = [
            status
            for status in map(_status, Path("/proc").glob("[0-9]*/status"))
            if status.get("PPid") == str(self.process.pid) and "VmRSS" in status
        ]
        return max(int(status["VmRSS"].split()[0]) * 1024 for status in workers)


def _status(file: Path) -> dict[str, str]:
    try:
        pairs = (line.split(":", 1) for line in file.read_text().splitlines())
        return {name: value.strip() for name, value in pairs}
    except OSError:  # the process has ended meanwhile
        return {}


def settings(instance: Path) -> dict[str, str]:
    """The environment of a service in this instance folder: as delivered, but for its rate limits."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("MOVIERATING_")}
    return {**others, "MOVIERATING_INSTANCE_PATH": str(instance), "MOVIERATING_RATELIMIT_ENABLED": "false"}


def command(instance: Path, *arguments: str) -> None:
    """Run a command of movierating, which must succeed, on an instance; what it says is not shown."""
    subprocess.run(
        [*MOVIERATING, *arguments],
        env=settings(instance),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def serving(instance: Path, workers: int = 1, core: int | None = None) -> Iterator[Service]:
    """The service as it is delivered, but for its rate limits; on one core if that is given. Its log goes to a file."""
    port = free_port()
    program = [*MOVIERATING, "serve", "--port", str(port), "--workers", str(workers)]
    with _running(
        program, port, settings(instance), instance.parent / f"{instance.name}.log", core
    ) as service:
        yield service


@contextmanager
def hello(folder: Path, core: int | None = None) -> Iterator[Service]:
    """A bare Flask service with one worker, on the server and with the settings of the delivered one."""
    from movierating.operations.server import THREADS_PER_WORKER

    port = free_port()
    program = [sys.executable, str(HERE / "hello.py"), str(port), str(THREADS_PER_WORKER)]
    with _running(program, port, dict(os.environ), folder / "hello.log", core) as service:
        yield service


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    program: Sequence[str], port: int, env: dict[str, str], log: Path, core: int | None
) -> Iterator[Service]:
    # So that a benchmark that is told to end takes its services along.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with log.open("a") as file:
        process = subprocess.Popen([*on_core(core), *program], env=env, stderr=file)
    try:
        wait_for(port)
        yield Service(port, process)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for(port: int) -> None:
    """Return once somebody listens on the port. Ends the run after 30 seconds."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise SystemExit("the service did not start in 30 seconds")


def cores() -> tuple[int | None, int | None]:
    """A core for the service and another one for the load; None where they can't be told apart."""
    if not hasattr(os, "sched_getaffinity") or shutil.which("taskset") is None:
        return None, None
    ours = sorted(os.sched_getaffinity(0))
    return (ours[0], ours[-1]) if len(ours) > 1 else (None, None)


def on_core(core: int | None) -> list[str]:
    """What to put in front of a command so that it stays on this core."""
    return [] if core is None else ["taskset", "-c", str(core)]


def loaded(size: str, folder: Path, keep: Path) -> Path:
    """An instance with the bundled movies and a data set of this size, in a folder that is made for it.

    It is a copy of one in the folder `keep`, which is generated where it is missing.
    """
    original, data = keep / size / "instance", files(size, keep)
    if not (keep / size / "loaded").exists():
        shutil.rmtree(original, ignore_errors=True)
        command(original, "import", "movielens", str(data))
        (keep / size / "loaded").touch()
    return Path(shutil.copytree(original, folder / "instance"))


def files(size: str, keep: Path) -> Path:
    """The folder of a data set of this size, inside the folder `keep`; generated if it is missing."""
    folder = keep / size / "files"
    # Under another name until all of it is there.
    if not folder.exists():
        draft = folder.with_name("draft")
        dataset.write(dataset.SIZES[size], draft)
        draft.rename(folder)
    return folder


def rows(instance: Path, query: str) -> list[Any]:
    """The rows of a query on the instance's database; those of one column as its values."""
    with closing(sqlite3.connect(instance / "movierating.sqlite3")) as connection:
        found = connection.execute(query).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


def seconds(job: Callable[[], object]) -> float:
    """How long the job takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def publish(result: str, script: str) -> None:
    """Print a benchmark's tables, and keep them beside its script with what they were measured on."""
    versions = (
        f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} processors"
    )
    click.echo(result)
    Path(script).with_suffix(".md").write_text(f"{result}\n\n{versions}.\n")


def table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [columns, ["---"] * len(columns), *lines])
