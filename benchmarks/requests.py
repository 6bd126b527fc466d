"""Measures throughput as a ratio to a bare Flask response, tail latency, startup and memory: `make bench`."""

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from instances import load_instance
from load import Load, Request, Requests, find_wrk
from service import (
    MOVIERATING,
    Service,
    make_table,
    measure_seconds,
    pick_cores,
    publish,
    run_hello,
    run_service,
)
from workloads import Catalogue, get

CONNECTIONS = 16
TAIL_CONNECTIONS, TAIL_WORKERS = 64, 2
STARTS = 5
HELLO = ("hello", "")
# Data sets by the number of movies. Latency is reported for the last.
SIZES = {"10,000": "medium", "92,000": "catalogue"}
DISTINCT = 100_000
MEMORY_SECONDS = 5
# Ratings of the user whose own ratings are included: each of the movies with the most ratings.
OWN_RATINGS = 500
WARM_UP_SECONDS = 1
# The evening repeats requests, so it is measured when the caches are warm.
EVENING, EVENING_WARM_UP_SECONDS = "an evening", 20

TARGETS = {
    "one movie, read again": 3.0,
    "the same with `If-None-Match`": 3.0,
    "20 movies, read again": 3.0,
    "20 movies with gzip, read again": 3.0,
    "the same with `If-None-Match`, compressed": 3.0,
    "20 ratings of a person, read again": 3.0,
    "one movie, never read": 0.55,
    "a page of 20, never read": 0.15,
    EVENING: 0.3,
    "a rating": 0.17,
}


class Workload(NamedTuple):
    """Requests and their expected statuses."""

    requests: list[Request]
    statuses: tuple[int, ...]


def list_workloads(catalogue: Catalogue, service: Service) -> dict[str, Workload]:
    """Return all workloads by their name in the table."""
    movie = get(f"/movies/{catalogue.movies[0]}")
    revalidation = movie._replace(etag=str(service.send("GET", movie.path).headers["ETag"]))
    chart = get("/movies?sort=-score")
    compressed = chart._replace(encoding="gzip")
    tag = service.send("GET", chart.path, **{"Accept-Encoding": "gzip"}).headers["ETag"]
    profile = get(f"/users/{catalogue.users[0]}/ratings")
    movie_paths = [f"/movies/{movie_id}" for movie_id in catalogue.movies]
    movie_paths += [f"/movies/by-imdb/{imdb_id}" for imdb_id in catalogue.imdb_ids]
    return {
        "one movie, read again": Workload([movie], (200,)),
        "the same with `If-None-Match`": Workload([revalidation], (304,)),
        "20 movies, read again": Workload([chart], (200,)),
        "20 movies with gzip, read again": Workload([compressed], (200,)),
        "the same with `If-None-Match`, compressed": Workload([compressed._replace(etag=str(tag))], (304,)),
        "20 ratings of a person, read again": Workload([profile], (200,)),
        "one movie, never read": Workload(catalogue.shuffle([*map(get, movie_paths)]), (200,)),
        "a page of 20, never read": Workload(catalogue.list_unread_pages(), (200,)),
        EVENING: Workload(catalogue.make_evening(200_000), (200, 201)),
        "a rating": Workload(catalogue.make_ratings(catalogue.draw_movies(50_000)), (200, 201)),
    }


Sent = dict[tuple[str, str], tuple[Service, Requests]]


def measure(folder: Path, instances: dict[str, Path], rounds: int, length: int) -> str:
    """Return a table of hello and the workloads on each instance. They alternate; the first round does not count."""
    service_core, load_core = pick_cores()
    with ExitStack() as running:
        bare = running.enter_context(run_hello(folder, service_core))
        sent: Sent = {HELLO: (bare, Requests(folder / "hello.tsv", [Request("GET", "/")]))}
        for size, instance in instances.items():
            sent |= _start_workloads(size, instance, folder, running, service_core)
        loads: dict[tuple[str, str], list[Load]] = {name: [] for name in sent}
        for number in range(1 + rounds):
            for name, (service, requests) in sent.items():
                warm_up = EVENING_WARM_UP_SECONDS if name[0] == EVENING else WARM_UP_SECONDS
                seconds = length if number else warm_up
                loads[name].append(requests.load(service.port, seconds, CONNECTIONS, load_core))
    return make_ratios(list(instances), {name: measured[1:] for name, measured in loads.items()})


