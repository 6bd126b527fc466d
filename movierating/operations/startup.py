"""From nothing to ready: the instance folder, its key, the database at the newest migration, the bundled movies."""

import functools
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from movierating.config import KEY_BYTES, PREFIX, SettingError
from movierating.errors import Unavailable
from movierating.movies import index_repair
from movierating.movies.seed import seed_new_database
from movierating.operations import atomic_replace, sqlite_backup
from movierating.storage import storage_errors
from movierating.storage.database import close, db, get_sqlite_file, hold_instance
from movierating.storage.postgresql import engine as pg_engine

MIGRATIONS_FOLDER = Path(__file__).parents[1] / "migrations"
KEY_FILE = "secret_key"
_LOCK_FILE = ".startup.lock"
# To look at all of a large file would keep the service from starting for minutes.
QUICK_CHECK_TIMEOUT_SECONDS = 0.25


def create_instance_folder(folder: Path, *, to_be_written: bool) -> None:
    """Make the instance folder, readable only by its owner, unless it is there. Raises SettingError.

    A worker that takes another's place, or a look at what is wrong, can do with a folder that can only be read.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if to_be_written:
            probe = folder / f".writable-{secrets.token_hex(4)}"
            probe.touch()
            probe.unlink()
    except OSError as error:
        raise SettingError(
            f"{PREFIX}INSTANCE_PATH: {folder} is no folder that can be written ({error.strerror})"
        ) from error


def load_secret_key(folder: Path) -> str:
    """The key of this instance, made on the first call; two first calls at once agree on one. Raises SettingError."""
    path = folder / KEY_FILE
    try:
        if not path.exists():
            with FileLock(folder / _LOCK_FILE):
                _make_key(path)
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingError(f"{PREFIX}SECRET_KEY: the file {path} can't be read ({error})") from error
    if len(key.encode()) < KEY_BYTES:
        raise SettingError(f"{PREFIX}SECRET_KEY: the file {path} holds fewer than {KEY_BYTES} bytes")
    return key


def _make_key(path: Path) -> None:
    if not path.exists():
        draft = path.with_name(f".{path.name}-draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), encoding="ascii")
        draft.replace(path)


def prepare_instance(app: Flask) -> None:
    """Bring the database to the newest migration and load the bundled movies, once, whoever else starts meanwhile.

    Raises SettingError where the database can't be opened, is damaged, can't be migrated or is newer than this code.
    """
    with app.app_context():
        file = get_sqlite_file()
        try:
            with FileLock(app.config["INSTANCE_PATH"] / _LOCK_FILE), _sound(file):
                _migrate(app, file)
                index_repair.reindex()
                seed_new_database()
        except (OSError, DatabaseError) as error:
            if file is not None and storage_errors.is_corruption(error):
                raise SettingError(_damaged(file, _reason(error))) from error
            raise SettingError(
                f"{PREFIX}DATABASE_URL: {_called()} can't be opened ({_reason(error)})"
            ) from error
        except Unavailable as error:
            raise SettingError(error.detail) from error
        finally:
            close()


@contextmanager
def _sound(file: Path | None) -> Iterator[None]:
    """For who prepares the database, others waiting meanwhile. Raises SettingError where it is damaged or lost."""
    if file is None:
        with pg_engine.first_start_lock(db.engine):
            yield
        return
    hold_instance()
    atomic_replace.clean_up(file)
    _refuse_lost(file)
    # It holds people's e-mails, and what SQLite puts beside it is as open as the file itself.
    file.touch(mode=0o600)
    _refuse_damaged(file)
    yield
    _mark_of(file).touch(mode=0o600)


def _called() -> str:
    """The database as an operator knows it, without a password."""
    return str(get_sqlite_file() or db.engine.url.render_as_string(hide_password=True))


def _reason(error: Exception) -> str:
    """What the database or the disk says, in one line."""
    said = error.strerror if isinstance(error, OSError) else getattr(error, "orig", error)
    return " ".join(str(said).split())


def _mark_of(file: Path) -> Path:
    """The file that says that there was a database; it is left where that one is lost."""
    return file.with_name(f".{file.name}.made")


def _refuse_lost(file: Path) -> None:
    """Raises SettingError where the database was there and is not, or is empty: a new one would hide that."""
    mark = _mark_of(file)
    if mark.exists() and not (file.exists() and file.stat().st_size):
        raise SettingError(
            f"{PREFIX}DATABASE_URL: {file} was there and is gone or empty; `movierating restore FILE` restores "
            f"a backup (to start with an empty database, remove {mark})"
        )


def _refuse_damaged(file: Path) -> None:
    """Raise SettingError if damage is found within QUICK_CHECK_TIMEOUT_SECONDS; `movierating check` looks at all pages.

    A file that was cut off is found by opening it, however large it is.
    """
    with db.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        finding = find_first_damage(driver)
    if finding is not None:
        raise SettingError(_damaged(file, finding))


def _damaged(file: Path, finding: str) -> str:
    return (
        f"{PREFIX}DATABASE_URL: {file} is damaged ({' '.join(finding.split())}); "
        "`movierating restore FILE` puts a backup in its place"
    )


def find_first_damage(
    connection: sqlite3.Connection, seconds: float = QUICK_CHECK_TIMEOUT_SECONDS
) -> str | None:
    """What SQLite finds wrong first with the file's pages, as far as it gets in `seconds`."""
    alarm = threading.Timer(seconds, connection.interrupt)
    alarm.start()
    try:
        (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return None if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT else str(error)
    finally:
        alarm.cancel()
        alarm.join()
    return None if finding == "ok" else str(finding)


def get_current_revision(engine: Engine | None = None) -> str | None:
    """The migration that a database is at, the application's own without an `engine`; None before the first."""
    with (engine or db.engine).connect() as connection:
        revision: str | None = MigrationContext.configure(connection).get_current_revision()
        return revision


@functools.cache
def get_newest_revision() -> str | None:
    """The migration that this code needs."""
    return _scripts().get_current_head()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS_FOLDER))


