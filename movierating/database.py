"""The database: the engine and its SQLite settings, the one door for writes, reads, streams and upserts.

`write(job)` is the only way to change data: `job(connection)` runs Core statements inside one transaction and returns
its result. It may run in the thread of another who writes, so it must not depend on the request (no context locals);
helpers that it calls never commit.
"""

import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import orjson
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Integer,
    Row,
    Select,
    event,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DisconnectionError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import MetaData

from movierating import outages
from movierating.database_file import OPENED, DatabaseFile, Opened
from movierating.instance_lock import Hold, InUse
from movierating.problems import Unavailable
from movierating.writer import PATIENCE_SECONDS, Writer

T = TypeVar("T")

# SQLite only counts an INTEGER PRIMARY KEY up by itself; PostgreSQL's ids are bigint.
Id = BigInteger().with_variant(Integer, "sqlite")


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


class _Reader:
    """A thread's connection for reads, which the pool gets back as soon as the thread ends."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._opened: Opened | None = connection.info.get(OPENED)

    def is_good(self) -> bool:
        """Whether it is open, and to the file that is there as of the last second."""
        opened = self._opened
        if opened is not None and opened.file.seen() != opened.identity:
            return False
        return not (self.connection.closed or self.connection.invalidated)

    def __del__(self) -> None:
        self.connection.close()


class _Own(threading.local):
    """What each thread has of its own: its connection for reads."""

    reader: _Reader | None = None


class _Watch:
    """A connection that writes nothing, for SQLite's count of the commits of all others.

    Source: https://www.sqlite.org/pragma.html#pragma_data_version. Counts of two connections don't compare, so one
    serves all threads, and the next one's counts are told from its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reader: _Reader | None = None
        self._opened = 0
        self._seen = (0, 0)
        self._seen_until = 0.0

    def version(self, engine: Engine) -> tuple[int, int]:
        """As of the last second."""
        if time.monotonic() >= self._seen_until:
            with self._lock:
                self._look(engine)
        return self._seen

    def _look(self, engine: Engine) -> None:
        _door(engine).writer.look_for_versions(engine)
        if self._reader is None or not self._reader.is_good():
            self._reader = None
            self._reader = _Reader(engine.connect())
            self._opened += 1
        driver: Any = self._reader.connection.connection.dbapi_connection
        self._seen = self._opened, driver.execute("PRAGMA data_version").fetchone()[0]
        self._seen_until = time.monotonic() + 1

    def close(self) -> None:
        with self._lock:
            self._reader = None
            self._seen_until = 0.0


class _Door:
    """One engine's way in: where its writers queue, and what its threads keep. It lives and goes with the engine."""

    def __init__(self) -> None:
        self.writer = Writer()
        self.own = _Own()
        self.watch = _Watch()
        self._hold: Hold | None = None
        self._holding = threading.Lock()

    def hold(self, database: Path) -> None:
        with self._holding:
            if self._hold is None:
                self._hold = Hold(database, alone=False)

    def release(self) -> None:
        with self._holding:
            if self._hold is not None:
                self._hold.release()
                self._hold = None


def engine_options(synchronous: str, cursor_key: bytes) -> dict[str, Any]:
    """Options for `create_engine`. Each thread keeps its read connection, so the pool must not be bounded."""
    return {
        "pool_size": 0,
        # A statement that fails is logged; what it was about to store must not be.
        "hide_parameters": True,
        "connect_args": {"timeout": PATIENCE_SECONDS, "check_same_thread": False},
        "execution_options": {"sqlite_synchronous": synchronous, "cursor_key": cursor_key, "door": _Door()},
    }


def configure(engine: Engine) -> None:
    """Set up each new connection of `engine`, and make transactions that write take the write lock first."""
    synchronous = engine.get_execution_options().get("sqlite_synchronous", "FULL")

    file = DatabaseFile(Path(str(engine.url.database)))

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Dialect, record: Any, _arguments: Any, options: dict[str, Any]) -> Any:
        try:
            record.info[OPENED] = file.opening()
        except OSError as error:
            raise sqlite3.OperationalError("unable to open database file") from error
        return dialect.connect(file.address, uri=True, **options)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own BEGIN is deferred: two writers that read first would deadlock and fail at once.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -4096")
        file.opened()

    @event.listens_for(engine, "checkout")
    def refuse_another_file(_connection: object, record: Any, _proxy: object) -> None:
        if record.info[OPENED].is_replaced():
            raise DisconnectionError("the file that it has open was replaced")

    @event.listens_for(engine, "handle_error")
    def close_what_is_spoilt(context: Any) -> None:
        if context.connection is not None and outages.spoils(context.original_exception, context.connection):
            context.is_disconnect = True

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def hold_while_open(engine: Engine) -> None:
    """Let each process that opens the database hold the instance from then on, until `close()`.

    To connect then raises Unavailable while the database is being replaced.
    """

    @event.listens_for(engine, "do_connect")
    def before_connecting(*_: object) -> None:
        _hold(engine)


