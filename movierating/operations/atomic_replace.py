"""Puts a database in the place of an instance's own, so that a kill at any moment leaves the one or the other, whole.

The old one's log is brought into it first: SQLite would apply what lies beside the new one to that. Then a second name
is given to the old file, the new one takes its place in one step, and the second name becomes one that people see.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from movierating.operations import sqlite_backup
from movierating.operations.sqlite_backup import SIDE_SUFFIXES, BackupError
from movierating.storage.cache_versions import CacheVersions


def get_staging_path(database: Path) -> Path:
    """Where to prepare what will take the place of `database`."""
    return _beside(database, "new")


def replace_database(database: Path) -> Path | None:
    """Put what is `staged` in the place of `database`, and return the file that keeps the old one.

    For who holds the instance alone. Raises BackupError or OSError, and then `database` is as it was.
    """
    resolved = database.resolve()
    old = _beside(database, "old")
    if resolved.exists():
        _settle(resolved)
        _name_twice(resolved, old)
    _move(resolved, old, SIDE_SUFFIXES)
    # What was answered from the old one must not be given again; no process is there that has any, but a map may be.
    versions = CacheVersions(CacheVersions.get_file(database))
    versions.recover()
    with versions.invalidating(None):
        sqlite_backup.replace_file(get_staging_path(database), resolved)
    versions.close()
    return _keep(resolved, old)


def clean_up(database: Path) -> None:
    """Clear away what a replacement that was killed has left; for who knows that none is under way. Raises OSError."""
    resolved = database.resolve()
    sqlite_backup.remove_database(get_staging_path(database))
    sqlite_backup.remove_database(_beside(database, "old-draft"))
    old = _beside(database, "old")
    if old.exists() and resolved.exists() and old.samefile(resolved):
        _move(old, resolved, SIDE_SUFFIXES)
        old.unlink()
    else:
        _keep(resolved, old)


def _beside(database: Path, what: str) -> Path:
    resolved = database.resolve()
    return resolved.with_name(f".{resolved.name}.{what}")


def _settle(database: Path) -> None:
    """Leave nothing beside a database. One that is damaged stays as it is, and what lies beside it too."""
    try:
        sqlite_backup.remove_log(database)
    except sqlite3.Error as error:
        if not sqlite_backup.is_corruption(error):
            raise BackupError(f"{database} can't be replaced ({error})") from error


def _name_twice(database: Path, old: Path) -> None:
    with suppress(OSError):
        os.link(database, old)
        return
    # Some file systems know one name for each file.
    draft = _beside(database, "old-draft")
    shutil.copy2(database, draft)
    sqlite_backup.replace_file(draft, old)


def _move(file: Path, to: Path, suffixes: Iterable[str]) -> list[str]:
    """Rename what is there of a database and its side files; the suffixes of what was."""
    there = [suffix for suffix in suffixes if file.with_name(file.name + suffix).exists()]
    for suffix in there:
        file.with_name(file.name + suffix).rename(to.with_name(to.name + suffix))
    return there


def _keep(database: Path, old: Path) -> Path | None:
    """Give the old database, if there is one, a name that people see and nothing has."""
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    stem, suffix = f"{database.stem}.before-restore-{time}", database.suffix
    names = (f"{stem}{f'-{number}' if number > 1 else ''}{suffix}" for number in count(1))
    kept = next(file for file in map(database.with_name, names) if not file.exists())
    return kept if "" in _move(old, kept, (*SIDE_SUFFIXES, "")) else None
