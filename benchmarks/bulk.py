"""`import movielens` beside the sqlite3 shell's `.import` of the rows that it makes: `make bench-large`."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from service import command, settings

SIZES = {"1": "million", "10": "large"}
_COLUMNS = "user_id, movie_id, value, rated_at, created_at, updated_at"


class Run(NamedTuple):
    """A command that ended well: how long it took, and the most memory it had."""

    seconds: float
    most_bytes: int


def run(program: Sequence[str], instance: Path) -> Run:
    """Run a command on an instance. Ends the run unless it succeeds."""
    begun = time.perf_counter()
    with (instance.parent / "bulk.log").open("a") as log:
        process = subprocess.Popen(program, env=settings(instance), stdout=log, stderr=log)
        # Of this child alone, which `resource` doesn't tell.
        _, status, used = os.wait4(process.pid, 0)
    spent = time.perf_counter() - begun
    if status:
        raise SystemExit(f"{program[0]} failed: {(instance.parent / 'bulk.log').read_text()[-500:]}")
    process.returncode = 0
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(spent, used.ru_maxrss * unit)


def database(instance: Path) -> Path:
    """The file with the instance's data."""
    return instance / "movierating.sqlite3"


def with_movies_only(folder: Path, files: Path) -> Path:
    """An instance that has the data set's movies, and none of its ratings."""
    bare = folder / "bare-files"
    shutil.copytree(files, bare, ignore=shutil.ignore_patterns("ratings.csv"))
    with (files / "ratings.csv").open() as whole, (bare / "ratings.csv").open("w") as file:
        file.write(whole.readline())
    command(folder / "movies", "import", "movielens", str(bare))
    return folder / "movies"
