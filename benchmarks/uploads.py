"""10,000 ratings by upload, beside what one `executemany` of the same rows costs: `make bench`."""

import csv
import http.client
import io
import json
import os
import random
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click

ROUNDS = 7
RATINGS = 10_000
INVENTED = 6_000
RESULT = Path(__file__).with_name("uploads.md")
PASSWORD = "correct horse battery"  # noqa: S105, of accounts that last as long as the run

_WORDS = ("River", "Winter", "Stranger", "Harvest", "Lantern", "Echo", "Orchard", "Signal", "Mirror", "Tide")
_SECONDS = 1_000_000
_INSERT = "INSERT INTO rating (user_id, movie_id, value, rated_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)"


class Rating(NamedTuple):
    """A rating to be uploaded; `value` in half points, `rated_at` in seconds."""

    movie_id: int
    imdb_id: str
    title: str
    year: int | None
    value: int
    rated_at: int


def seed_file(path: Path, chance: random.Random) -> None:
    """Write a CSV for `movierating seed` of movies that never were, since the bundled ones are too few."""
    columns = (
        *("title", "original_title", "year", "runtime_minutes", "genres", "directors"),
        *("country", "language", "imdb_id", "tmdb_id", "wikidata_id"),
    )
    with path.open("w", newline="") as file:
        rows = csv.DictWriter(file, columns)
        rows.writeheader()
        for number in range(INVENTED):
            title = f"{' '.join(chance.sample(_WORDS, 2))} {number}"
            rows.writerow({"title": title, "year": chance.randint(1920, 2020), "imdb_id": f"tt90{number:06}"})


def ratings(database: Path, chance: random.Random) -> list[Rating]:
    """Ratings of RATINGS of the movies that have an IMDb id, in the order of time, as an export has them."""
    with closing(sqlite3.connect(database)) as connection:
        movies = connection.execute("SELECT id, imdb_id, title, year FROM movie WHERE imdb_id IS NOT NULL")
        chosen = chance.sample(movies.fetchall(), RATINGS)
    times = sorted(chance.randint(1_000_000_000, 1_700_000_000) for _ in chosen)
    return [
        Rating(*movie, chance.randint(1, 20), rated_at) for movie, rated_at in zip(chosen, times, strict=True)
    ]


def as_file(columns: Sequence[str], chosen: Sequence[Rating]) -> bytes:
    """The ratings in these columns of our own CSV."""
    text = io.StringIO()
    rows = csv.DictWriter(text, columns, extrasaction="ignore", restval="")
    rows.writeheader()
    for one in chosen:
        at = datetime.fromtimestamp(one.rated_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows.writerow({**one._asdict(), "value": f"{one.value / 2:g}", "rated_at": at, "version": 1})
    return text.getvalue().encode()


FILES = {
    "upload by IMDb ids": ("imdb_id", "value", "rated_at"),
    "upload as exported": (
        *("imdb_id", "tmdb_id", "title", "original_title", "year", "value", "rated_at", "version"),
    ),
}


class Service:
    """A running service, and calls to it on one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, path: str, body: bytes, **headers: str) -> Any:
        """The JSON of the answer, which must be a good one."""
        self._connection.request("POST", f"/v1{path}", body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{path} answered {answer.status}: {content.decode()}")
        return json.loads(content)

    def sign_up(self, name: str) -> tuple[int, str]:
        """The id and token of a new account."""
        kind = {"Content-Type": "application/json"}
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        user_id = self.post("/users", json.dumps(account).encode(), **kind)["id"]
        session = self.post("/auth/login", json.dumps({"login": name, "password": PASSWORD}).encode(), **kind)
        return user_id, session["access_token"]


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """The service as it is delivered, but for its rate limits, with the bundled movies and the invented ones."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    others = {name: value for name, value in os.environ.items() if not name.startswith("MOVIERATING_")}
    env = {**others, "MOVIERATING_INSTANCE_PATH": str(folder), "MOVIERATING_RATELIMIT_ENABLED": "false"}
    program = [sys.executable, "-m", "movierating"]
    seed_file(folder.parent / "invented.csv", random.Random(1))
    subprocess.run([*program, "seed", "--file", str(folder.parent / "invented.csv")], env=env, check=True)
    with (folder.parent / "service.log").open("w") as log:
        process = subprocess.Popen([*program, "serve", "--port", str(port)], env=env, stderr=log)
    try:
        wait_for(port)
        yield Service(port)
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    """Return once somebody listens on the port."""
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the service did not start in 30 seconds")


def seconds(job: Callable[[], object]) -> float:
    """How long the job takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def raw_insert(database: Path, user_id: int, chosen: Sequence[Rating]) -> float:
    """Seconds of one `executemany` with its commit, into a copy of the database with its tables and indexes."""
    copy = database.with_name("copy.sqlite3")
    for file in copy.parent.glob(f"{copy.name}*"):
        file.unlink()
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as connection:
        source.backup(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        # In the order of the primary key, which is the fastest.
        rows = [
            (user_id, one.movie_id, one.value, one.rated_at * _SECONDS, 0, 0)
            for one in sorted(chosen, key=lambda one: one.movie_id)
        ]

        def insert() -> None:
            connection.executemany(_INSERT, rows)
            connection.commit()

        return seconds(insert)


def upload(service: Service, token: str, file: bytes) -> float:
    """Seconds from the request to the end of the answer, which must say that all ratings were created."""
    start = '--b\r\nContent-Disposition: form-data; name="file"; filename="ratings.csv"\r\n\r\n'
    body = start.encode() + file + b"\r\n--b--\r\n"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=b"}
    reports = []
    spent = seconds(lambda: reports.append(service.post("/users/me/ratings/import", body, **headers)))
    if reports[0]["created"] != RATINGS:
        raise SystemExit(f"not all were created: {reports[0]}")
    return spent


def measured(folder: Path) -> dict[str, list[float]]:
    """Seconds of each way, a number a round; the first round is for warming up and doesn't count."""
    instance = folder / "instance"
    database = instance / "movierating.sqlite3"
    spent: dict[str, list[float]] = {"raw executemany": [], **{name: [] for name in FILES}}
    with serving(instance) as service:
        chosen = ratings(database, random.Random(2))
        files = {name: as_file(columns, chosen) for name, columns in FILES.items()}
        people = [service.sign_up(f"person{number}") for number in range((ROUNDS + 1) * len(files))]
        for _ in range(ROUNDS + 1):
            spent["raw executemany"].append(raw_insert(database, people[-1][0], chosen))
            for name, file in files.items():
                spent[name].append(upload(service, people.pop()[1], file))
    return {name: numbers[1:] for name, numbers in spent.items()}


def table(spent: dict[str, list[float]]) -> str:
    """The medians, their spread and their ratios to the first, in Markdown."""
    base = statistics.median(next(iter(spent.values())))
    lines = [
        f"| {RATINGS:,} ratings, {ROUNDS} rounds | median | least | most | times raw |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, numbers in spent.items():
        median = statistics.median(numbers)
        cells = (f"{1000 * number:.0f} ms" for number in (median, min(numbers), max(numbers)))
        lines.append(f"| {name} | {' | '.join(cells)} | {median / base:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and keep it beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        result = table(measured(Path(folder)))
    click.echo(result)
    versions = (
        f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} processors"
    )
    RESULT.write_text(f"{result}\n\n{versions}.\n")


if __name__ == "__main__":
    main()
