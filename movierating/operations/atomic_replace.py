"""Replace an instance's database so that a kill at any moment leaves either the old or the new one, complete.

First the old database's log is merged into it: SQLite would apply a log beside the new database to that one. Then the
old file gets a second name, the new file replaces the first name in one step, and the second name becomes visible.
"""

import os
import shutil
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from movierating.operations import sqlite_backup
from movierating.operations.backup_files import SIDE_SUFFIXES, BackupError, remove_database, replace_file
from movierating.storage import storage_errors
from movierating.storage.cache_versions import CacheVersions


def get_staging_path(database: Path) -> Path:
    """Return the path at which to prepare the replacement of `database`."""
    return _get_hidden_path(database, "new")


def replace_database(database: Path) -> Path | None:
    """Replace `database` by the file at its staging path, and return the file that now contains the old one.

    The caller holds the instance exclusively. Raise BackupError or OSError, and then `database` is unchanged.
    """
    resolved = database.resolve()
    old = _get_hidden_path(database, "old")
    if resolved.exists():
        _merge_log(resolved)
        _add_name(resolved, old)
    _move_side_files(resolved, old)
    # ETags of the old database must not match in the new one, even if the file system reuses the file's number.
    versions = CacheVersions(CacheVersions.get_file(database))
    with versions.invalidating([None]):
        replace_file(get_staging_path(database), resolved)
    return _publish_old(resolved, old)


def clean_up(database: Path) -> None:
    """Remove or publish what a killed replacement left; the caller knows that none is running. Raise OSError."""
    resolved = database.resolve()
    staged, old = get_staging_path(database), _get_hidden_path(database, "old")
    if staged.exists():
        # The database was not replaced yet.
        _move_side_files(old, resolved)
        old.unlink(missing_ok=True)
    else:
        _publish_old(resolved, old)
    remove_database(_get_hidden_path(database, "old-draft"))
    remove_database(staged)


def _get_hidden_path(database: Path, suffix: str) -> Path:
    resolved = database.resolve()
    return resolved.with_name(f".{resolved.name}.{suffix}")


def _merge_log(database: Path) -> None:
    """Merge the log into the database. A damaged database stays as it is, with the files beside it."""
    try:
        sqlite_backup.remove_log(database)
    except sqlite3.Error as error:
        if not storage_errors.is_corruption(error):
            raise BackupError(f"{database} can't be replaced ({error})") from error


def _add_name(database: Path, old: Path) -> None:
    with suppress(OSError):
        os.link(database, old)
        return
    # Not all file systems have hard links.
    draft = _get_hidden_path(database, "old-draft")
    shutil.copy2(database, draft)
    replace_file(draft, old)


def _move_side_files(database: Path, new: Path) -> None:
    for suffix in SIDE_SUFFIXES:
        with suppress(FileNotFoundError):
            database.with_name(database.name + suffix).rename(new.with_name(new.name + suffix))


def _publish_old(database: Path, old: Path) -> Path | None:
    """Give the old database, if it exists, a new visible name; return that."""
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    visible = database.with_name(f"{database.stem}.before-restore-{time}{database.suffix}")
    _move_side_files(old, visible)
    if not old.exists():
        return None
    return old.rename(visible)
