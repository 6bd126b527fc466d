"""PostgreSQL behind `database`: its connections, its transactions and its versions of responses.

A thread has one connection, on which each statement commits by itself, and on which it writes in transactions of its
own. Every transaction takes an advisory lock first. Jobs that name what they invalidate share it, and wait for each
other only if they change the same rows. All other jobs have it exclusively, as on SQLite, so that what such a job reads
stays as it is until its commit.
"""

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from movierating.errors import Unavailable
from movierating.monitoring import counters
from movierating.storage import storage_errors
from movierating.storage.cache_versions import CALLER, MOVIE, Change, Subject
from movierating.storage.postgresql import connections
from movierating.storage.postgresql.connections import LOCK_TIMEOUT_SECONDS, PgReader, execute, get_driver
from movierating.storage.postgresql.replicas import Replica

Job = Callable[[Connection], Any]

# "movi", "rati" and "cata" in ASCII: no other program's locks in this database should have these numbers.
# START_LOCK is also held by a restore and by a migration.
_WRITERS_LOCK, START_LOCK, CATALOGUE_LOCK = 0x6D6F7669, 0x72617469, 0x63617461

# How many times a transaction is run that PostgreSQL ends in favour of another.
MAX_ATTEMPTS = 5
_MAX_BACKOFF_SECONDS = 0.1

# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
# A serialization failure and a deadlock.
_RETRIED_STATES = frozenset({"40001", "40P01"})
_LOCK_NOT_AVAILABLE = "55P03"

# How long a start, a restore or a migration waits for another one, which takes minutes for gigabytes.
START_TIMEOUT_SECONDS = 900
START_LOCKED = "Another process has been preparing the database for too long; try again when it has ended."

_SNAPSHOT = (
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text"
    " ELSE pg_current_snapshot()::text END"
)
_MOVIE_VERSION = "SELECT edit, ratings_version, xmin FROM movie WHERE id = %s"
_LOCK_SHARED = f"SELECT pg_advisory_xact_lock_shared({_WRITERS_LOCK})"
_LOCK_EXCLUSIVE = f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})"


class _ThreadState(threading.local):
    is_writing = False
    # For reads inside a job that do not use its connection: they see nothing that is not committed.
    job_reader: PgReader | None = None
    # Set during an anonymous request that reads from the replica.
    replica_connection: Connection | None = None


