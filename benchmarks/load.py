"""Sends requests with wrk, as fast as the service responds, and returns the measurements."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from service import HERE, Service, pin_to_core


class Request(NamedTuple):
    """A request as wrk sends it. Empty fields are not sent. The path is complete; `encoding` is `Accept-Encoding`."""

    method: str
    path: str
    authorization: str = ""
    etag: str = ""
    encoding: str = ""
    body: str = ""


class Load(NamedTuple):
    """What wrk measured: responses, responses per second, latency in milliseconds, and statuses of 400 and above."""

    responses: int
    per_second: float
    p50: float
    p99: float
    errors: int


class Requests:
    """Requests in a file for wrk. Each load continues where the previous one ended, and starts again after the last."""

    def __init__(self, file: Path, requests: Sequence[Request]) -> None:
        self.all = requests
        self._file, self._next = file, 0
        file.write_text("".join("\t".join(request) + "\n" for request in requests))

    def check(self, service: Service, *expected: int) -> None:
        """Exit unless the last request returns one of the expected statuses."""
        request = self.all[-1]
        headers = {"Authorization": request.authorization, "If-None-Match": request.etag}
        headers["Accept-Encoding"] = request.encoding
        headers |= {"Content-Type": "application/json"} if request.body else {}
        headers = {name: value for name, value in headers.items() if value}
        response = service.send(request.method, request.path, request.body.encode() or None, **headers)
        if response.status not in expected:
            raise SystemExit(
                f"{request.method} {request.path} returned {response.status}: {response.body.decode()}"
            )

    def load(self, port: int, seconds: int, connections: int, core: int | None) -> Load:
        """Send requests over concurrent connections for some seconds; wrk runs on `core` if it is not None."""
        wrk = [find_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"]
        program = [*pin_to_core(core), *wrk, "-s", str(HERE / "load.lua"), f"http://127.0.0.1:{port}/"]
        result = subprocess.run(
            [*program, "--", str(self._file), str(self._next % len(self.all))],
            capture_output=True,
            text=True,
            timeout=seconds + 60,
        )
        numbers = [line.split()[1:] for line in result.stdout.splitlines() if line.startswith("numbers ")]
        if not numbers:
            raise SystemExit(f"wrk failed: {result.stderr or result.stdout}")
        responses, microseconds, errors, p50, p99 = map(int, numbers[0])
        # wrk doesn't count requests in progress when it ends.
        self._next += responses + connections
        return Load(responses, responses / microseconds * 1e6, p50 / 1000, p99 / 1000, errors)


def find_wrk() -> str:
    """Return the path of wrk. Exit with one line if it is not installed."""
    path = shutil.which("wrk")
    if path is None:
        raise SystemExit("this benchmark needs wrk (https://github.com/wg/wrk)")
    return path
