"""Files that backups are written to, on SQLite and PostgreSQL: replaced only by a complete backup, one at a time.

The time of the newest backup is the modification time of a file beside the database, which all processes read.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from filelock import FileLock, Timeout

# How long a backup waits for another one of the same instance, which takes minutes for gigabytes.
LOCK_TIMEOUT_SECONDS = 900

# What SQLite appends to a database's name for its own files.
SIDE_SUFFIXES = ("-wal", "-shm", "-journal")

# Tables of every revision, by which a backup of movierating is recognized.
REQUIRED_TABLES = frozenset({"alembic_version", "movie", "rating", "user"})


class BackupError(click.ClickException):
    """A backup could not be made or restored; the message is one line that says why, and ends the command."""


@contextmanager
def record_backup(database: Path) -> Iterator[None]:
    """Hold the instance's backup lock while a backup is made, and record its start as the newest backup's time.

    `database` is as `database.get_base_path` returns it. Raise BackupError if another backup takes too long.
    """
    lock = FileLock(database.with_name(f".{database.name}.backup"), timeout=LOCK_TIMEOUT_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise BackupError(
            "another backup has been running for too long; try again when it has ended"
        ) from error
    except OSError:
        # A folder that has become read-only can still be backed up.
        pass
    started_at = time.time()
    try:
        yield
    finally:
        lock.release()
    with suppress(OSError):
        # The backup is good even if its time can't be recorded.
        record_backup_time(database, started_at)


def record_backup_time(database: Path, at: float) -> None:
    """Record `at`, in seconds since 1970, as the time of the newest backup. Raise OSError."""
    file = _get_time_file(database)
    file.touch()
    os.utime(file, (at, at))


def read_backup_time(database: Path) -> float:
    """Return the time of the newest backup in seconds since 1970, 0 if there is none."""
    try:
        return _get_time_file(database).stat().st_mtime
    except OSError:
        return 0


def _get_time_file(database: Path) -> Path:
    return database.with_name(f".{database.name}.backed-up")


def require_replaceable(target: Path, is_backup: Callable[[Path], bool]) -> None:
    """Raise BackupError unless `target` is an empty file or a backup, or a free name in a folder. Raise OSError."""
    if not target.parent.is_dir():
        raise BackupError(f"{target.parent} is not a folder")
    if target.exists():
        if not target.is_file():
            raise BackupError(f"{target} is not a file")
        if target.stat().st_size and not is_backup(target):
            raise BackupError(f"{target} exists and is not a backup; choose another name")


@contextmanager
def temporary_file(file: Path) -> Iterator[None]:
    """Remove `file` and SQLite's files beside it before and after the block. Raise OSError."""
    try:
        remove_database(file)
        yield
    finally:
        remove_database(file)


def remove_database(file: Path) -> None:
    """Remove a database and SQLite's files beside it, if they exist. Raise OSError."""
    for suffix in ("", *SIDE_SUFFIXES):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def replace_file(file: Path, target: Path) -> None:
    """Rename `file` to `target` atomically, and return when the rename is on the disk. Raise OSError."""
    _synchronize(file, os.O_RDWR)
    file.replace(target)
    if hasattr(os, "O_DIRECTORY"):
        # Windows can't open folders.
        _synchronize(target.parent, os.O_RDONLY)


def _synchronize(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
