"""SQLite behind `database`: the setup of connections, the threads' own connections, and the instance lock.

`postgresql.engine` is the same for PostgreSQL.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.exc import DisconnectionError, OperationalError

from movierating.errors import Unavailable
from movierating.monitoring.logs import logger
from movierating.storage import storage_errors
from movierating.storage.cache_versions import CacheVersions, Subject
from movierating.storage.sqlite import flock
from movierating.storage.sqlite.database_file import DatabaseFile
from movierating.storage.sqlite.instance_lock import InstanceLock, LockHeld
from movierating.storage.sqlite.write_lock import LOCK_WARNING_SECONDS
from movierating.storage.sqlite.write_queue import WRITE_TIMEOUT_SECONDS, WriteQueue

INSTANCE_LOCKED = "A restore, a migration or an import has exclusive access to the instance; try again later."
_MAX_LOG_BYTES = 32 << 20


class SqliteReader:
    """A thread's connection for reads, which the pool gets back as soon as the thread ends."""

    def __init__(self, engine: Engine) -> None:
        self._pool = engine.pool
        self.connection = engine.connect()

    def __del__(self) -> None:
        if not hasattr(self, "connection"):
            return  # connecting failed
        if self.connection.engine.pool is not self._pool and not self.connection.closed:
            # `close` has replaced the pool, and a connection that goes back to the old one is never closed.
            self.connection.invalidate()
        self.connection.close()


class _ThreadState(threading.local):
    reader: SqliteReader | None = None


class SqliteDatabase:
    """The connections of one engine: its queue of writers, its threads' readers and its instance lock."""

    def __init__(self, engine: Engine) -> None:
        path = Path(str(engine.url.database))
        self.file = DatabaseFile(path)
        self.versions = CacheVersions(CacheVersions.get_file(path))
        self.write_queue = WriteQueue(engine, self.file, self.versions)
        self.write = self.write_queue.write
        self._engine = engine
        self._thread = _ThreadState()
        self._instance_lock: InstanceLock | None = None
        self._hold_lock = threading.Lock()

    def read(self) -> Connection:
        """Return the calling thread's connection; each statement sees what was committed before it."""
        reader = self._thread.reader
        if reader is None or not self.file.is_usable(reader.connection):
            # Without `writes` no BEGIN is sent, so each statement has a new snapshot.
            reader = self._thread.reader = SqliteReader(self._engine)
        return reader.connection

    def get_version(self, subject: Subject | None) -> tuple[Any, ...] | None:
        """Return a value as `database.get_version` does, which another process never compares with its own."""
        identity = self.file.get_identity()
        try:
            version = self.versions.get(subject) if flock.IS_SHARED else None
        except OSError:
            return None
        return None if version is None else (identity, *version)

    def close(self) -> None:
        """Close the connections, as `close_connections` does, and release the instance lock."""
        self.close_connections()
        with self._hold_lock:
            if self._instance_lock is not None:
                self._instance_lock.release()
                self._instance_lock = None

    def close_connections(self) -> None:
        """Close the connections, except those on which other threads read."""
        self._thread.reader = None
        self.write_queue.close()
        self.versions.close()
        self._engine.dispose()
        self.file.release_log()

    def hold_instance(self) -> None:
        """Hold the instance lock until `close`. Raise Unavailable while another process has it exclusively."""
        with self._hold_lock:
            try:
                self._instance_lock = self._instance_lock or InstanceLock(self.file.path, exclusive=False)
            except LockHeld as error:
                raise Unavailable(INSTANCE_LOCKED) from error

    @contextmanager
    def exclusive_access(self) -> Iterator[bool]:
        """Try to hold the instance lock exclusively until the end of the block; yield True on success.

        Raise Unavailable if another process takes it at the same moment.
        """
        lock = self._instance_lock
        try:
            is_exclusive = lock is not None and lock.try_upgrade()
        except LockHeld as error:
            self._instance_lock = None
            raise Unavailable(INSTANCE_LOCKED) from error
        try:
            yield is_exclusive
        finally:
            if is_exclusive and lock is not None:
                try:
                    lock.downgrade_shared()
                except LockHeld:
                    # A process that takes the lock now has waited for the end of this block.
                    self._instance_lock = None


