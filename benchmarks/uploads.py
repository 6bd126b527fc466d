"""Compares an import of 10,000 ratings with one `executemany` of the same rows: `make bench`."""

import csv
import io
import random
import sqlite3
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from service import Service, make_table, measure_seconds, publish, run_command, run_service

ROUNDS = 7
RATINGS = 10_000

_MICROSECONDS = 1_000_000
_INSERT = "INSERT INTO rating (user_id, movie_id, value, rated_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)"


class Rating(NamedTuple):
    """A rating to upload; `value` in half points, `rated_at` in seconds since 1970."""

    movie_id: int
    imdb_id: str
    title: str
    year: int | None
    value: int
    rated_at: int


def draw_ratings(database: Path, rng: random.Random) -> list[Rating]:
    """Return ratings of RATINGS movies, in the order of time, as in an export; id and title each name one movie."""
    with closing(sqlite3.connect(database)) as connection:
        movies = connection.execute(
            "SELECT id, imdb_id, title, year FROM movie WHERE imdb_id IS NOT NULL"
            " GROUP BY title_key, year HAVING count(*) = 1 AND original_title IS NULL"
        )
        chosen = rng.sample(movies.fetchall(), RATINGS)
    times = sorted(rng.randint(1_000_000_000, 1_700_000_000) for _ in chosen)
    return [
        Rating(*movie, rng.randint(1, 20), rated_at) for movie, rated_at in zip(chosen, times, strict=True)
    ]


def make_file(columns: Sequence[str], ratings: Sequence[Rating]) -> bytes:
    """Return the ratings as our own CSV with these columns."""
    text = io.StringIO()
    rows = csv.DictWriter(text, columns, extrasaction="ignore", restval="")
    rows.writeheader()
    for rating in ratings:
        rated_at = datetime.fromtimestamp(rating.rated_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        row = {**rating._asdict(), "value": f"{rating.value / 2:g}", "rated_at": rated_at, "version": 1}
        rows.writerow(row)
    return text.getvalue().encode()


FILES = {
    "upload by IMDb ids": ("imdb_id", "value", "rated_at"),
    "upload as exported": (
        *("imdb_id", "tmdb_id", "title", "original_title", "year", "value", "rated_at", "version"),
    ),
}


def measure_raw_insert(database: Path, user_id: int, ratings: Sequence[Rating]) -> float:
    """Return the seconds of one `executemany` with its commit, into a copy of the database with its indexes."""
    copy = database.with_name("copy.sqlite3")
    for file in copy.parent.glob(f"{copy.name}*"):
        file.unlink()
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as connection:
        source.backup(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        # The service enforces the constraints too.
        connection.execute("PRAGMA foreign_keys = ON")
        # The order of the primary key is the fastest.
        rows = [
            (user_id, rating.movie_id, rating.value, rating.rated_at * _MICROSECONDS, 0, 0)
            for rating in sorted(ratings, key=lambda rating: rating.movie_id)
        ]

        def insert() -> None:
            connection.executemany(_INSERT, rows)
            connection.commit()

        return measure_seconds(insert)


def measure_upload(service: Service, token: str, file: bytes) -> float:
    """Return the seconds from the request to the end of the response; all ratings must be created."""
    start = '--b\r\nContent-Disposition: form-data; name="file"; filename="ratings.csv"\r\n\r\n'
    body = start.encode() + file + b"\r\n--b--\r\n"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=b"}
    reports = []
    spent = measure_seconds(lambda: reports.append(service.post("/users/me/ratings/import", body, **headers)))
    if reports[0]["created"] != RATINGS:
        raise SystemExit(f"some ratings were not created: {reports[0]}")
    return spent


def measure(folder: Path) -> dict[str, list[float]]:
    """Return the seconds of each variant per round, without the warm-up round."""
    instance = folder / "instance"
    database = instance / "movierating.sqlite3"
    spent: dict[str, list[float]] = {"raw executemany": [], **{name: [] for name in FILES}}
    run_command(instance, "seed")
    with run_service(instance) as service:
        ratings = draw_ratings(database, random.Random(2))
        files = {name: make_file(columns, ratings) for name, columns in FILES.items()}
        people = [service.sign_up(f"person{number}") for number in range((ROUNDS + 1) * len(files))]
        for _ in range(ROUNDS + 1):
            spent["raw executemany"].append(measure_raw_insert(database, people[-1][0], ratings))
            for name, file in files.items():
                spent[name].append(measure_upload(service, people.pop()[1], file))
    return {name: numbers[1:] for name, numbers in spent.items()}


def make_result(spent: dict[str, list[float]]) -> str:
    """Return a table of the medians, their spread and their ratios to the first."""
    base = statistics.median(next(iter(spent.values())))
    lines = []
    for name, numbers in spent.items():
        median = statistics.median(numbers)
        cells = (f"{1000 * number:.0f} ms" for number in (median, min(numbers), max(numbers)))
        lines.append((name, *cells, f"{median / base:.1f}"))
    columns = (f"{RATINGS:,} ratings, {ROUNDS} rounds", "median", "least", "most", "times raw")
    return make_table(columns, lines)


def main() -> None:
    """Measure, print the table, and write it beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        publish(make_result(measure(Path(folder))), __file__)


if __name__ == "__main__":
    main()
