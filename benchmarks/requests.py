"""Speeds as ratios to a bare Flask answer on the same server, and what else a worker has to hold: `make bench`."""

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

from load import Load, Request, Requests, required_wrk
from service import MOVIERATING, Service, cores, hello, loaded, publish, seconds, serving, table
from workloads import Catalogue, get

CONNECTIONS = 16
TAIL_CONNECTIONS, TAIL_WORKERS = 64, 2
STARTS = 5
HELLO = ("hello", "")
# Instances by their number of movies; the last is that of all further numbers.
SIZES = {"10,000": "medium", "92,000": "catalogue"}
DISTINCT = 100_000
MEMORY_SECONDS = 5
WARM_UP_SECONDS = 1
# It asks for the same again and again, so that its beginning, when all is made for the first time, tells little.
EVENING, EVENING_WARM_UP_SECONDS = "an evening", 20


TARGETS = {
    "one movie, read again": 3.0,
    "the same with `If-None-Match`": 3.0,
    "20 movies, read again": 3.0,
    "20 ratings of a person, read again": 3.0,
    "one movie, never read": 0.55,
    "a page of 20, never read": 0.15,
    EVENING: 0.3,
    "a rating": 0.17,
}


class Workload(NamedTuple):
    """Requests, and the statuses that are right."""

    requests: list[Request]
    statuses: tuple[int, ...]


def workloads(catalogue: Catalogue, service: Service) -> dict[str, Workload]:
    """All of them, by what the table calls them."""
    movie = get(f"/movies/{catalogue.movies[0]}")
    known = movie._replace(tag=str(service.ask("GET", movie.path).headers["ETag"]))
    profile = get(f"/users/{catalogue.users[0]}/ratings")
    both_ways = [f"/movies/{one}" for one in catalogue.movies]
    both_ways += [f"/movies/by-imdb/{one}" for one in catalogue.imdb_ids]
    return {
        "one movie, read again": Workload([movie], (200,)),
        "the same with `If-None-Match`": Workload([known], (304,)),
        "20 movies, read again": Workload([get("/movies?sort=-score")], (200,)),
        "20 ratings of a person, read again": Workload([profile], (200,)),
        "one movie, never read": Workload(catalogue.shuffled([*map(get, both_ways)]), (200,)),
        "a page of 20, never read": Workload(catalogue.unread_pages(), (200,)),
        EVENING: Workload(catalogue.evening(200_000), (200, 201)),
        "a rating": Workload(catalogue.ratings(catalogue.some_movies(50_000)), (200, 201)),
    }


Sent = dict[tuple[str, str], tuple[Service, Requests]]


def measured(folder: Path, instances: dict[str, Path], rounds: int, length: int) -> str:
    """A table of hello and the workloads on each instance, which take turns; a first round doesn't count."""
    ours, theirs = cores()
    with ExitStack() as running:
        bare = running.enter_context(hello(folder, ours))
        sent: Sent = {HELLO: (bare, Requests(folder / "hello.tsv", [Request("GET", "/")]))}
        for size, instance in instances.items():
            sent |= _of(size, instance, folder, running, ours)
        loads: dict[tuple[str, str], list[Load]] = {name: [] for name in sent}
        for turn in range(1 + rounds):
            for name, (service, requests) in sent.items():
                warm_up = EVENING_WARM_UP_SECONDS if name[0] == EVENING else WARM_UP_SECONDS
                spent = length if turn else warm_up
                loads[name].append(requests.load(service.port, spent, CONNECTIONS, theirs))
    return ratios(list(instances), {name: found[1:] for name, found in loads.items()})


def _of(size: str, instance: Path, folder: Path, running: ExitStack, core: int | None) -> Sent:
    """The workloads on an instance; an evening has a service of its own, which is asked for nothing else."""
    sent: Sent = {}
    apart = Path(shutil.copytree(instance, folder / f"evening of {size}"))
    for is_evening, place in enumerate((instance, apart)):
        service = running.enter_context(serving(place, core=core))
        for at, (name, workload) in enumerate(workloads(Catalogue(place, service), service).items()):
            if (name == EVENING) == is_evening:
                requests = Requests(folder / f"{size}{at}.tsv", workload.requests)
                requests.check(service, *workload.statuses)
                sent[name, size] = service, requests
    return sent


