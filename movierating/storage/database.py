"""The database: reads and writes, on SQLite or PostgreSQL.

`write(job)` is the only way to change data: `job(connection)` runs Core statements inside one transaction and returns
its result. It may run in another request's thread, so it must not use context locals of Flask, and functions that it
calls never commit.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import filelock
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import MetaData

from movierating.storage.cache_versions import Change, Subject
from movierating.storage.dialect import POSTGRESQL, SQLITE
from movierating.storage.postgresql import connections as pg_connections
from movierating.storage.postgresql import engine as pg_engine
from movierating.storage.sqlite import engine as sqlite_engine

T = TypeVar("T")

# Writes by other programs change no version: a cached response may miss them for this long.
MAX_STALE_SECONDS = 60


class Base(DeclarativeBase):
    """Every table; constraints carry names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)


def get_engine_options(url: str, instance: Path, synchronous: str, cursor_key: bytes) -> dict[str, Any]:
    """Return options for `create_engine`. Each thread has its own connection, so the pool must not be bounded."""
    dialect = pg_connections if url.startswith(POSTGRESQL) else sqlite_engine
    return {
        "pool_size": 0,
        # A statement that fails is logged; what it was about to store must not be.
        "hide_parameters": True,
        "connect_args": dialect.get_connect_arguments(),
        "execution_options": {
            "sqlite_synchronous": synchronous,
            "cursor_key": cursor_key,
            "instance": instance,
        },
    }


def configure(engine: Engine, replica_url: str | None = None) -> None:
    """Set up the connections of `engine`, made with `get_engine_options`; anonymous reads may go to a replica."""
    if engine.dialect.name == POSTGRESQL:
        pg_engine.configure(engine, replica_url)
    else:
        sqlite_engine.configure(engine)


def _get_database(engine: Engine | None = None) -> Any:
    return (engine or db.engine).get_execution_options()["database"]


def hold_instance() -> None:
    """Hold the instance lock until `close()`, as an open connection does. Raise Unavailable."""
    _get_database().hold_instance()


def exclusive_access() -> AbstractContextManager[bool]:
    """Try to keep other processes from the database until the end of the block, which gets True on success.

    Entering raises Unavailable if another process does the same at the same moment.
    """
    access: AbstractContextManager[bool] = _get_database().exclusive_access()
    return access


def get_sqlite_file() -> Path | None:
    """Return the application's SQLite file, which need not exist; None on PostgreSQL."""
    url = db.engine.url
    return Path(str(url.database)) if url.get_backend_name() == SQLITE else None


def get_display_name() -> str:
    """Return the SQLite file, or the URL of the PostgreSQL database without its passwords, for messages."""
    # libpq takes passwords in the query, too.
    url = db.engine.url.difference_update_query(("password", "sslpassword"))
    return str(get_sqlite_file() or url.render_as_string(hide_password=True))


def get_base_path() -> Path:
    """Return the path that files about the database are named after: they lie beside it and begin with its name.

    It is the SQLite file or, for PostgreSQL, `postgresql` in the instance folder, where there is no such file.
    """
    folder: Path = db.engine.get_execution_options()["instance"]
    return get_sqlite_file() or folder / POSTGRESQL


@contextmanager
def catalogue_lock() -> Iterator[None]:
    """Hold the lock of the one process that loads bundled movies into the database until the end of the block."""
    file = get_sqlite_file()
    if file is None:
        with pg_engine.advisory_lock(db.engine, pg_engine.CATALOGUE_LOCK):
            yield
    else:
        with filelock.FileLock(file.with_name(f".{file.name}.loading")):
            yield


def get_size() -> int:
    """Return the size of the database in bytes, on SQLite with its write-ahead log. Raise DatabaseError."""
    file = get_sqlite_file()
    if file is None:
        return int(read().exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
    return sum(part.stat().st_size for part in (file, file.with_name(f"{file.name}-wal")) if part.exists())


def write(
    job: Callable[[Connection], T],
    invalidates: Collection[Change] | None = None,
    *,
    own_transaction: bool = False,
    timeout_seconds: float | None = None,
) -> T:
    """Run `job` in one transaction, commit, and return its result; roll back if it raises.

    `invalidates` names the movies, users and callers whose cached responses the job changes: their ratings, statistics
    or permissions. It is empty if no response changes, and None if any may; the job may add to it. Pass
    `own_transaction` for a job that takes tenths of a second: it runs alone, and other writers get a turn before the
    next such job.
    Raise Unavailable if it waits for other writers for longer than `timeout_seconds`, by default half a minute, and
    RuntimeError inside a job: the second transaction would wait for the first forever.
    """
    result: T = _get_database().write(job, invalidates, own_transaction, timeout_seconds)
    return result


def read(engine: Engine | None = None) -> Connection:
    """Return the calling thread's connection for reads; each statement sees what was committed before it.

    Without an `engine` it is the current application's.
    """
    connection: Connection = _get_database(engine).read()
    return connection


def is_replica_up() -> bool | None:
    """Return True if the replica responds and is not too far behind, None if there is no replica."""
    if get_sqlite_file() is not None or (replica := _get_database().replica) is None:
        return None
    return replica.get_connection(read()) is not None


def get_version(subject: Subject | None, engine: Engine | None = None) -> tuple[Any, ...] | None:
    """Return a value that changes with each commit that changes a response about the subject (None: any response).

    It also changes every MAX_STALE_SECONDS, and when the database file is replaced. Return None if unknown.
    Without an `engine` it is of the current application's database.
    """
    version: tuple[Any, ...] | None = _get_database(engine).get_version(subject)
    return None if version is None else (monotonic() // MAX_STALE_SECONDS, *version)


def close() -> None:
    """Close the application's connections, except those on which other threads read; new ones open when needed."""
    _get_database().close()


def close_connections() -> None:
    """Close the connections as `close` does, and go on holding the instance lock."""
    _get_database().close_connections()


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the values in lists of at most `size`: a statement takes a bounded number of parameters."""
    values = iter(values)
    while batch := list(itertools.islice(values, size)):
        yield batch
