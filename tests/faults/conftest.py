"""Fixtures for tests of the running service while something fails: clients, instances, a small disk."""

import http.client
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from movierating import create_app
from movierating.movies import service as movies
from movierating.movies.matching import MovieMatcher
from movierating.operations import checks
from movierating.storage import database
from movierating.users import service as users

PASSWORD = "correct horse battery"
NOTHING_SENT = 0


@dataclass
class Response:
    """A status, NOTHING_SENT if the connection ended before one came, and the JSON body."""

    status: int
    body: Any = None


@dataclass
class Client:
    """A client with one persistent connection, which opens again after it was lost."""

    address: str
    headers: dict[str, str] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Send a request and return the response; `body` is sent as JSON unless it is bytes, or parts of them."""
        if not isinstance(body, bytes | Iterator | None):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
        is_reused = self._connection is not None
        try:
            response = self._request(method, path, body, headers)
        except (OSError, http.client.HTTPException):
            self.close()
            # A connection that was idle may have been closed.
            return self.send(method, path, body, **headers) if is_reused else Response(NOTHING_SENT)
        # A response that has begun must be complete: IncompleteRead and incomplete JSON fail the test.
        encoded = response.read()
        kind = response.headers.get("Content-Type", "")
        if response.status >= 400:
            assert kind == "application/problem+json", encoded
        return Response(response.status, json.loads(encoded) if "json" in kind else encoded)

    def _request(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        self._connection = self._connection or http.client.HTTPConnection(self.address, timeout=60)
        self._connection.request(method, path, body, {**self.headers, **headers})
        return self._connection.getresponse()

    def rate(self, movie_id: int, value: float) -> Response:
        return self.send("PUT", f"/v1/movies/{movie_id}/rating", {"value": value})

    def rating_of(self, movie_id: int) -> float | None:
        """Return the client's own rating of a movie."""
        response = self.send("GET", f"/v1/movies/{movie_id}/rating")
        return response.body["value"] if response.status == 200 else None

    def upload(self, content: bytes, query: str = "") -> Response:
        """Import a file of ratings."""
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n%s\r\n--x--\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        return self.send("POST", f"/v1/users/me/ratings/import?{query}", body % content, **kind)

    def stream(self, parts: Iterator[bytes], query: str = "") -> Response:
        """Import a CSV file of ratings that is sent in parts."""
        self.close()
        return self.send(
            "POST", f"/v1/users/me/ratings/import?{query}", parts, **{"Content-Type": "text/csv"}
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def again(self) -> "Client":
        """Return another client of the same user."""
        return Client(self.address, self.headers)


@pytest.fixture
def client_of() -> Iterator[Callable[..., Client]]:
    """`client_of(service, "ada")` is an authenticated client; `client_of(service, **headers)` sends these headers."""
    made: list[Client] = []

    def make(service: Any, name: str | None = None, **headers: str) -> Client:
        client = Client(service.url.removeprefix("http://"), headers)
        made.append(client)
        if name is not None:
            response = client.send("POST", "/v1/auth/login", {"login": name, "password": PASSWORD})
            client.headers["Authorization"] = f"Bearer {response.body['access_token']}"
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="session")
def populate(environ: Callable[..., dict[str, str]]) -> Callable[..., list[int]]:
    """`populate(folder, "ada", movies=20)` adds accounts and movies to an instance; returns the movies' ids."""

    def fill(folder: Path, *names: str, count: int = 20) -> list[int]:
        app = create_app(environ(folder))
        with app.app_context():
            for name in names:
                users.sign_up(name, f"{name}@example.org", PASSWORD, None)
            ids = [
                movies.create_movie({"title": f"Movie {number}", "year": 2000}).id for number in range(count)
            ]
            database.close()
        return ids

    return fill


@pytest.fixture(scope="session")
def add_films(environ: Callable[..., dict[str, str]]) -> Callable[[Path, int], None]:
    """`add_films(folder, 100)` adds `Film 0`, `Film 1` … of 2000, with the IMDb ids from tt9000000 on."""

    def add(folder: Path, count: int) -> None:
        with create_app(environ(folder)).app_context():
            matcher = MovieMatcher(database.read(), [])
            for number in range(count):
                matcher.add({"title": f"Film {number}", "year": 2000, "imdb_id": f"tt{9_000_000 + number}"})
            database.write(matcher.stage().insert)
            database.close()

    return add


@pytest.fixture(scope="session")
def unsound(environ: Callable[..., dict[str, str]]) -> Callable[[Path], list[str]]:
    """`unsound(folder)` returns the lines that `movierating check` would print, in a tenth of its time."""

    def check(folder: Path) -> list[str]:
        app = create_app(environ(folder), prepared=False)
        with app.app_context():
            wrong, _ = checks.run_checks(repair=False)
            database.close()
        return wrong

    return check


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 8 MiB; skips if this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or _failed(mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)):
        pytest.skip("this user may not mount a tmpfs")
    yield folder
    # Processes may still have files open there.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def folder(small_disk: Path, empty_instance: Path, copied: Callable[[Path, Path], Path]) -> Path:
    """An instance folder on the small disk."""
    return copied(empty_instance, small_disk / "instance")


def _failed(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode != 0