def get_connect_arguments() -> dict[str, Any]:
    """Return the driver's arguments for each connection."""
    return {"timeout": WRITE_TIMEOUT_SECONDS, "check_same_thread": False}


def configure(engine: Engine, *, hold_instance: bool = True) -> None:
    """Set up each new connection of `engine`, and let transactions that write take SQLite's lock at their BEGIN.

    With `hold_instance` the first connection takes the instance lock, until the database is closed.
    """
    database = SqliteDatabase(engine)
    engine.update_execution_options(database=database)
    synchronous = engine.get_execution_options()["sqlite_synchronous"]

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Dialect, record: Any, _arguments: Any, options: dict[str, Any]) -> Any:
        """Open the database file, after taking the instance lock."""
        if hold_instance:
            database.hold_instance()
        return _open_file(database.file, dialect, record.info, options)

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        """Set the pragmas of a new connection."""
        _set_pragmas(connection, synchronous)
        database.file.remember_log()

    @event.listens_for(engine, "checkout")
    def reject_replaced_file(_connection: object, record: Any, _proxy: object) -> None:
        """Make the pool open a new connection after the file was replaced."""
        if database.file.is_replaced(record.info):
            raise DisconnectionError("the database file was replaced")

    event.listen(engine, "handle_error", _close_broken_connection)
    event.listen(engine, "begin", _begin)


def _open_file(file: DatabaseFile, dialect: Dialect, info: dict[Any, Any], options: dict[str, Any]) -> Any:
    """Return the driver's connection to the file. `info` is that of the connection's record in the pool."""
    try:
        file.prepare_opening(info)
    except OSError as error:
        raise sqlite3.OperationalError("unable to open database file") from error
    return dialect.connect(file.get_uri(), uri=True, **options)


def _close_broken_connection(context: Any) -> None:
    if context.connection is not None and storage_errors.must_reconnect(
        context.original_exception, context.connection
    ):
        context.is_disconnect = True


def _begin(connection: Connection) -> None:
    """Take SQLite's write lock for a connection with the option `writes`; others begin no transaction.

    Log a warning if another program still holds the lock after LOCK_WARNING_SECONDS. Raise OperationalError after the
    connection's `begin_timeout` seconds.
    """
    if not connection.get_execution_options().get("writes"):
        return
    timeout = connection.info.get("begin_timeout", WRITE_TIMEOUT_SECONDS)
    try:
        _begin_within(connection, min(timeout, LOCK_WARNING_SECONDS))
    except OperationalError as error:
        if not storage_errors.is_locked(error) or timeout <= LOCK_WARNING_SECONDS:
            raise
        logger.warning("The database is locked by another program; waiting until it is released.")
        _begin_within(connection, timeout - LOCK_WARNING_SECONDS)


def _begin_within(connection: Connection, seconds: float) -> None:
    driver: Any = connection.connection.dbapi_connection
    # A connection's timeout is LOCK_WARNING_SECONDS otherwise, so that most transactions need no pragma.
    if seconds != LOCK_WARNING_SECONDS:
        driver.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        if seconds != LOCK_WARNING_SECONDS:
            driver.execute(f"PRAGMA busy_timeout = {LOCK_WARNING_SECONDS * 1000}")


def _set_pragmas(connection: sqlite3.Connection, synchronous: str) -> None:
    # The driver's own BEGIN is deferred: two writers that read first would deadlock and fail at once.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA foreign_keys = ON")
    # Small, because each reading thread has a cache, and each commit empties it.
    connection.execute("PRAGMA cache_size = -2048")
    # The log grows to 4,000 pages, 16 MB, so that a page that many ratings change is copied into the file once.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    # A reader of a long snapshot makes it grow further; the next checkpoint that restarts it cuts it to this.
    connection.execute(f"PRAGMA journal_size_limit = {_MAX_LOG_BYTES}")
    # A writer that waits longer logs a warning, and goes on waiting.
    connection.execute(f"PRAGMA busy_timeout = {LOCK_WARNING_SECONDS * 1000}")
