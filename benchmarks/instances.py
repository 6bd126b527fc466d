"""Shared by the benchmarks: prepares instances with generated data, and queries their databases."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import dataset
from service import make_environment, run_command


def load_instance(size: str, folder: Path, keep: Path) -> Path:
    """Return an instance in `folder` with the well-known bundled movies and a data set of this size.

    It is a copy of one in the folder `keep`, which is generated if it is missing.
    """
    original, data = keep / size / "instance", generate_files(size, keep)
    if not (keep / size / "loaded").exists():
        shutil.rmtree(original, ignore_errors=True)
        _create_instance(original)
        run_command(original, "import", "movielens", str(data))
        (keep / size / "loaded").touch()
    instance = Path(shutil.copytree(original, folder / "instance"))
    _create_instance(instance)
    return instance


def _create_instance(instance: Path) -> None:
    """Create an instance with the well-known movies, or upgrade one; the service will load no more of the bundled."""
    program = [sys.executable, "-c", "import movierating; movierating.create_app()"]
    subprocess.run(program, env=make_environment(instance), check=True, stderr=subprocess.DEVNULL)
    from movierating.movies import seed

    with closing(sqlite3.connect(instance / "movierating.sqlite3")) as connection, connection:
        rows = [(seed.WELL_KNOWN_MIGRATION,), (seed.get_catalogue_migration(),)]
        connection.executemany("INSERT OR IGNORE INTO data_migration VALUES (?, 0)", rows)


def generate_files(size: str, keep: Path) -> Path:
    """Return the folder of a data set of this size inside `keep`; generate it if it is missing."""
    folder = keep / size / "files"
    # It has another name until it is complete.
    if not folder.exists():
        draft = folder.with_name("draft")
        dataset.write(dataset.SIZES[size], draft)
        draft.rename(folder)
    return folder


def fetch_rows(instance: Path, query: str) -> list[Any]:
    """Return the rows of a query on the instance's database; a row of one column is its value."""
    with closing(sqlite3.connect(instance / "movierating.sqlite3")) as connection:
        rows = connection.execute(query).fetchall()
    return [row[0] if len(row) == 1 else row for row in rows]
