"""Prepare an instance: its folder, its secret key, the database at the newest revision, and the well-known movies."""

import secrets
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from flask import Flask
from sqlalchemy.exc import DatabaseError

from movierating.config import PREFIX, SettingError
from movierating.errors import InsufficientStorage, Unavailable
from movierating.movies import index_repair
from movierating.movies.seed import seed_new_database
from movierating.operations import atomic_replace, backup_files, schema_revisions, sqlite_backup
from movierating.setting_parsers import KEY_BYTES
from movierating.storage import storage_errors
from movierating.storage.database import close, db, get_display_name, get_sqlite_file, hold_instance
from movierating.storage.postgresql import engine as pg_engine
from movierating.storage.postgresql.engine import START_LOCKED, START_TIMEOUT_SECONDS

KEY_FILE = "secret_key"
_LOCK_FILE = ".startup.lock"
# Checking all of a large file would delay the start for minutes.
QUICK_CHECK_TIMEOUT_SECONDS = 0.25


def create_instance_folder(folder: Path, *, writable: bool) -> None:
    """Create the instance folder, unless it exists. Raise SettingError where `create_private_folder` raises OSError.

    Workers and commands that do not prepare the database pass `writable=False`: they can run in a read-only folder.
    """
    try:
        create_private_folder(folder, writable=writable)
    except OSError as error:
        raise SettingError(
            f"{PREFIX}INSTANCE_PATH: {folder} is not a writable folder ({error.strerror})"
        ) from error


