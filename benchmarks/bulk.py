"""Compares `movierating import movielens` with the sqlite3 shell's `.import` of the same rows: `make bench-large`."""

import shutil
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from itertools import chain
from pathlib import Path

import click

from dataset import SIZES
from instances import generate_files
from service import MOVIERATING, Run, make_table, measure_command, publish, run_command

MILLIONS = {"1": "million", "10": "large"}
FASTEST, MIN_SPEED, MAX_MB = "`.import` into the table", 0.5, 200

_ROWS = "SELECT user_id, movie_id, value, rated_at, created_at, updated_at FROM rating"
# Used if there is no shell.
_SHELL_SUBSTITUTE = """
import csv, sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection, open(sys.argv[2], newline="") as file:
    connection.executemany("INSERT INTO rating VALUES (?, ?, ?, ?, ?, ?)", csv.reader(file))
"""


class BulkImport:
    """The measurements. Each starts with a copy of an instance that has the movies and no ratings."""

    def __init__(self, folder: Path, data: Path) -> None:
        self._folder, self._data = folder, data
        self._start, self._bare = folder / "movies", folder / "no-ratings"
        shutil.copytree(data, self._bare, ignore=shutil.ignore_patterns("ratings.csv"))
        with (data / "ratings.csv").open() as file:
            (self._bare / "ratings.csv").write_text(file.readline())
        run_command(self._start, "seed")
        run_command(self._start, "import", "movielens", str(self._bare))
        self._rows = self._write_rows()

    def _write_rows(self) -> Path:
        """Write the rows of the imported data set as CSV, in the order of the primary key; return the file."""
        instance, rows = self._copy(), self._folder / "rows.csv"
        run_command(instance, "import", "movielens", str(self._data))
        with closing(sqlite3.connect(_database(instance))) as connection, rows.open("w") as file:
            cursor = connection.execute(f"{_ROWS} ORDER BY user_id, movie_id")
            file.writelines(f"{','.join(map(str, row))}\n" for row in cursor)
        return rows

    def _copy(self) -> Path:
        copy = self._folder / "instance"
        shutil.rmtree(copy, ignore_errors=True)
        return Path(shutil.copytree(self._start, copy))

    def list_variants(self) -> dict[str, Callable[[], Run]]:
        """Return the variants by their name in the table."""
        return {
            FASTEST: lambda: self._shell(self._copy()),
            "`.import` into the table without its secondary indexes": lambda: self._shell(
                _drop_indexes(self._copy())
            ),
            "`import movielens` without ratings": lambda: self._import(self._bare),
            "`import movielens`": lambda: self._import(self._data),
        }

    def _import(self, data: Path) -> Run:
        return measure_command([*MOVIERATING, "import", "movielens", str(data)], self._copy())

    def _shell(self, instance: Path) -> Run:
        shell, file = shutil.which("sqlite3"), str(_database(instance))
        if shell is None:
            return measure_command([sys.executable, "-c", _SHELL_SUBSTITUTE, file, str(self._rows)], instance)
        return measure_command([shell, file, ".mode csv", f".import '{self._rows}' rating"], instance)


def _database(instance: Path) -> Path:
    return instance / "movierating.sqlite3"


def _drop_indexes(instance: Path) -> Path:
    with closing(sqlite3.connect(_database(instance))) as connection:
        query = (
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'rating' AND sql IS NOT NULL"
        )
        for name in chain.from_iterable(connection.execute(query).fetchall()):
            connection.execute(f"DROP INDEX {name}")
    return instance


def make_result(spent: dict[str, list[Run]], ratings: int) -> str:
    """Return a table of medians, speeds relative to the shell, and memory."""
    base = statistics.median(run.seconds for run in spent[FASTEST])
    lines = []
    for name, runs in spent.items():
        median = statistics.median(run.seconds for run in runs)
        memory = f"{max(run.peak_bytes for run in runs) / 1e6:.0f} MB"
        lines.append((name, f"{median:.1f} s", f"{base / median:.2f}", memory))
    lines.append(("target of the last", "", f"at least {MIN_SPEED}", f"at most {MAX_MB} MB"))
    rounds = len(spent[FASTEST])
    return make_table(
        (f"{ratings:,} ratings, {rounds} rounds", "median", "times the shell's speed", "memory"), lines
    )


@click.command()
@click.option("--millions", type=click.Choice(list(MILLIONS)), default="1", show_default=True)
@click.option("--rounds", default=3, show_default=True, help="Number of rounds.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep generated data sets in this folder.")
def main(millions: str, rounds: int, keep: Path | None) -> None:
    """Measure, print the table, and write it beside this file."""
    size = MILLIONS[millions]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        variants = BulkImport(folder, generate_files(size, keep or folder / "kept")).list_variants()
        spent: dict[str, list[Run]] = {name: [] for name in variants}
        for _ in range(rounds):
            for variant, measure in variants.items():
                spent[variant].append(measure())
    publish(make_result(spent, SIZES[size].ratings), __file__)


if __name__ == "__main__":
    main()
