"""`movierating import movielens` beside the sqlite3 shell's `.import` of the same rows: `make bench-large`."""

import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import click

from dataset import SIZES
from service import MOVIERATING, command, files, publish, settings, table

MILLIONS = {"1": "million", "10": "large"}
FASTEST, LEAST_SPEED, MOST_MB = "`.import` into the table", 0.5, 200

_ROWS = "SELECT user_id, movie_id, value, rated_at, created_at, updated_at FROM rating"
# Where there is no shell, the driver's own loop over the same file.
_INSTEAD = """
import csv, sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection, open(sys.argv[2], newline="") as file:
    connection.executemany("INSERT INTO rating VALUES (?, ?, ?, ?, ?, ?)", csv.reader(file))
"""


class Run(NamedTuple):
    """A command that ended well: how long it took, and the most memory that it had."""

    seconds: float
    most_bytes: int


def run(program: Sequence[str], instance: Path) -> Run:
    """Run a command on an instance. Ends the benchmark unless it succeeds."""
    log = instance.with_suffix(".log")
    begun = time.perf_counter()
    with log.open("w") as file:
        process = subprocess.Popen(program, env=settings(instance), stdout=file, stderr=file)
        # What this child used, where `resource` has the most of any child.
        _, status, used = os.wait4(process.pid, 0)
    spent = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{' '.join(program)} failed: {log.read_text()[-500:]}")
    return Run(spent, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


class Bulk:
    """An instance with the data set's movies and no ratings, from which each measurement starts, and the rows."""

    def __init__(self, folder: Path, data: Path) -> None:
        self._folder, self._data = folder, data
        self._start, self._bare = folder / "movies", folder / "no-ratings"
        shutil.copytree(data, self._bare, ignore=shutil.ignore_patterns("ratings.csv"))
        with (data / "ratings.csv").open() as whole:
            (self._bare / "ratings.csv").write_text(whole.readline())
        command(self._start, "import", "movielens", str(self._bare))
        self._rows = self._converted()

    def _converted(self) -> Path:
        """A CSV of the rows that the import makes of the data set, in the order of the primary key."""
        instance, rows = self._copy(), self._folder / "rows.csv"
        command(instance, "import", "movielens", str(self._data))
        with closing(sqlite3.connect(_database(instance))) as connection, rows.open("w") as file:
            found = connection.execute(f"{_ROWS} ORDER BY user_id, movie_id")
            file.writelines(f"{','.join(map(str, row))}\n" for row in found)
        return rows

    def _copy(self) -> Path:
        copy = self._folder / "instance"
        shutil.rmtree(copy, ignore_errors=True)
        return Path(shutil.copytree(self._start, copy))

    def ways(self) -> dict[str, Callable[[], Run]]:
        """What takes turns, by what the table calls it."""
        return {
            FASTEST: lambda: self._shell(self._copy()),
            "`.import`, the table without its other indexes": lambda: self._shell(
                _without_indexes(self._copy())
            ),
            "`import movielens`, start and movies alone": lambda: self._import(self._bare),
            "`import movielens`": lambda: self._import(self._data),
        }

    def _import(self, data: Path) -> Run:
        return run([*MOVIERATING, "import", "movielens", str(data)], self._copy())

    def _shell(self, instance: Path) -> Run:
        shell, file = shutil.which("sqlite3"), str(_database(instance))
        if shell is None:
            return run([sys.executable, "-c", _INSTEAD, file, str(self._rows)], instance)
        return run([shell, file, ".mode csv", f".import '{self._rows}' rating"], instance)


def _database(instance: Path) -> Path:
    return instance / "movierating.sqlite3"


def _without_indexes(instance: Path) -> Path:
    with closing(sqlite3.connect(_database(instance))) as connection:
        wanted = (
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'rating' AND sql IS NOT NULL"
        )
        for name in chain.from_iterable(connection.execute(wanted).fetchall()):
            connection.execute(f"DROP INDEX {name}")
    return instance


def result(spent: dict[str, list[Run]], ratings: int) -> str:
    """Medians, speeds as ratios to the shell's, and memory."""
    base = statistics.median(run.seconds for run in spent[FASTEST])
    lines = []
    for name, runs in spent.items():
        middle = statistics.median(run.seconds for run in runs)
        most = f"{max(run.most_bytes for run in runs) / 1e6:.0f} MB"
        lines.append((name, f"{middle:.1f} s", f"{base / middle:.2f}", most))
    lines.append(("target of the last", "", f"at least {LEAST_SPEED}", f"at most {MOST_MB} MB"))
    rounds = len(spent[FASTEST])
    return table(
        (f"{ratings:,} ratings, {rounds} rounds", "median", "times the shell's speed", "memory"), lines
    )


@click.command()
@click.option("--millions", type=click.Choice(list(MILLIONS)), default="1", show_default=True)
@click.option("--rounds", default=3, show_default=True, help="How often each takes its turn.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder that keeps the generated data sets.")
def main(millions: str, rounds: int, keep: Path | None) -> None:
    """Measure, print the table, and keep it beside this file."""
    size = MILLIONS[millions]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ways = Bulk(folder, files(size, keep or folder / "kept")).ways()
        spent: dict[str, list[Run]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, measure in ways.items():
                spent[way].append(measure())
    publish(result(spent, SIZES[size].ratings), __file__)


if __name__ == "__main__":
    main()
