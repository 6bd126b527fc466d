"""Load from wrk: lists of requests, sent as fast as they are answered, and what comes of it."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from service import HERE, Service, on_core


class Request(NamedTuple):
    """A request as wrk sends it; what is empty is not sent. The path is a whole one."""

    method: str
    path: str
    credentials: str = ""
    tag: str = ""
    body: str = ""


class Load(NamedTuple):
    """What wrk measured: answers, how many a second, times in milliseconds, and how many were 400 and above."""

    answers: int
    per_second: float
    p50: float
    p99: float
    errors: int


class Requests:
    """Requests in a file for wrk. Each load goes on where the one before ended, and around."""

    def __init__(self, file: Path, requests: Sequence[Request]) -> None:
        self.all = requests
        self._file, self._at = file, 0
        file.write_text("".join("\t".join(request) + "\n" for request in requests))

    def check(self, service: Service, *expected: int) -> None:
        """End the run unless the service answers the last of them as expected."""
        one = self.all[-1]
        headers = {"Authorization": one.credentials, "If-None-Match": one.tag}
        headers |= {"Content-Type": "application/json"} if one.body else {}
        sent = {name: value for name, value in headers.items() if value}
        answer = service.ask(one.method, one.path, one.body.encode() or None, **sent)
        if answer.status not in expected:
            raise SystemExit(f"{one.method} {one.path} answered {answer.status}: {answer.body.decode()}")

    def load(self, port: int, seconds: int, connections: int, core: int | None) -> Load:
        """Send them over so many connections at once for so many seconds; wrk stays on the core, if one is given."""
        wrk = [required_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"]
        program = [*on_core(core), *wrk, "-s", str(HERE / "load.lua"), f"http://127.0.0.1:{port}/"]
        answer = subprocess.run(
            [*program, "--", str(self._file), str(self._at % len(self.all))],
            capture_output=True,
            text=True,
            timeout=seconds + 60,
        )
        numbers = [line.split()[1:] for line in answer.stdout.splitlines() if line.startswith("numbers ")]
        if not numbers:
            raise SystemExit(f"wrk failed: {answer.stderr or answer.stdout}")
        answers, microseconds, errors, p50, p99 = map(int, numbers[0])
        # wrk doesn't count what was under way when it ended.
        self._at += answers + connections
        return Load(answers, answers / microseconds * 1e6, p50 / 1000, p99 / 1000, errors)


def required_wrk() -> str:
    """Where wrk is. Ends the run with one line where it is not installed."""
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit("this benchmark needs wrk (https://github.com/wg/wrk)")
    return found