def _migrate(app: Flask, file: Path | None) -> None:
    revision = get_current_revision()
    if revision == get_newest_revision():
        return
    if not is_known_revision(revision):
        raise SettingError(f"{PREFIX}DATABASE_URL: the database is newer than this version of movierating")
    try:
        if revision is not None and file is not None:
            sqlite_backup.copy_database(
                file, file.with_name(f"{file.stem}.before-{revision}-upgrade{file.suffix}")
            )
        upgrade_schema(app, db.engine)
    except sqlite_backup.BackupError as error:
        raise SettingError(f"{PREFIX}DATABASE_URL: {file} is not migrated without a copy: {error}") from error
    except Exception as error:
        refused = f"{PREFIX}DATABASE_URL: {_called()} can't be migrated and is as it was ({_reason(error)})"
        raise SettingError(refused) from error


def is_known_revision(revision: str | None) -> bool:
    """Whether this code has that migration; one that it has not is newer."""
    try:
        return _scripts().get_revision(revision or "base") is not None or revision is None
    except CommandError:
        return False


def upgrade_schema(app: Flask, engine: Engine) -> None:
    """Bring the database behind `engine` to the newest migration in one transaction. Raises what a migration raises."""
    configuration = app.extensions["migrate"].migrate.get_config(str(MIGRATIONS_FOLDER))
    configuration.attributes["engine"] = engine
    command.upgrade(configuration, "head")


def find_unready() -> list[str]:
    """What keeps the service from serving: `database` if it does not answer, `migrations` if it is not the newest."""
    try:
        file = get_sqlite_file()
        if file is not None and not file.is_file():
            # Connections that have it open would not tell.
            return ["database"]
        return [] if get_current_revision() == get_newest_revision() else ["migrations"]
    except DatabaseError:
        return ["database"]
