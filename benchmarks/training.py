"""Measures the training of predictions on generated ratings: `python benchmarks/training.py`."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click

from instances import fetch_rows, load_instance
from service import MOVIERATING, make_table, measure_command, publish

# The targets of a training from nothing: processor time and peak memory.
TARGETS = {"small": "10 s, 250 MB", "million": "", "large": "600 MB"}
_COUNTS = "SELECT sum(rating_count), count(*), (SELECT count(*) FROM movie WHERE rating_count > 0) FROM user"
# MovieLens has neither of both, and a training reads them.
_ADD_FACTS = """
    UPDATE movie SET language = 'en', directors = json_array('Director ' || (id / 4)) WHERE directors = '[]'
"""


def measure(instance: Path, target: str) -> Iterator[tuple[str, ...]]:
    """Yield the lines of the table for an instance: a training from nothing, and one from that model."""
    with closing(sqlite3.connect(instance / "movierating.sqlite3")) as connection, connection:
        connection.execute(_ADD_FACTS)
    [counts] = fetch_rows(instance, _COUNTS)
    for name, options, limit in (("nothing", ["--cold"], target), ("the earlier model", [], "")):
        run = measure_command([*MOVIERATING, "predictions", "train", *options], instance)
        costs = f"{run.cpu_seconds:,.1f} s", f"{run.peak_bytes / 1e6:,.0f} MB"
        yield *(f"{count:,}" for count in counts), name, *costs, limit


@click.command()
@click.option("--keep", type=click.Path(path_type=Path), help="Keep generated instances in this folder.")
@click.option(
    "--size",
    "sizes",
    type=click.Choice(list(TARGETS)),
    multiple=True,
    default=list(TARGETS),
    help="Default: all.",
)
def main(keep: Path | None, sizes: tuple[str, ...]) -> None:
    """Train on data of each size, print the table, and write it beside this file."""
    lines: list[tuple[str, ...]] = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            instance = load_instance(size, Path(name), keep or Path(name))
            lines += measure(instance, TARGETS[size])
    columns = ("ratings", "users", "movies", "from", "CPU", "peak memory", "at most")
    publish(make_table(columns, lines), __file__)


if __name__ == "__main__":
    main()
