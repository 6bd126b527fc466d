"""Compares each indexed path on small and on large data: `make bench-large`."""

import statistics
import tempfile
from itertools import product
from pathlib import Path
from urllib.parse import quote

import click

from dataset import COMMON_WORD, RARE_WORD
from instances import load_instance
from load import Load, Request, Requests, find_wrk
from service import Service, make_table, pick_cores, publish, run_service
from workloads import Catalogue, get

SIZES = ("small", "large")
TARGET = 1.25
WARM_UP_SECONDS = 1
DEEP_PAGES = 300


def list_requests(catalogue: Catalogue) -> dict[str, list[Request]]:
    """Return the requests of each path by its name in the table; as many different ones as there are."""
    # With a token, because anonymous responses are cached.
    token = catalogue.tokens[0]
    movie, person = catalogue.movies[0], catalogue.users[0]
    charts = [f"/movies?sort={sort}" for sort in ("-score", "-mean", "-count", "title", "year", "-year")]
    in_genres = [f"/movies?genre={quote(genre)}" for genre in catalogue.genres]
    paths_by_name = {
        "a movie": [f"/movies/{movie_id}" for movie_id in catalogue.movies],
        "a chart": charts,
        "a chart of a genre": in_genres,
        "a deep page of the chart": _list_deep_pages(catalogue, "/movies"),
        "a deep page of a genre": [page for path in in_genres for page in _list_deep_pages(catalogue, path)],
        f"search, `{COMMON_WORD}` (23 % of the titles)": [f"/movies?q={COMMON_WORD}"],
        f"search, `{RARE_WORD}` (25 titles)": [f"/movies?q={RARE_WORD}"],
        "profile of the person with the most ratings": [f"/users/{person}"],
        "that person's ratings, any page": _list_deep_pages(catalogue, f"/users/{person}/ratings"),
        "ratings of the movie with the most, any page": _list_deep_pages(
            catalogue, f"/movies/{movie}/ratings"
        ),
    }
    reads = {
        name: catalogue.shuffle([get(path, token) for path in paths]) for name, paths in paths_by_name.items()
    }
    return {**reads, "a rating, committed": catalogue.make_ratings(catalogue.draw_movies(20_000))}


def _list_deep_pages(catalogue: Catalogue, path: str) -> list[str]:
    """Return pages from the whole length of a list, except the last ones, which may not be full."""
    cursors = catalogue.list_cursors(path, 100)
    sample = cursors[: -(-len(cursors) * 9 // 10)][:: max(1, len(cursors) // DEEP_PAGES)]
    return [f"{path}{'&' if '?' in path else '?'}cursor={cursor}" for cursor in sample]


def measure(small: Path, large: Path, rounds: int, length: int) -> str:
    """Return a table. Small and large alternate; a short first round does not count."""
    service_core, load_core = pick_cores()
    with run_service(small, core=service_core) as first, run_service(large, core=service_core) as second:
        services = (first, second)
        sent = [_write_requests(*pair) for pair in zip((small, large), services, strict=True)]
        lines = []
        for name in sent[0]:
            loads: list[list[Load]] = [[], []]
            for seconds, size in product([WARM_UP_SECONDS, *[length] * rounds], range(2)):
                loads[size].append(sent[size][name].load(services[size].port, seconds, 1, load_core))
            lines.append((name, *_cells(loads[0][1:], loads[1][1:])))
    columns = ("path", "p50 small", "large", "ratio", "p99 small", "large", "ratio", "at most", "errors")
    return make_table(columns, lines)


def _write_requests(instance: Path, service: Service) -> dict[str, Requests]:
    sent = {}
    for number, (name, requests) in enumerate(list_requests(Catalogue(instance, service)).items()):
        sent[name] = Requests(instance.parent / f"{number}.tsv", requests)
        sent[name].check(service, 200, 201)
    return sent


def _cells(small: list[Load], large: list[Load]) -> list[str]:
    cells = []
    for name in ("p50", "p99"):
        pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(small, large, strict=True)]
        cells += [f"{statistics.median(times):.2f} ms" for times in zip(*pairs, strict=True)]
        cells.append(f"{statistics.median(b / a for a, b in pairs):.2f}")
    return [*cells, f"{TARGET}", str(sum(load.errors for load in small + large))]


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Number of rounds.")
@click.option("--length", default=2, show_default=True, help="Seconds per measurement.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep generated instances in this folder.")
def main(rounds: int, length: int, keep: Path | None) -> None:
    """Measure, print the table, and write it beside this file."""
    find_wrk()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = (load_instance(size, folder / f"{size}-used", keep or folder) for size in SIZES)
        publish(measure(small, large, rounds, length), __file__)


if __name__ == "__main__":
    main()
