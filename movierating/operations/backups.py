"""Backups of the instance's database while it is in use, and what brings one back."""

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flask import Flask
from sqlalchemy import URL, create_engine

from movierating.operations import atomic_replace, last_backup, sqlite_backup, startup
from movierating.operations.sqlite_backup import SIDE_SUFFIXES, BackupError
from movierating.storage import database
from movierating.storage.sqlite import engine as sqlite_engine
from movierating.storage.sqlite.instance_lock import InstanceLock, LockHeld


class RestoreResult(NamedTuple):
    """What a restore did: the file that keeps the old database, the older migration it came from, odd rows in it."""

    kept: Path | None
    upgraded_from: str | None
    orphans: list[str]


def create_backup(source: Path, target: Path) -> list[str]:
    """Write a copy of the instance's database `source` to the file `target`, replacing an older backup there.

    Returns a line for each kind of row that lacks the row it refers to. Raises BackupError; then `target` is unchanged.
    """
    if not source.is_file():
        raise BackupError(f"there is no database at {source}")
    target = target.resolve()
    _refuse_what_is_no_backup(source, target)
    started = time.time()
    with sqlite_backup.hold_backup_lock(source):
        orphans = sqlite_backup.copy_database(source, target)
        with suppress(OSError):
            # The backup is good, whether the metric learns of it or not.
            last_backup.record_backup_time(source, started)
    return orphans


def _refuse_what_is_no_backup(source: Path, target: Path) -> None:
    if target.name.endswith(SIDE_SUFFIXES):
        raise BackupError(f"{target}: SQLite gives that name to files of its own")
    try:
        if not target.exists():
            return
        if not target.is_file():
            raise BackupError(f"{target} is not a file")
        if target.samefile(source):
            raise BackupError(f"{target} is the database itself")
        if target.stat().st_size and not sqlite_backup.is_backup(target):
            raise BackupError(f"{target} is there and is not a backup; it was left alone")
    except OSError as error:
        raise BackupError(f"{target} can't be read ({error.strerror})") from error


def restore_backup(app: Flask, file: Path) -> RestoreResult:
    """Put a copy of the backup `file`, at the newest migration, in the place of the application's database.

    Inside the application's context, which must have no connection open. Raises BackupError where `file` can't be taken
    or somebody uses the instance, and then that is as it was; so it is, or restored, after a kill at any moment.
    """
    target = database.get_sqlite_file()
    if target is None:
        raise BackupError("the instance's database is no SQLite file")
    try:
        hold = InstanceLock(target, exclusive=True)
    except LockHeld as error:
        raise BackupError("the instance is in use; stop `serve` and other commands first") from error
    except OSError as error:
        raise BackupError(f"{target} can't be replaced ({error.strerror})") from error
    try:
        atomic_replace.clean_up(target)
        return _replace(app, target, file)
    except OSError as error:
        raise BackupError(f"{target} can't be replaced ({error.strerror})") from error
    finally:
        # Also where the disk is full: it only removes and renames.
        atomic_replace.clean_up(target)
        hold.release()


def _replace(app: Flask, target: Path, file: Path) -> RestoreResult:
    if target.exists() and file.exists() and target.samefile(file):
        raise BackupError(f"{file} is the database itself")
    revision = sqlite_backup.read_revision(file)
    if not startup.is_known_revision(revision):
        raise BackupError(f"{file} is newer than this version of movierating")
    staged = atomic_replace.get_staging_path(target)
    sqlite_backup.write_copy(staged, file, sqlite_backup.open_read_only)
    orphans = sqlite_backup.verify_copy(staged, "integrity_check", called=file)
    is_older = revision != startup.get_newest_revision()
    if is_older:
        _upgrade(app, staged, called=file)
    return RestoreResult(atomic_replace.replace_database(target), revision if is_older else None, orphans)


def _upgrade(app: Flask, staged: Path, called: Path) -> None:
    options = app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    engine = create_engine(URL.create("sqlite", database=str(staged)), **options)
    sqlite_engine.configure(engine)
    try:
        startup.upgrade_schema(app, engine)
        engine.dispose()
        sqlite_backup.remove_log(staged)
    except Exception as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise BackupError(f"{called} can't be migrated ({reason})") from error
    finally:
        engine.dispose()
    sqlite_backup.verify_copy(staged, "quick_check", called=called)
