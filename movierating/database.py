"""The database: the one door for writes, reads and streams, and what differs between databases.

`write(job)` is the only way to change data: `job(connection)` runs Core statements inside one transaction and returns
its result. It may run in the thread of another who writes, so it must not depend on the request (no context locals);
helpers that it calls never commit.
"""

import itertools
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
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
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import MetaData

from movierating import connections
from movierating.instance_lock import InUse
from movierating.problems import Unavailable

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


def hold() -> None:
    """Hold the application's instance until `close()`, as an open connection does. Raises Unavailable."""
    connections.hold(db.engine)


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no other process has the application's database open; if so, none opens it until the end of the block.

    Raises Unavailable where another one takes the instance for itself at the same moment.
    """
    door = connections.door(db.engine)
    try:
        taken = door.take_alone()
    except InUse as error:
        raise Unavailable(connections.IN_USE) from error
    try:
        yield taken
    finally:
        # Who takes it now has waited for this to end.
        with suppress(InUse):
            door.share()


def file() -> Path:
    """The application's SQLite file, which need not exist."""
    return Path(str(db.engine.url.database))


def write(
    job: Callable[[Connection], T], movie_ids: Collection[int] | None = None, *, is_long: bool = False
) -> T:
    """Run `job` in one transaction, committed when it returns and rolled back when it raises; returns its result.

    Where `movie_ids` are given, it changes no other movie's facts and sums. One that `is_long`, for tenths of a second,
    has a transaction to itself, and others come between it and the next such.
    Raises RuntimeError inside a job: the second transaction would wait for the first without end.
    """
    engine = db.engine
    result: T = connections.door(engine).writer.write(engine, job, movie_ids, is_long)
    return result


def read(engine: Engine | None = None) -> Connection:
    """The calling thread's connection for reads; each statement sees what was committed before it.

    Without an `engine` it is that of the application whose context this is.
    """
    engine = engine or db.engine
    own = connections.door(engine).own
    if own.reader is None or not own.reader.is_good():
        # Without `writes` no BEGIN is sent on SQLite, so no statement is held to an older one's snapshot.
        own.reader = connections.Reader(engine.connect())
    return own.reader.connection


def version(engine: Engine, movie_id: int | None) -> tuple[Any, ...] | None:
    """A value that is another one after a commit that changes a movie's facts or sums (None: changes anything).

    It is None while nobody can tell. What another program writes to the file counts a second later.
    """
    door = connections.door(engine)
    try:
        seen = door.watch.version(engine)
        versions = door.writer.turns.versions(engine)
        own = versions.of_anything() if movie_id is None else versions.of_movie(movie_id)
        return None if own is None else (seen, versions.opening, own)
    except (OSError, sqlite3.Error, SQLAlchemyError):
        return None


def close() -> None:
    """Close the application's connections, but for those on which other threads read; new ones open when needed."""
    engine = db.engine
    door = connections.door(engine)
    door.own.reader = None
    door.watch.close()
    door.writer.close()
    engine.dispose()
    door.release()


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