def _start_workloads(size: str, instance: Path, folder: Path, running: ExitStack, core: int | None) -> Sent:
    """Start services for an instance and check their workloads; the evening runs on its own service."""
    sent: Sent = {}
    copy = Path(shutil.copytree(instance, folder / f"evening of {size}"))
    for is_evening, served in enumerate((instance, copy)):
        service = running.enter_context(run_service(served, core=core))
        workloads = list_workloads(Catalogue(served, service), service)
        for number, (name, workload) in enumerate(workloads.items()):
            if (name == EVENING) == is_evening:
                requests = Requests(folder / f"{size}{number}.tsv", workload.requests)
                requests.check(service, *workload.statuses)
                sent[name, size] = service, requests
    return sent


def make_ratios(sizes: list[str], loads: dict[tuple[str, str], list[Load]]) -> str:
    """Return a table of medians over the rounds of throughput divided by hello's in the same round."""
    bare = _median(loads[HELLO])
    errors = sum(load.errors for load in loads[HELLO])
    lines = [("hello", *_numbers(bare), *["1.00"] * len(sizes), "", str(errors))]
    for name, target in TARGETS.items():
        by_size = [loads[name, size] for size in sizes]
        errors = sum(load.errors for measured in by_size for load in measured)
        ratios = [f"{_ratio(measured, loads[HELLO]):.2f}" for measured in by_size]
        lines.append((name, *_numbers(_median(by_size[-1])), *ratios, f"{target:.2f}", str(errors)))
    ratio_columns = [f"times hello, {size} movies" for size in sizes]
    columns = [f"{measure}, {sizes[-1]}" for measure in ("per second", "p50", "p99")]
    return make_table(("one worker", *columns, *ratio_columns, "at least", "errors"), lines)


def _ratio(loads: list[Load], bare: list[Load]) -> float:
    pairs = zip(loads, bare, strict=True)
    return statistics.median(load.per_second / hello.per_second for load, hello in pairs)


def _median(loads: list[Load]) -> Load:
    return Load(*(statistics.median(numbers) for numbers in zip(*loads, strict=True)))


def _numbers(load: Load) -> tuple[str, ...]:
    return f"{load.per_second:,.0f}", f"{load.p50:.2f} ms", f"{load.p99:.2f} ms"


def measure_own_ratings(folder: Path, instance: Path, rounds: int, length: int) -> tuple[str, ...]:
    """Return how much longer charts take with `include=my_rating` than without, for a user with ratings."""
    _, load_core = pick_cores()
    with run_service(instance) as service:
        catalogue = Catalogue(instance, service)
        for rating in catalogue.make_ratings(catalogue.movies[:OWN_RATINGS]):
            headers = {"Authorization": catalogue.tokens[0], "Content-Type": "application/json"}
            service.send(rating.method, rating.path, rating.body.encode(), **headers)
        charts = [chart._replace(authorization=catalogue.tokens[0]) for chart in catalogue.list_charts()]
        own = [chart._replace(path=f"{chart.path}&include=my_rating") for chart in charts]
        plain, included = Requests(folder / "plain.tsv", charts), Requests(folder / "own.tsv", own)
        included.check(service, 200)
        loads = []
        for number in range(1 + rounds):
            seconds = length if number else WARM_UP_SECONDS
            for requests in (plain, included):
                loads.append(requests.load(service.port, seconds, CONNECTIONS, load_core))
    pairs = list(zip(loads[2::2], loads[3::2], strict=True))
    ratio = statistics.median(without.per_second / with_own.per_second for without, with_own in pairs)
    errors = sum(load.errors for load in loads)
    return "charts with one's own ratings / without", f"{ratio:.2f} ({errors} errors)", "1.3"