def hold() -> None:
    """Hold the application's instance until `close()`, as an open connection does. Raises Unavailable."""
    _hold(db.engine)


def _hold(engine: Engine) -> None:
    try:
        _door(engine).hold(Path(str(engine.url.database)))
    except InUse as error:
        raise Unavailable("The instance is being restored; try again when that has ended.") from error


def file() -> Path:
    """The application's SQLite file, which need not exist."""
    return Path(str(db.engine.url.database))


def write(job: Callable[[Connection], T], movie_ids: Collection[int] | None = None) -> T:
    """Run `job` in one transaction, committed when it returns and rolled back when it raises; returns its result.

    Where `movie_ids` are given, it changes no other movie's facts and sums.
    Raises RuntimeError inside a job: the second transaction would wait for the first without end.
    """
    engine = db.engine
    result: T = _door(engine).writer.write(engine, job, movie_ids)
    return result


def read(engine: Engine | None = None) -> Connection:
    """The calling thread's connection for reads; each statement sees what was committed before it.

    Without an `engine` it is that of the application whose context this is.
    """
    engine = engine or db.engine
    own = _door(engine).own
    if own.reader is None or not own.reader.is_good():
        # Without `writes` no BEGIN is sent on SQLite, so no statement is held to an older one's snapshot.
        own.reader = _Reader(engine.connect())
    return own.reader.connection


def version(engine: Engine, movie_id: int | None) -> tuple[Any, ...] | None:
    """A value that is another one after a commit that changes a movie's facts or sums (None: changes anything).

    It is None while nobody can tell. What another program writes to the file counts a second later.
    """
    door = _door(engine)
    try:
        seen = door.watch.version(engine)
        versions = door.writer.versions(engine)
        own = versions.of_anything() if movie_id is None else versions.of_movie(movie_id)
        return None if own is None else (seen, versions.opening, own)
    except (OSError, sqlite3.Error, SQLAlchemyError):
        return None


def close() -> None:
    """Close the application's connections, but for those on which other threads read; new ones open when needed."""
    engine = db.engine
    door = _door(engine)
    door.own.reader = None
    door.watch.close()
    door.writer.close()
    engine.dispose()
    door.release()


def _door(engine: Engine) -> _Door:
    door: _Door = engine.get_execution_options()["door"]
    return door


def upsert(dialect: Dialect, table: Any) -> Any:
    """An INSERT into `table` that offers `on_conflict_do_update` and `on_conflict_do_nothing` on either database."""
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    return insert(table)


def among(column: ColumnElement[Any], values: Any) -> ColumnElement[bool]:
    """As `in_`, for more values than a statement may have parameters; sorted ones are found faster.

    In place of a collection `values` may be a `bindparam`, whose own value is then `listed(collection)`.
    """
    text = values if isinstance(values, BindParameter) else listed(values)
    each = func.json_each(text).table_valued("value")
    return column.in_(select(each.c.value))


def listed(values: Collection[int] | Collection[str]) -> str:
    """Values as `among` takes them."""
    return orjson.dumps(list(values)).decode()


def newest_id(connection: Connection, table: Any) -> int:
    """The highest id that `table` ever gave out, 0 if none; inside a write transaction no other can follow it."""
    if connection.dialect.name == "sqlite":
        used = connection.exec_driver_sql(
            "SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)
        ).scalar()
        return int(used or 0)
    return int(connection.scalar(select(func.max(table.c.id))) or 0)


def violates(error: IntegrityError, column: str) -> bool:
    """Whether the unique constraint that `error` reports is the one on `column`."""
    return column in str(error.orig)


def batched(values: Iterable[T], most: int) -> Iterator[list[T]]:
    """The values in lists of at most `most`: a statement takes a bounded number of parameters."""
    values = iter(values)
    while batch := list(itertools.islice(values, most)):
        yield batch


def stream(statement: Select[Any]) -> Iterator[Row[Any]]:
    """The rows of one snapshot, a few at a time, on a connection of their own that closes after the last.

    The first row may be asked for when the request that wanted them is over.
    """
    engine = db.engine

    def rows() -> Iterator[Row[Any]]:
        with engine.connect() as connection:
            yield from connection.execution_options(yield_per=500).execute(statement)

    return rows()