def ratios(sizes: list[str], loads: dict[tuple[str, str], list[Load]]) -> str:
    """Medians over the rounds, each round's speeds divided by its own hello's."""
    bare = _middle(loads[HELLO])
    lines = [
        ("hello", *_numbers(bare), *["1.00"] * len(sizes), "", str(sum(one.errors for one in loads[HELLO])))
    ]
    for name, target in TARGETS.items():
        found = [loads[name, size] for size in sizes]
        errors = sum(one.errors for each in found for one in each)
        times = [f"{_times(each, loads[HELLO]):.2f}" for each in found]
        lines.append((name, *_numbers(_middle(found[-1])), *times, f"{target:.2f}", str(errors)))
    heads = [f"times hello, {size} movies" for size in sizes]
    of_largest = [f"{what}, {sizes[-1]}" for what in ("a second", "p50", "p99")]
    return table(("one worker", *of_largest, *heads, "at least", "errors"), lines)


def _times(found: list[Load], bare: list[Load]) -> float:
    return statistics.median(
        one.per_second / other.per_second for one, other in zip(found, bare, strict=True)
    )


def _middle(found: list[Load]) -> Load:
    return Load(*(statistics.median(numbers) for numbers in zip(*found, strict=True)))


def _numbers(load: Load) -> tuple[str, ...]:
    return f"{load.per_second:,.0f}", f"{load.p50:.2f} ms", f"{load.p99:.2f} ms"


def tail(folder: Path, instance: Path, rounds: int, length: int) -> tuple[str, ...]:
    """p99 over p50 of the evening with several workers and many connections, no core set apart."""
    with serving(instance, TAIL_WORKERS) as service:
        evening = Requests(folder / "tail.tsv", Catalogue(instance, service).evening(100_000))
        evening.load(service.port, WARM_UP_SECONDS, TAIL_CONNECTIONS, None)
        loads = [evening.load(service.port, length, TAIL_CONNECTIONS, None) for _ in range(rounds)]
    p50, p99 = statistics.median(one.p50 for one in loads), statistics.median(one.p99 for one in loads)
    name = f"an evening, {TAIL_WORKERS} workers, {TAIL_CONNECTIONS} connections: p99 / p50"
    errors = sum(one.errors for one in loads)
    return name, f"{p99:.1f} ms / {p50:.1f} ms = {p99 / p50:.1f} ({errors} errors)", "10"


def starts(instance: Path) -> Iterator[tuple[str, ...]]:
    """How long the command line takes to answer."""
    served = [_first_answer(instance) for _ in range(STARTS)]
    yield "`movierating serve` to its first answer", f"{statistics.median(served):.2f} s", "1.5 s"
    program = [*MOVIERATING, "--help"]
    helped = [seconds(partial(subprocess.run, program, stdout=subprocess.DEVNULL)) for _ in range(STARTS)]
    yield "`movierating --help`", f"{statistics.median(helped):.2f} s", "0.4 s"


def _first_answer(instance: Path) -> float:
    begun = time.perf_counter()
    with serving(instance) as service:
        service.get("/genres")
        return time.perf_counter() - begun


def memory(folder: Path, instance: Path, number: int) -> Iterator[tuple[str, ...]]:
    """What a worker keeps in memory before and after so many requests for DISTINCT addresses."""
    _, theirs = cores()
    with serving(instance) as service:
        service.get("/genres")
        yield "memory of a worker that just started", _mb(service), "95 MB"
        catalogue, sent = Catalogue(instance, service), 0
        movies = catalogue.shuffled([get(f"/movies/{one}") for one in catalogue.movies])
        distinct = Requests(folder / "distinct.tsv", (movies + catalogue.unread_pages())[:DISTINCT])
        while sent < number:
            sent += distinct.load(service.port, MEMORY_SECONDS, CONNECTIONS, theirs).answers
        name = f"memory after {sent:,} requests for {min(sent, len(distinct.all)):,} addresses"
        yield name, _mb(service), "200 MB"


def _mb(service: Service) -> str:
    return f"{service.worker_bytes() / 1e6:.0f} MB"


@click.command()
@click.option("--rounds", default=5, show_default=True, help="How often each takes its turn.")
@click.option("--length", default=2, show_default=True, help="Seconds of a turn.")
@click.option(
    "--memory-requests", default=DISTINCT, show_default=True, help="How many before memory is read."
)
@click.option("--keep", type=click.Path(path_type=Path), help="A folder that keeps the generated instance.")
def main(rounds: int, length: int, memory_requests: int, keep: Path | None) -> None:
    """Measure, print the tables, and keep them beside this file."""
    required_wrk()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        instances = {of: loaded(size, folder / size, keep or folder) for of, size in SIZES.items()}
        speeds = measured(folder, instances, rounds, length)
        first, second = instances["92,000"], loaded("catalogue", folder / "rest", keep or folder)
        rest = [tail(folder, second, rounds, length), *starts(first), *memory(folder, first, memory_requests)]
    publish(f"{speeds}\n\n{table(('besides', 'measured', 'at most'), rest)}", __file__)


if __name__ == "__main__":
    main()