def create_private_folder(folder: Path, *, writable: bool = True) -> None:
    """Create a folder that only its owner can read, unless it exists.

    Raise OSError if that fails and, with `writable`, if the folder can't be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if writable:
        with tempfile.TemporaryFile(dir=folder):
            pass


def load_secret_key(folder: Path) -> str:
    """Return the secret key of this instance; concurrent first calls create one key. Raise SettingError."""
    file = folder / KEY_FILE
    try:
        if not file.exists():
            with FileLock(folder / _LOCK_FILE, START_TIMEOUT_SECONDS):
                _create_key(file)
        key = file.read_text(encoding="utf-8").strip()
    except Timeout as error:
        raise SettingError(START_LOCKED) from error
    except OSError as error:
        raise SettingError(
            f"{PREFIX}SECRET_KEY: the file {file} can't be read or created ({error.strerror})"
        ) from error
    except ValueError as error:
        raise _make_key_error(file, "is not text") from error
    if len(key.encode()) < KEY_BYTES:
        raise _make_key_error(file, f"contains fewer than {KEY_BYTES} bytes")
    return key


def _make_key_error(file: Path, problem: str) -> SettingError:
    return SettingError(
        f"{PREFIX}SECRET_KEY: the file {file} {problem}; replace it by a copy, or remove it to let the next start "
        "create another key (then all users have to log in again)"
    )


def _create_key(file: Path) -> None:
    if not file.exists():
        draft = file.with_name(f".{file.name}-draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), encoding="ascii")
        # The key is on the disk before it signs a session: after a power cut, sessions are valid.
        backup_files.replace_file(draft, file)


def prepare_instance(app: Flask) -> None:
    """Migrate the database to the newest revision and load the well-known movies, once for all concurrent starts.

    Raise SettingError if the database can't be opened or migrated, is damaged, or is newer than this code.
    """
    with app.app_context():
        file = get_sqlite_file()
        try:
            lock = FileLock(app.config["INSTANCE_PATH"] / _LOCK_FILE, START_TIMEOUT_SECONDS)
            with lock, _preparing_database(file):
                _migrate(file)
                index_repair.reindex()
                seed_new_database()
        except Timeout as error:
            raise SettingError(START_LOCKED) from error
        except (OSError, DatabaseError, sqlite3.Error) as error:
            if file is not None and storage_errors.is_corruption(error):
                raise _make_damage_error(file, storage_errors.format_reason(error)) from error
            reason = storage_errors.format_reason(error, file.parent if file else None)
            raise SettingError(
                f"{PREFIX}DATABASE_URL: {get_display_name()} can't be opened ({reason})"
            ) from error
        except InsufficientStorage as error:
            raise SettingError(
                f"{PREFIX}DATABASE_URL: there is no room left for {get_display_name()}"
            ) from error
        except Unavailable as error:
            raise SettingError(error.detail) from error
        finally:
            close()


@contextmanager
def _preparing_database(file: Path | None) -> Iterator[None]:
    """Prevent other hosts from preparing the database during the block. Raise SettingError if it is damaged or lost."""
    if file is None:
        with pg_engine.advisory_lock(db.engine, pg_engine.START_LOCK):
            yield
        return
    hold_instance()
    atomic_replace.clean_up(file)
    marker = _get_marker(file)
    if is_lost(file):
        # A new database would hide the loss.
        raise SettingError(
            f"{PREFIX}DATABASE_URL: {file} is missing or empty; restore a backup with `movierating restore FILE` "
            f"(to start with an empty database, remove {marker})"
        )
    # It contains e-mail addresses. SQLite gives the files beside it the same permissions.
    file.touch(mode=0o600)
    with db.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        damage = _find_first_damage(driver)
    if damage is not None:
        raise _make_damage_error(file, damage)
    yield
    marker.touch(mode=0o600)


def is_lost(file: Path) -> bool:
    """Return True if the database was created earlier, and its file is missing or empty now."""
    return _get_marker(file).exists() and not (file.exists() and file.stat().st_size)


def _get_marker(file: Path) -> Path:
    """Return the empty file that tells a lost database from one that was never created."""
    return file.with_name(f".{file.name}.made")


def _make_damage_error(file: Path, damage: str) -> SettingError:
    return SettingError(
        f"{PREFIX}DATABASE_URL: {file} is damaged ({damage}); restore a backup with `movierating restore FILE`"
    )


def _find_first_damage(connection: sqlite3.Connection) -> str | None:
    """Return the first damage that SQLite finds in QUICK_CHECK_TIMEOUT_SECONDS, in one line; None without any.

    A truncated file is found at once, however large it is. `movierating check` checks all pages, and the search index.
    Raise sqlite3.Error if the file can't be read, as on a full disk: a restored backup would not help then.
    """
    alarm = threading.Timer(QUICK_CHECK_TIMEOUT_SECONDS, connection.interrupt)
    alarm.start()
    try:
        damage = sqlite_backup.find_damage(connection, "quick_check(1)")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None
        if not storage_errors.is_corruption(error):
            raise
        return str(error)
    finally:
        alarm.cancel()
        alarm.join()
    return " ".join(damage[0].split()) if damage else None


def _migrate(file: Path | None) -> None:
    revision = schema_revisions.get_current_revision()
    if revision == schema_revisions.get_newest_revision():
        return
    if not schema_revisions.is_known_revision(revision):
        raise SettingError(
            f"{PREFIX}DATABASE_URL: the database is newer than this version of movierating; install the version that "
            "migrated it, or restore a backup from before with `movierating restore FILE`"
        )
    try:
        if revision is not None and file is not None:
            sqlite_backup.copy_database(
                file, file.with_name(f"{file.stem}.before-{revision}-upgrade{file.suffix}")
            )
        schema_revisions.upgrade_schema(db.engine)
    except Exception as error:
        reason = storage_errors.format_reason(error, file.parent if file else None)
        raise SettingError(
            f"{PREFIX}DATABASE_URL: {get_display_name()} can't be migrated and is unchanged ({reason})"
        ) from error


def get_unready_reason() -> str | None:
    """Return None if the service can handle requests, else what prevents it: `database` or `migrations`."""
    try:
        file = get_sqlite_file()
        if file is not None and not file.is_file():
            # Open connections would not notice.
            return "database"
        is_newest = schema_revisions.get_current_revision() == schema_revisions.get_newest_revision()
        return None if is_newest else "migrations"
    except DatabaseError:
        return "database"
