"""PostgreSQL behind the doors of `database`: its connections, its transactions, and the versions it tells.

A thread has one connection, on which each statement commits by itself, and on which it writes in a transaction of its
own. Every transaction takes an advisory lock first: those who change what nobody else depends on share it, and wait
for each other at most where they touch the same rows; all others have it alone, as they do on SQLite, so that what
such a job reads holds until its commit.
"""

import itertools
import random
import select
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from movierating import counters, outages

Job = Callable[[Connection], Any]

# A writer may queue behind a bulk import's chunk; beyond this the database counts as unavailable.
PATIENCE_SECONDS = 30
CONNECT_SECONDS = 5

# "movi" and "rati" in ASCII: nobody else's locks in this database should have these numbers.
_WRITERS, _START = 0x6D6F7669, 0x72617469

# Times that a transaction is begun again which PostgreSQL ended in favour of another.
ATTEMPTS = 5
_LONGEST_PAUSE_SECONDS = 0.1

# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
_SERIALIZATION_FAILURE, _DEADLOCK = "40001", "40P01"

_SHOWN = (
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text"
    " ELSE pg_current_snapshot()::text END"
)
_SHARED = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock_shared({_WRITERS})"
_ALONE = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({_WRITERS})"


def connect_arguments() -> dict[str, Any]:
    """What psycopg is told of each connection; a server that is gone is noticed in seconds."""
    return {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        "application_name": "movierating",
    }


def configure(engine: Engine) -> None:
    """Set up each new connection of `engine`."""

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # Only who has the extra has the driver.
        from movierating import psycopg_manners

        psycopg_manners.teach(connection)
        connection.autocommit = True
        connection.execute(f"SET lock_timeout = '{PATIENCE_SECONDS}s'")
        connection.autocommit = False

    @event.listens_for(engine, "handle_error")
    def close_what_is_lost(context: Any) -> None:
        connection = context.connection
        if connection is not None and _is_lost(connection):
            context.is_disconnect = True


class Reader:
    """A thread's connection, which the pool gets back as soon as the thread ends."""

    def __init__(self, engine: Engine) -> None:
        self.connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._socket = select.poll()
        self._socket.register(_driver(self.connection).fileno(), select.POLLIN)

    def is_good(self) -> bool:
        """Whether it is open, as far as the socket tells: a server that goes says so, and nobody asked it anything."""
        connection = self.connection
        if connection.closed or connection.invalidated or _driver(connection).closed:
            return False
        return not self._socket.poll(0)

    def __del__(self) -> None:
        with suppress(SQLAlchemyError, AttributeError):
            if not self.is_good():
                self.connection.invalidate()
            self.connection.close()


class _Own(threading.local):
    """What each thread has of its own."""

    reader: Reader | None = None
    # What is read inside a job, past its connection, sees nothing that is not committed.
    aside: Reader | None = None
    # While it answers somebody whom a replica may serve, and one does.
    lagging: Connection | None = None
    is_writing = False


class Door:
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
        movie_ids: Collection[int] | None,
        is_long: bool = False,
    ) -> Any:
        """Run `job` in a transaction that is committed when this returns; raises what it raises, and then it is undone.

        Where no `movie_ids` are given it runs alone. PostgreSQL may end a transaction in favour of another; then the
        job runs again, up to ATTEMPTS times. Raises Unavailable where the database does not answer,
        InsufficientStorage where its disk is full, and RuntimeError inside a job.
        """
        if self._own.is_writing:
            raise RuntimeError("a job must pass its connection on, and not call write()")
        begin = _ALONE if movie_ids is None else _SHARED
        for attempt in itertools.count(1):
            try:
                return self._attempt(engine, job, begin)
            except DBAPIError as error:
                if attempt == ATTEMPTS or _state(error) not in (_SERIALIZATION_FAILURE, _DEADLOCK):
                    raise outages.refusal(error) or error from error
            pause = min(_LONGEST_PAUSE_SECONDS, 0.002 * 2**attempt)
            time.sleep(random.uniform(0, pause))  # noqa: S311
        raise AssertionError  # pragma: no cover

    def _attempt(self, engine: Engine, job: Job, begin: str) -> Any:
        own, called_at, began_at = self._own, time.perf_counter(), None
        connection = self.read(engine)
        own.is_writing = True
        try:
            # Who waits too long for the lock has begun all the same.
            _execute(connection, begin)
            began_at = time.perf_counter()
            result = job(connection)
            _execute(connection, "COMMIT")
        except BaseException:
            _undo(connection)
            raise
        finally:
            own.is_writing, own.aside = False, None
            if began_at is not None:
                _count(began_at - called_at, time.perf_counter() - began_at)
        return result

    def version(self, engine: Engine, movie_id: int | None) -> tuple[Any, ...] | None:
        """A value that is another one after a commit that changes a movie's facts or sums (None: changes anything).

        A snapshot names the transactions whose changes it shows, so two equal ones show the same. A replica's name
        only some; what it shows moves with its place in the log.
        Source: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
        """
        try:
            connection = self.read(engine)
            if movie_id is None:
                found = _execute(connection, _SHOWN)
            else:
                text = "SELECT edit, ratings_version FROM movie WHERE id = %s"
                found = _execute(connection, text, (movie_id,))
            row: tuple[Any, ...] | None = found.fetchone()
            return row
        except SQLAlchemyError:
            return None

    def hold(self, _database: Path | None = None) -> None:
        """Nothing: nobody puts another database in this one's place."""

    def take_alone(self) -> bool:
        """False: other processes, perhaps on other machines, have the database open."""
        return False

    def share(self) -> None:
        """Nothing, as `take_alone` never took it."""

    def close(self, engine: Engine) -> None:
        """Close the connections, but for those on which other threads read; new ones open when needed."""
        self._own.reader = None
        if self.replica is not None:
            self.replica.close()
        engine.dispose()


@contextmanager
def first_start(engine: Engine) -> Iterator[None]:
    """For who prepares the database: others, on whatever machine, wait until the block has ended."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_START})")
        try:
            yield
        finally:
            # A connection that was lost has lost its lock as well.
            with suppress(SQLAlchemyError):
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_START})")
                connection.exec_driver_sql(f"SET lock_timeout = '{PATIENCE_SECONDS}s'")


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _execute(connection: Connection, text: str, values: tuple[Any, ...] | None = None) -> Any:
    """Run a statement on the driver, past SQLAlchemy; its errors come as SQLAlchemy's."""
    dialect: Any = connection.dialect
    try:
        # Two statements in one can't be prepared.
        return _driver(connection).execute(text, values, prepare=None if values else False)
    except dialect.dbapi.Error as error:
        if _is_lost(connection):
            connection.invalidate(error)
        raise DBAPIError.instance(
            text, None, error, dialect.dbapi.Error, hide_parameters=True, dialect=dialect
        ) from error


def _undo(connection: Connection) -> None:
    with suppress(SQLAlchemyError):
        if not connection.invalidated:
            _execute(connection, "ROLLBACK")


def _is_lost(connection: Connection) -> bool:
    try:
        return bool(connection.invalidated or _driver(connection).closed)
    except SQLAlchemyError:
        return True


def _state(error: DBAPIError) -> str | None:
    """PostgreSQL's five characters for what went wrong."""
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state


def _count(waited: float, held: float) -> None:
    counters.add(
        {
            **counters.observations((counters.WRITE_WAIT,), [waited]),
            **counters.observations((counters.WRITE_TRANSACTION,), [held]),
        }
    )
