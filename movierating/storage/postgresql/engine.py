"""PostgreSQL behind the doors of `database`: its connections, its transactions, and the versions it tells.

A thread has one connection, on which each statement commits by itself, and on which it writes in a transaction of its
own. Every transaction takes an advisory lock first: those who change what nobody else depends on share it, and wait
for each other at most where they touch the same rows; all others have it alone, as they do on SQLite, so that what
such a job reads holds until its commit.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from movierating.errors import Unavailable
from movierating.monitoring import counters
from movierating.storage import storage_errors
from movierating.storage.cache_versions import CALLER, MOVIE, Subject
from movierating.storage.postgresql.connections import LOCK_TIMEOUT_SECONDS, Reader, execute, get_driver

Job = Callable[[Connection], Any]

# "movi" and "rati" in ASCII: nobody else's locks in this database should have these numbers.
_WRITERS, _START = 0x6D6F7669, 0x72617469

# Times that a transaction is begun again which PostgreSQL ended in favour of another.
MAX_ATTEMPTS = 5
_MAX_BACKOFF_SECONDS = 0.1

# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
_SERIALIZATION_FAILURE, _DEADLOCK = "40001", "40P01"

_SHOWN = (
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text"
    " ELSE pg_current_snapshot()::text END"
)
_SHARED = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock_shared({_WRITERS})"
_ALONE = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({_WRITERS})"


class _Own(threading.local):
    """What each thread has of its own."""

    reader: Reader | None = None
    # What is read inside a job, past its connection, sees nothing that is not committed.
    aside: Reader | None = None
    # While it answers somebody whom a replica may serve, and one does.
    lagging: Connection | None = None
    is_writing = False


class Database:
    """One engine's way in; it lives and goes with the engine."""

    def __init__(self) -> None:
        self._own = _Own()
        self.replica: Any = None

    @contextmanager
    def lagging(self, engine: Engine) -> Iterator[bool]:
        """Let the calling thread read from the replica until the end of the block; whether it does.

        That is told once for all of a request's reads: were one of them from the primary, an older answer could be
        kept under a newer version.
        """
        if self.replica is not None:
            with suppress(SQLAlchemyError):
                self._own.lagging = self.replica.connection(self.read(engine))
        try:
            yield self._own.lagging is not None
        finally:
            self._own.lagging = None

    def read(self, engine: Engine) -> Connection:
        """The calling thread's connection; each statement sees what was committed before it."""
        own = self._own
        if own.lagging is not None and not own.lagging.invalidated:
            return own.lagging
        if own.is_writing:
            own.aside = own.aside or Reader(engine)
            return own.aside.connection
        if own.reader is None or not own.reader.is_good():
            own.reader = None
            own.reader = Reader(engine)
        return own.reader.connection

    def write(
        self,
        engine: Engine,
        job: Job,
        invalidates: Collection[Subject] | None,
        own_transaction: bool = False,
    ) -> Any:
        """Run `job` in a transaction that is committed when this returns; raises what it raises, and then it is undone.

        Where no `invalidates` are given it runs alone. PostgreSQL may end a transaction in favour of another; then the
        job runs again, up to MAX_ATTEMPTS times. Raises Unavailable where the database does not answer,
        InsufficientStorage where its disk is full, and RuntimeError inside a job.
        """
        if self._own.is_writing:
            raise RuntimeError("a job must pass its connection on, and not call write()")
        begin = _ALONE if invalidates is None else _SHARED
        for attempt in itertools.count(1):
            try:
                return self._attempt(engine, job, begin)
            except SQLAlchemyError as error:
                if attempt == MAX_ATTEMPTS or _state(error) not in (_SERIALIZATION_FAILURE, _DEADLOCK):
                    raise storage_errors.to_api_error(error) or error from error
            pause = min(_MAX_BACKOFF_SECONDS, 0.002 * 2**attempt)
            time.sleep(random.uniform(0, pause))  # noqa: S311
        raise AssertionError  # pragma: no cover

    def _attempt(self, engine: Engine, job: Job, begin: str) -> Any:
        own, called_at, began_at = self._own, time.perf_counter(), None
        connection = self.read(engine)
        driver = get_driver(connection)
        own.is_writing = True
        try:
            # Who waits too long for the lock has begun all the same.
            execute(connection, begin)
            began_at = time.perf_counter()
            result = job(connection)
            _commit(connection, driver)
        except BaseException:
            _undo(connection)
            raise
        finally:
            own.is_writing, own.aside = False, None
            if began_at is not None:
                _count(began_at - called_at, time.perf_counter() - began_at)
        return result

    def version(self, engine: Engine, subject: Subject | None) -> tuple[Any, ...] | None:
        """A value that is another one after a commit that changes an answer about the subject (None: changes anything).

        A snapshot names the transactions whose changes it shows, so two equal ones show the same. A replica's name
        only some; what it shows moves with its place in the log. With `xmin`, the transaction that wrote the row, a
        movie that was restored is not taken for the one that it had been. The first part is the database's identity:
        where that is not None, equal values mean the same in each process, on whatever machine.
        Source: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
        """
        try:
            connection = self.read(engine)
            kind, key = subject or (None, None)
            if kind == CALLER:
                # To ask who may call costs no more.
                return None
            if kind != MOVIE:
                found = execute(connection, _SHOWN)
            else:
                text = "SELECT edit, ratings_version, xmin FROM movie WHERE id = %s"
                found = execute(connection, text, (key,))
            row, identity = found.fetchone(), self._identity()
            # Numbers of what may be another database tomorrow tell nothing.
            return None if row is None or identity == "" else (identity, *row)
        except SQLAlchemyError:
            return None

    def _identity(self) -> str | None:
        """Which database it is that the calling thread reads from."""
        own = self._own
        return None if own.lagging is not None or own.reader is None else own.reader.identity

    def hold(self, _database: Path | None = None) -> None:
        """Nothing: nobody puts another database in this one's place."""

    def upgrade_exclusive(self) -> bool:
        """False: other processes, perhaps on other machines, have the database open."""
        return False

    def downgrade_shared(self) -> None:
        """Nothing, as `upgrade_exclusive` never took it."""

    def close(self, engine: Engine) -> None:
        """Close the connections, but for those on which other threads read; new ones open when needed."""
        self._own.reader = None
        if self.replica is not None:
            self.replica.close()
        engine.dispose()


