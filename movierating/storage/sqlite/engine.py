"""SQLite behind `database`: the setup of connections, the threads' own connections, and the instance lock.

`postgresql.engine` is the same for PostgreSQL.
"""

import sqlite3
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.exc import DisconnectionError, OperationalError

from movierating.errors import Unavailable
from movierating.monitoring.logs import logger
from movierating.storage import storage_errors
from movierating.storage.cache_versions import Subject
from movierating.storage.sqlite.database_file import OPENED, DatabaseFile, Opened
from movierating.storage.sqlite.instance_lock import InstanceLock, LockHeld
from movierating.storage.sqlite.write_batch import Job
from movierating.storage.sqlite.write_queue import WRITE_TIMEOUT_SECONDS, WriteQueue

T = TypeVar("T")

INSTANCE_LOCKED = "The instance is being restored or loaded; try again when that has ended."
LOCK_WARNING_SECONDS = 2
_MAX_LOG_BYTES = 32 << 20


class Reader:
    """A thread's connection for reads, which the pool gets back as soon as the thread ends."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._pool = connection.engine.pool
        self._opened: Opened | None = connection.info.get(OPENED)

    def is_good(self) -> bool:
        """Return True if it is open, and to the file that is there now."""
        opened = self._opened
        if opened is not None and opened.file.look() != opened.identity:
            return False
        return not (self.connection.closed or self.connection.invalidated)

    def __del__(self) -> None:
        if self.connection.engine.pool is not self._pool and not self.connection.closed:
            # `close` has replaced the pool, and a connection that goes back to the old one is never closed.
            self.connection.invalidate()
        self.connection.close()


class _Own(threading.local):
    """Each thread's connection for reads."""

    reader: Reader | None = None


class Database:
    """The connections of one engine: its queue of writers, its threads' readers and its instance lock."""

    def __init__(self) -> None:
        self.write_queue = WriteQueue()
        self.own = _Own()
        self.file: DatabaseFile
        self._others_read = False
        self._hold: InstanceLock | None = None
        self._holding = threading.Lock()

    def read(self, engine: Engine) -> Connection:
        """Return the calling thread's connection; each statement sees what was committed before it."""
        own = self.own
        if own.reader is None or not own.reader.is_good():
            # Without `writes` no BEGIN is sent, so no statement is held to an older one's snapshot.
            own.reader = Reader(engine.connect())
        return own.reader.connection

    def write(
        self, engine: Engine, job: Job, invalidates: Collection[Subject] | None, own_transaction: bool = False
    ) -> Any:
        """As `WriteQueue.write`."""
        return self.write_queue.write(engine, job, invalidates, own_transaction)

    def version(self, engine: Engine, subject: Subject | None) -> tuple[Any, ...] | None:
        """As `database.get_version`."""
        file = self.file.look()
        try:
            versions = self.write_queue.write_lock.versions(engine)
        except OSError:
            return None
        current = versions.get_overall() if subject is None else versions.get(subject)
        return None if current is None else (file, versions.opening, current)

    def close(self, engine: Engine) -> None:
        """Close the connections, except those on which other threads read, and release the instance lock."""
        self.own.reader = None
        self.write_queue.close()
        # Where another thread has ever read, it may hold a connection of an earlier pool.
        self._others_read = self._others_read or engine.pool.checkedout() > 0  # type: ignore[attr-defined]
        engine.dispose()
        if not self._others_read:
            self.file.closed()
        self._release()

    def hold(self, database: Path) -> None:
        """Hold the instance until `release`. Raises LockHeld."""
        with self._holding:
            if self._hold is None:
                self._hold = InstanceLock(database, exclusive=False)

    def upgrade_exclusive(self) -> bool:
        """Try to upgrade to an exclusive instance lock; return True on success. Raises LockHeld."""
        with self._holding:
            return self._hold is not None and self._or_release(self._hold.upgrade_exclusive)

    def downgrade_shared(self) -> None:
        """Downgrade to a shared instance lock. Raises LockHeld."""
        with self._holding:
            if self._hold is not None:
                self._or_release(self._hold.downgrade_shared)

    def _or_release(self, change: Callable[[], T]) -> T:
        try:
            return change()
        except LockHeld:
            # Between the two locks another took it.
            self._hold = None
            raise

    def _release(self) -> None:
        with self._holding:
            if self._hold is not None:
                self._hold.release()
                self._hold = None


def _get_database(engine: Engine) -> Database:
    found: Database = engine.get_execution_options()["database"]
    return found


def connect_arguments() -> dict[str, Any]:
    """Return the driver's arguments for each connection."""
    return {"timeout": WRITE_TIMEOUT_SECONDS, "check_same_thread": False}


def configure(engine: Engine) -> None:
    """Set up each new connection of `engine`, and make transactions that write take the write lock first."""
    synchronous = engine.get_execution_options().get("sqlite_synchronous", "FULL")

    file = _get_database(engine).file = DatabaseFile(Path(str(engine.url.database)))

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Dialect, record: Any, _arguments: Any, options: dict[str, Any]) -> Any:
        try:
            record.info[OPENED] = file.opening()
        except OSError as error:
            raise sqlite3.OperationalError("unable to open database file") from error
        return dialect.connect(file.address, uri=True, **options)

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        _set_pragmas(connection, synchronous)
        file.opened()

    _guard(engine)


def _set_pragmas(connection: sqlite3.Connection, synchronous: str) -> None:
    # The driver's own BEGIN is deferred: two writers that read first would deadlock and fail at once.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA foreign_keys = ON")
    # Each thread that reads has one, and each commit empties it.
    connection.execute("PRAGMA cache_size = -2048")
    # A page that many ratings changed is copied into the file once; the log so grows to 16 MB.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    # A reader of a long snapshot makes it grow further; the next checkpoint that restarts it cuts it to this.
    connection.execute(f"PRAGMA journal_size_limit = {_MAX_LOG_BYTES}")


def _guard(engine: Engine) -> None:
    """Reject connections to a replaced file, close broken ones, and take the write lock at each BEGIN that writes."""

    @event.listens_for(engine, "checkout")
    def reject_replaced_file(_connection: object, record: Any, _proxy: object) -> None:
        if record.info[OPENED].is_replaced():
            raise DisconnectionError("the file that it has open was replaced")

    @event.listens_for(engine, "handle_error")
    def close_broken_connection(context: Any) -> None:
        if context.connection is not None and storage_errors.must_reconnect(
            context.original_exception, context.connection
        ):
            context.is_disconnect = True

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes"):
            _begin_immediate(connection)


def _begin_immediate(connection: Connection) -> None:
    """Take SQLite's write lock; log a warning if another program still holds it after LOCK_WARNING_SECONDS."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_WARNING_SECONDS * 1000}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if not storage_errors.is_locked(error):
            raise
        logger.warning("The database is locked by another program; waiting until it is released.")
        cursor.execute(f"PRAGMA busy_timeout = {WRITE_TIMEOUT_SECONDS * 1000}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def hold_while_open(engine: Engine) -> None:
    """Take the instance lock at the first connection of a process, until `close()`.

    Connecting raises Unavailable while the database is being replaced.
    """

    @event.listens_for(engine, "do_connect")
    def before_connecting(*_: object) -> None:
        hold(engine)


def hold(engine: Engine) -> None:
    """Hold the instance until the engine's door is released. Raises Unavailable."""
    try:
        _get_database(engine).hold(Path(str(engine.url.database)))
    except LockHeld as error:
        raise Unavailable(INSTANCE_LOCKED) from error
