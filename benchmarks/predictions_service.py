"""Measures predictions through a running service: `python benchmarks/predictions_service.py FOLDER_OF_MOVIELENS`.

The service has all bundled movies and the ratings of the folder. A user signs up, rates and asks, and goes on while the
model is trained.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click

from instances import fetch_rows
from movierating import create_app
from movierating.predictions import ranking, recommendations
from movierating.ratings.service import rate_movie
from service import MOVIERATING, Service, make_environment, make_table, publish, run_command, run_service

# The mean number of ratings of a user of MovieLens.
OWN_RATINGS = 166
REQUESTS = 200
RANKINGS = 40
_POPULAR = "SELECT id FROM movie WHERE rating_count > 0 ORDER BY rating_count DESC, id"
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
Send = Callable[..., None]


def find_worker(service: Service) -> int:
    """Return the process id of the largest child of the service, its worker."""
    children = Path(f"/proc/{service.process.pid}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    return max(pids, key=lambda pid: _read_memory(pid, "Rss"))


def _read_memory(pid: int, name: str) -> int:
    """Return memory of a process in KB: `Rss`, or `Private_Dirty`, which it does not share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _read_cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def make_sender(service: Service, token: str) -> Send:
    """Return a function that sends a request of a user, and exits if it fails."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def send(method: str, path: str, body: object = None) -> None:
        response = service.send(method, f"/v1{path}", json.dumps(body).encode() if body else None, **headers)
        if response.status not in (200, 201) or b'"reason"' in response.body:
            raise SystemExit(f"{path} returned {response.status}: {response.body.decode()[:500]}")

    return send


def measure_cpu(pid: int, jobs: Iterator[tuple[str, str, object]], send: Send) -> float:
    """Return the processor time of the worker for each of REQUESTS requests, in milliseconds."""
    started = _read_cpu_seconds(pid)
    for _ in range(REQUESTS):
        send(*next(jobs))
    return 1000 * (_read_cpu_seconds(pid) - started) / REQUESTS


def measure_calls(service: Service, send: Send, movies: list[int]) -> Iterator[tuple[str, str, str]]:
    """Yield a line of the table for each call: its name, its cost, and the most that it may cost."""
    worker = find_worker(service)
    others = cycle(movies[OWN_RATINGS : OWN_RATINGS + REQUESTS])
    measure_cpu(worker, (("GET", f"/movies/{movie}", None) for movie in others), send)
    before = _read_memory(worker, "Private_Dirty")
    movie = measure_cpu(worker, (("GET", f"/movies/{each}?include=my_rating", None) for each in others), send)
    yield "a movie with the own rating", f"{movie:.2f} ms", ""
    cost = measure_cpu(worker, (("GET", f"/movies/{each}/prediction", None) for each in others), send)
    yield f"a prediction, {OWN_RATINGS} own ratings, beyond that", f"{cost - movie:.2f} ms", "3 ms"
    rate = measure_cpu(worker, _rate_and(movies[0]), send)
    recommend = measure_cpu(worker, _rate_and(movies[0], "/users/me/recommendations"), send)
    yield "20 recommendations after a new rating", f"{2 * recommend - rate:.2f} ms", ""
    match = measure_cpu(worker, cycle([("GET", "/users/5/taste-match", None)]), send)
    yield "a taste match", f"{match:.2f} ms", ""
    nearest = measure_cpu(worker, cycle([("GET", "/users/me/taste-matches", None)]), send)
    yield "20 nearest people, read again", f"{nearest:.2f} ms", ""
    more = (_read_memory(worker, "Private_Dirty") - before) / 1000
    yield "private memory of a worker, more", f"{more:.1f} MB", "4 MB"


def _rate_and(movie: int, path: str | None = None) -> Iterator[tuple[str, str, object]]:
    """Yield requests that change a rating, each followed by a read of `path` if given."""
    for number in cycle(range(20)):
        yield "PUT", f"/movies/{movie}/rating", {"value": (number + 1) / 2}
        if path is not None:
            yield "GET", path, None


def measure_latency(send: Send, movies: list[int], seconds: float) -> tuple[float, float]:
    """Return the medians of the latency of a rating and of a read, in milliseconds."""
    times: dict[str, list[float]] = {"PUT": [], "GET": []}
    deadline, values = time.monotonic() + seconds, cycle(range(1, 21))
    for movie in cycle(movies[:OWN_RATINGS]):
        for method, path, body in (
            ("PUT", f"/movies/{movie}/rating", {"value": next(values) / 2}),
            ("GET", f"/movies/{movie}", None),
        ):
            started = time.perf_counter()
            send(method, path, body)
            times[method].append(1000 * (time.perf_counter() - started))
        if time.monotonic() > deadline:
            break
    return statistics.median(times["PUT"]), statistics.median(times["GET"])


def measure_training(instance: Path, send: Send, movies: list[int]) -> Iterator[tuple[str, str, str]]:
    """Yield lines with the latency of ratings and reads without and during a training."""
    for name, is_training in (("without", False), ("during", True)):
        command = [*MOVIERATING, "predictions", "train", "--cold"]
        with subprocess.Popen(
            command if is_training else ["true"],
            env=make_environment(instance),
            stdout=subprocess.DEVNULL,
        ) as process:
            rating, read = measure_latency(send, movies, 8.0)
            process.wait()
        yield f"a rating, a read: latency {name} a training", f"{rating:.2f}, {read:.2f} ms", ""


def measure_ranking(instance: Path, user_id: int, movie_id: int) -> tuple[float, int]:
    """Return the median processor time of ranking inside a call of recommendations, in ms, and the candidates.

    The user rates the movie before each call, so that their recommendations are ranked again. No service runs.
    """
    os.environ.update(make_environment(instance))
    times, candidates = [], 0

    def rank_movies(*arguments: Any) -> list[int]:
        nonlocal candidates
        candidates = len(arguments[-1])
        started = time.process_time()
        ranked = ranking.rank_movies(*arguments)
        times.append(1000 * (time.process_time() - started))
        return ranked

    with create_app().app_context(), patch.object(recommendations, "rank_movies", rank_movies):
        for number in range(RANKINGS):
            rate_movie(user_id, movie_id, number % 20 + 1, None)
            recommendations.list_recommendations(user_id, {}, None, 20)
    return statistics.median(times), candidates


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Measure, print the table, and write it beside this file."""
    with tempfile.TemporaryDirectory() as name:
        instance = Path(name) / "instance"
        run_command(instance, "seed")
        run_command(instance, "import", "movielens", str(folder))
        run_command(instance, "predictions", "train")
        movies = fetch_rows(instance, _POPULAR)
        with run_service(instance, predictions="on") as service:
            user_id, token = service.sign_up("reader")
            send = make_sender(service, token)
            ratings = [
                {"movie_id": movie, "value": 10 - number % 15 / 2}
                for number, movie in enumerate(movies[:OWN_RATINGS])
            ]
            send("POST", "/users/me/ratings", {"ratings": ratings})
            lines = [*measure_calls(service, send, movies), *measure_training(instance, send, movies)]
        cost, candidates = measure_ranking(instance, user_id, movies[0])
        lines.append(
            (f"ranking {candidates:,} candidates in a call of recommendations", f"{cost:.2f} ms", "15 ms")
        )
    publish(make_table(("call", "measured", "at most"), lines), __file__)


if __name__ == "__main__":
    main()
