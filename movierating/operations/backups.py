"""Backups of the instance's SQLite database while it is in use, and their restoration."""

from pathlib import Path
from typing import NamedTuple

from flask import current_app
from sqlalchemy import URL, create_engine

from movierating.operations import atomic_replace, backup_files, schema_revisions, sqlite_backup
from movierating.operations.backup_files import SIDE_SUFFIXES, BackupError
from movierating.storage import database, storage_errors
from movierating.storage.sqlite import engine as sqlite_engine
from movierating.storage.sqlite.instance_lock import InstanceLock, LockHeld


class RestoreResult(NamedTuple):
    """The file that now contains the old database, the revision that a backup was upgraded from, and its orphans.

    Orphans are rows that refer to a row which does not exist, described in a line for each kind.
    """

    old_database: Path | None
    upgraded_from: str | None
    orphans: list[str]


def create_backup(source: Path, target: Path) -> list[str]:
    """Write a copy of the instance's database `source` to the file `target`, replacing an older backup.

    Return orphans as `verify_copy` does. Raise BackupError or OSError; then `target` is unchanged.
    """
    if not source.is_file():
        raise BackupError(f"there is no database at {source}")
    target = target.resolve()
    if target.name.endswith(SIDE_SUFFIXES):
        raise BackupError(f"{target}: SQLite uses such names for its own files; choose another name")
    if target.exists() and target.samefile(source):
        raise BackupError(f"{target} is the database itself")
    backup_files.require_replaceable(target, sqlite_backup.is_backup)
    with backup_files.record_backup(source):
        return sqlite_backup.copy_database(source, target)


def restore_backup(file: Path) -> RestoreResult:
    """Replace the application's database by a copy of the backup `file`, at the newest revision.

    Runs in the application's context, without an open connection. Raise OSError, and BackupError if `file` can't be
    restored or another process uses the instance; then the database is unchanged. If the process is killed, the
    database is the old or the restored one.
    """
    target = database.get_sqlite_file()
    assert target is not None
    try:
        lock = InstanceLock(target, exclusive=True)
    except LockHeld as error:
        raise BackupError(f"{target} is in use; stop `serve` and other commands first") from error
    try:
        atomic_replace.clean_up(target)
        return _restore(target, file)
    finally:
        # It only removes and renames, so it works on a full disk too.
        atomic_replace.clean_up(target)
        lock.release()


def _restore(target: Path, file: Path) -> RestoreResult:
    if target.exists() and file.exists() and target.samefile(file):
        raise BackupError(f"{file} is the database itself")
    revision = sqlite_backup.read_revision(file)
    if not schema_revisions.is_known_revision(revision):
        raise BackupError(f"{file} is newer than this version of movierating")
    staged = atomic_replace.get_staging_path(target)
    sqlite_backup.write_copy(staged, file, sqlite_backup.open_read_only)
    orphans = sqlite_backup.verify_copy(staged, "integrity_check", reported_as=file)
    is_older = revision != schema_revisions.get_newest_revision()
    if is_older:
        _upgrade(staged, reported_as=file)
    return RestoreResult(atomic_replace.replace_database(target), revision if is_older else None, orphans)


def _upgrade(staged: Path, reported_as: Path) -> None:
    options = current_app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    engine = create_engine(URL.create("sqlite", database=str(staged)), **options)
    sqlite_engine.configure(engine, hold_instance=False)
    try:
        schema_revisions.upgrade_schema(engine)
        engine.dispose()
        sqlite_backup.remove_log(staged)
    except Exception as error:
        raise BackupError(
            f"{reported_as} can't be migrated ({storage_errors.format_reason(error)})"
        ) from error
    finally:
        engine.dispose()
    sqlite_backup.verify_copy(staged, "quick_check", reported_as=reported_as)