def measure_tail(folder: Path, instance: Path, rounds: int, length: int) -> tuple[str, ...]:
    """Return p99 over p50 of the evening with several workers and many connections, on all cores."""
    with run_service(instance, TAIL_WORKERS) as service:
        evening = Requests(folder / "tail.tsv", Catalogue(instance, service).make_evening(100_000))
        evening.load(service.port, WARM_UP_SECONDS, TAIL_CONNECTIONS, None)
        loads = [evening.load(service.port, length, TAIL_CONNECTIONS, None) for _ in range(rounds)]
    p50, p99 = _median(loads).p50, _median(loads).p99
    name = f"an evening, {TAIL_WORKERS} workers, {TAIL_CONNECTIONS} connections: p99 / p50"
    errors = sum(load.errors for load in loads)
    return name, f"{p99:.1f} ms / {p50:.1f} ms = {p99 / p50:.1f} ({errors} errors)", "10"


def measure_startup(instance: Path) -> Iterator[tuple[str, ...]]:
    """Yield how long the command line takes to respond."""
    starts = [_measure_first_response(instance) for _ in range(STARTS)]
    yield "`movierating serve` to its first response", f"{statistics.median(starts):.2f} s", "1.5 s"
    run_help = partial(subprocess.run, [*MOVIERATING, "--help"], stdout=subprocess.DEVNULL)
    helps = [measure_seconds(run_help) for _ in range(STARTS)]
    yield "`movierating --help`", f"{statistics.median(helps):.2f} s", "0.4 s"


def _measure_first_response(instance: Path) -> float:
    started_at = time.perf_counter()
    with run_service(instance) as service:
        service.get("/genres")
        return time.perf_counter() - started_at


def measure_memory(folder: Path, instance: Path, number: int) -> Iterator[tuple[str, ...]]:
    """Yield the memory of a worker before and after requests for DISTINCT addresses."""
    _, load_core = pick_cores()
    with run_service(instance) as service:
        service.get("/genres")
        yield "memory of an idle worker", _format_memory(service), "95 MB"
        catalogue, sent = Catalogue(instance, service), 0
        movies = catalogue.shuffle([get(f"/movies/{movie_id}") for movie_id in catalogue.movies])
        distinct = Requests(folder / "distinct.tsv", (movies + catalogue.list_unread_pages())[:DISTINCT])
        while sent < number:
            sent += distinct.load(service.port, MEMORY_SECONDS, CONNECTIONS, load_core).responses
        name = f"memory after {sent:,} requests for {min(sent, len(distinct.all)):,} addresses"
        yield name, _format_memory(service), "200 MB"


def _format_memory(service: Service) -> str:
    return f"{service.get_worker_bytes() / 1e6:.0f} MB"


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Number of rounds.")
@click.option("--length", default=2, show_default=True, help="Seconds per measurement.")
@click.option(
    "--memory-requests", default=DISTINCT, show_default=True, help="Requests before memory is measured."
)
@click.option("--keep", type=click.Path(path_type=Path), help="Keep generated instances in this folder.")
def main(rounds: int, length: int, memory_requests: int, keep: Path | None) -> None:
    """Measure, print the tables, and write them beside this file."""
    find_wrk()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        instances = {
            movies: load_instance(size, folder / size, keep or folder) for movies, size in SIZES.items()
        }
        speeds = measure(folder, instances, rounds, length)
        large, copy = instances["92,000"], load_instance("catalogue", folder / "copy", keep or folder)
        others = [
            measure_own_ratings(folder, copy, rounds, length),
            measure_tail(folder, copy, rounds, length),
            *measure_startup(large),
            *measure_memory(folder, large, memory_requests),
        ]
    publish(f"{speeds}\n\n{make_table(('other', 'measured', 'at most'), others)}", __file__)


if __name__ == "__main__":
    main()