@contextmanager
def first_start_lock(engine: Engine) -> Iterator[Connection]:
    """For who prepares the database: others, on whatever machine, wait until the block has ended.

    Gives the connection that holds the lock, on which each statement commits by itself.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_START})")
        try:
            yield connection
        finally:
            # A connection that was lost has lost its lock as well.
            with suppress(SQLAlchemyError):
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_START})")
                connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")


def _commit(connection: Connection, begun_on: Any) -> None:
    """Raises Unavailable where the connection was lost, and RuntimeError where a job hid that a statement failed."""
    if connection.invalidated or get_driver(connection) is not begun_on:
        raise Unavailable(storage_errors.DATABASE_UNAVAILABLE)
    # Of a transaction in which something failed PostgreSQL makes a ROLLBACK, without an error.
    if execute(connection, "COMMIT").statusmessage != "COMMIT":
        raise RuntimeError("a job went on after a statement that failed")


def _undo(connection: Connection) -> None:
    with suppress(SQLAlchemyError):
        if not connection.invalidated:
            execute(connection, "ROLLBACK")


def _state(error: SQLAlchemyError) -> str | None:
    """PostgreSQL's five characters for what went wrong."""
    state: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state


def _count(waited: float, held: float) -> None:
    counters.observe({(counters.WRITE_WAIT,): [waited], (counters.WRITE_TRANSACTION,): [held]})
