"""Whether it stays as fast as the data grows: each indexed path on small and on large data, `make bench-large`."""

import statistics
import tempfile
from itertools import product
from pathlib import Path
from urllib.parse import quote

import click

from dataset import COMMON_WORD, RARE_WORD
from load import Load, Request, Requests, required_wrk
from service import Service, cores, loaded, publish, serving, table
from workloads import Catalogue, get

SIZES = ("small", "large")
TARGET = 1.25
WARM_UP_SECONDS = 1
DEEP_PAGES = 300


def paths(catalogue: Catalogue) -> dict[str, list[Request]]:
    """The requests of each path, by what the table calls it; many different ones where there are many."""
    # Signed in, because answers to nobody in particular may come from a cache.
    token = catalogue.tokens[0]
    movie, person = catalogue.movies[0], catalogue.users[0]
    charts = [f"/movies?sort={by}" for by in ("-score", "-mean", "-count", "title", "year", "-year")]
    in_genres = [f"/movies?genre={quote(genre)}" for genre in catalogue.genres]
    asked = {
        "a movie": [f"/movies/{one}" for one in catalogue.movies],
        "a chart": charts,
        "a chart under a genre": in_genres,
        "a deep page of the chart": _deep(catalogue, "/movies"),
        "a deep page under a genre": [page for path in in_genres for page in _deep(catalogue, path)],
        f"search, `{COMMON_WORD}` (23 % of the titles)": [f"/movies?q={COMMON_WORD}"],
        f"search, `{RARE_WORD}` (25 titles)": [f"/movies?q={RARE_WORD}"],
        "profile of the person with the most ratings": [f"/users/{person}"],
        "that person's ratings, any page": _deep(catalogue, f"/users/{person}/ratings"),
        "ratings of the movie with the most, any page": _deep(catalogue, f"/movies/{movie}/ratings"),
    }
    reads = {name: catalogue.shuffled([get(path, token) for path in found]) for name, found in asked.items()}
    return {**reads, "a rating, committed": catalogue.ratings(catalogue.some_movies(20_000))}


def _deep(catalogue: Catalogue, path: str) -> list[str]:
    """Pages of a list, from its whole length, but for the last ones, which may not be full."""
    joint = "&" if "?" in path else "?"
    cursors = catalogue.cursors(path, 100)
    some = cursors[: -(-len(cursors) * 9 // 10)][:: max(1, len(cursors) // DEEP_PAGES)]
    return [f"{path}{joint}cursor={cursor}" for cursor in some]


def measured(small: Path, large: Path, rounds: int, length: int) -> str:
    """A table; small and large take turns, and a short first round doesn't count."""
    ours, theirs = cores()
    with serving(small, core=ours) as one, serving(large, core=ours) as other:
        sent = [_files(instance, service) for instance, service in ((small, one), (large, other))]
        lines = []
        for name in sent[0]:
            loads: list[list[Load]] = [[], []]
            for spent, (at, service) in product(
                [WARM_UP_SECONDS, *[length] * rounds], enumerate((one, other))
            ):
                loads[at].append(sent[at][name].load(service.port, spent, 1, theirs))
            lines.append((name, *_cells(loads[0][1:], loads[1][1:])))
    columns = ("path", "p50 small", "large", "ratio", "p99 small", "large", "ratio", "at most", "errors")
    return table(columns, lines)


def _files(instance: Path, service: Service) -> dict[str, Requests]:
    sent = {}
    for at, (name, requests) in enumerate(paths(Catalogue(instance, service)).items()):
        sent[name] = Requests(instance.parent / f"{at}.tsv", requests)
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
@click.option("--rounds", default=5, show_default=True, help="How often each takes its turn.")
@click.option("--length", default=2, show_default=True, help="Seconds of a turn.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder that keeps the generated instances.")
def main(rounds: int, length: int, keep: Path | None) -> None:
    """Measure, print the table, and keep it beside this file."""
    required_wrk()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = (loaded(size, folder / f"{size}-used", keep or folder) for size in SIZES)
        publish(measured(small, large, rounds, length), __file__)


if __name__ == "__main__":
    main()