class PgDatabase:
    """The connections of one engine: its threads' readers and its replica."""

    def __init__(self, engine: Engine, replica: Replica | None) -> None:
        self.replica = replica
        self._engine = engine
        self._reader = connections.ThreadReader()
        self._thread = _ThreadState()

    @contextmanager
    def reading_from_replica(self) -> Iterator[bool]:
        """Let the calling thread read from the replica until the end of the block; yield True if it does.

        That is decided once for all reads of a request: if one of them read from the primary, an older response could
        be stored under a newer version.
        """
        if self.replica is not None:
            with suppress(SQLAlchemyError):
                self._thread.replica_connection = self.replica.get_connection(self.read())
        try:
            yield self._thread.replica_connection is not None
        finally:
            self._thread.replica_connection = None

    def read(self) -> Connection:
        """Return the calling thread's connection; each statement sees what was committed before it."""
        thread = self._thread
        if thread.replica_connection is not None and not thread.replica_connection.invalidated:
            return thread.replica_connection
        if thread.is_writing:
            thread.job_reader = thread.job_reader or PgReader(self._engine)
            return thread.job_reader.connection
        return self._reader.get_connection(self._engine)

    def write(
        self,
        job: Job,
        invalidates: Collection[Change] | None,
        own_transaction: bool = False,
        timeout_seconds: float | None = None,
    ) -> Any:
        """Run `job` in a transaction, commit, and return its result; if it raises, undo what it did and raise the same.

        Without `invalidates` it runs alone. PostgreSQL may end a transaction in favour of another; then the job runs
        again, up to MAX_ATTEMPTS times. Raise Unavailable if the database does not respond or a lock is not released
        within `timeout_seconds`, by default LOCK_TIMEOUT_SECONDS, InsufficientStorage if its disk is full, and
        RuntimeError inside a job.
        """
        if self._thread.is_writing:
            raise RuntimeError("a job must pass its connection on, and not call write()")
        lock = _LOCK_EXCLUSIVE if invalidates is None else _LOCK_SHARED
        timeout = f"SET LOCAL lock_timeout = {round(timeout_seconds * 1000)}; " if timeout_seconds else ""
        begin = f"BEGIN ISOLATION LEVEL READ COMMITTED; {timeout}{lock}"
        attempt = 1
        while True:
            try:
                return self._run_transaction(job, begin)
            except SQLAlchemyError as error:
                if attempt == MAX_ATTEMPTS or storage_errors.get_sqlstate(error) not in _RETRIED_STATES:
                    api_error = storage_errors.to_api_error(error)
                    if api_error is None:
                        raise
                    raise api_error from error
            time.sleep(random.uniform(0, min(_MAX_BACKOFF_SECONDS, 0.002 * 2**attempt)))  # noqa: S311
            attempt += 1

    def _run_transaction(self, job: Job, begin: str) -> Any:
        thread, called_at, began_at = self._thread, time.perf_counter(), None
        connection = self.read()
        driver = get_driver(connection)
        thread.is_writing = True
        try:
            # If this fails while it waits for the lock, the transaction has nevertheless begun.
            execute(connection, begin)
            began_at = time.perf_counter()
            result = job(connection)
            _commit(connection, driver)
        except BaseException:
            with suppress(SQLAlchemyError):
                if not connection.invalidated:
                    execute(connection, "ROLLBACK")
            raise
        finally:
            thread.is_writing, thread.job_reader = False, None
            if began_at is not None:
                wait, held = began_at - called_at, time.perf_counter() - began_at
                counters.observe({(counters.WRITE_WAIT,): [wait], (counters.WRITE_TRANSACTION,): [held]})
        return result

    def get_version(self, subject: Subject | None) -> tuple[Any, ...] | None:
        """Return a value as `database.get_version` does; equal values of any process on any machine mean the same.

        A snapshot names the transactions whose changes it shows, so two equal ones show the same. A replica's snapshot
        names only some; what it shows changes with its position in the log. With `xmin`, the transaction that wrote the
        row, a movie that was restored differs from the earlier one.
        Source: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
        """
        kind, key = subject if isinstance(subject, tuple) else (None, None)
        if kind == CALLER:
            # A version would cost as much as the query that it saves.
            return None
        try:
            connection = self.read()
            if kind == MOVIE:
                row = execute(connection, _MOVIE_VERSION, (key,)).fetchone()
            else:
                row = execute(connection, _SNAPSHOT).fetchone()
            reader = self._reader.current
            is_replica = self._thread.replica_connection is not None
            database_id = None if is_replica or reader is None else reader.database_id
        except SQLAlchemyError:
            return None
        # Without an id, the numbers could be another database's tomorrow.
        return None if row is None or database_id == "" else (database_id, *row)

    def hold_instance(self) -> None:
        """Open a connection, which a restore sees; if it is lost, the next read opens it again."""
        with suppress(SQLAlchemyError):
            self.read()

    @contextmanager
    def exclusive_access(self) -> Iterator[bool]:
        """Yield False: other processes, perhaps on other machines, have the database open."""
        yield False

    def close(self) -> None:
        """Close the connections, except those on which other threads read; new ones open when needed."""
        self._reader.current = None
        if self.replica is not None:
            self.replica.close()
        self._engine.dispose()

    # There is no instance lock to release.
    close_connections = close


def configure(engine: Engine, replica_url: str | None) -> None:
    """Set up the connections of `engine` and of its replica."""
    connections.configure(engine)
    cursor_key = engine.get_execution_options()["cursor_key"]
    replica = None if replica_url is None else Replica(replica_url, cursor_key)
    engine.update_execution_options(database=PgDatabase(engine, replica))


@contextmanager
def advisory_lock(engine: Engine, number: int) -> Iterator[Connection]:
    """Hold a lock, START_LOCK or CATALOGUE_LOCK, against processes on any machine until the end of the block.

    Yield the connection that holds the lock, on which each statement commits by itself. Raise Unavailable if another
    process holds it for START_TIMEOUT_SECONDS.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{START_TIMEOUT_SECONDS}s'")
        try:
            _take_advisory_lock(connection, number)
            yield connection
        finally:
            # A connection that was lost has lost its lock as well.
            with suppress(SQLAlchemyError):
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({number})")
                connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")


def _take_advisory_lock(connection: Connection, number: int) -> None:
    try:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({number})")
    except OperationalError as error:
        if storage_errors.get_sqlstate(error) == _LOCK_NOT_AVAILABLE:
            raise Unavailable(START_LOCKED) from error
        raise


def _commit(connection: Connection, driver: Any) -> None:
    """Commit what was begun on `driver`.

    Raise Unavailable if the connection was lost, and RuntimeError if a job suppressed the error of a statement.
    """
    if connection.invalidated or get_driver(connection) is not driver:
        raise Unavailable(storage_errors.DATABASE_UNAVAILABLE)
    # After a failed statement PostgreSQL makes this a ROLLBACK, without an error.
    if execute(connection, "COMMIT").statusmessage != "COMMIT":
        raise RuntimeError("a job went on after a statement that failed")
