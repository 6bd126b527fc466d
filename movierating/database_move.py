"""The move of an instance from its SQLite file to PostgreSQL: every row as it is, or nothing.

All rows go in one transaction, are compared with where they came from, and are there only then. One that was killed
left an empty database, and can be begun again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import zip_longest
from typing import Any

import click
from flask import Flask
from sqlalchemy import Connection, Engine, String, create_engine, func, select, text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.schema import AddConstraint, DropConstraint

from movierating import database, postgresql, startup
from movierating.database import batched, db
from movierating.dialects import POSTGRESQL, keep_number, kept_number
from movierating.movies import index
from movierating.ratings import aggregates

_ROWS_READ = 5_000

# Told how many rows there are, it gives what is then told how many are done.
Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]


class MoveError(click.ClickException):
    """Nothing was moved; the message is one line that says why."""


def move(app: Flask, url: str, progress: Progress) -> int:
    """Copy the application's SQLite database to the empty PostgreSQL database at `url`; returns the number of rows.

    Inside the application's context. Raises MoveError, and then nothing was moved.
    """
    if database.file() is None:
        raise MoveError("the instance's database is no SQLite file; there is nothing to move")
    _refuse_unsound()
    options = database.engine_options(url, app.config["INSTANCE_PATH"], "FULL", b"")
    try:
        target = create_engine(url, **options)
        database.configure(target)
        with database.alone() as nobody_else, postgresql.first_start(target):
            if not nobody_else:
                raise MoveError("the instance is in use; stop `serve` and other commands first")
            _refuse_other_encoding(target)
            startup.upgrade(app, target)
            return _copy(target, progress)
    except ModuleNotFoundError as error:
        raise MoveError("needs the extra movierating[postgresql]") from error
    except (DatabaseError, SQLAlchemyError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise MoveError(f"PostgreSQL refused: {reason}") from error
    finally:
        database.close()


def _refuse_unsound() -> None:
    if startup.missing():
        raise MoveError(
            "the SQLite database is not there or not at the newest migration; start the service once"
        )
    with db.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        finding = startup.first_damage(driver, seconds=3600)
    if finding is not None:
        raise MoveError(f"the SQLite database is damaged ({' '.join(finding.split())})")
    if wrong := aggregates.wrong(database.read()):
        name, key = wrong[0]
        raise MoveError(f"{name} {key} does not equal its ratings; `movierating check --repair` mends it")


def _refuse_other_encoding(target: Engine) -> None:
    with target.connect() as connection:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise MoveError(f"the PostgreSQL database is encoded in {encoding}, and must be in UTF8")


def _copy(target: Engine, progress: Progress) -> int:
    tables = _tables()
    source = database.read()
    with target.begin() as connection:
        for table in tables:
            connection.execute(text(f'LOCK TABLE "{table.name}" IN ACCESS EXCLUSIVE MODE'))
            if connection.scalar(select(func.count()).select_from(table.select().limit(1).subquery())):
                raise MoveError("the PostgreSQL database holds data already; nothing was moved")
        rows = sum(_count(source, table) for table in tables)
        with progress(rows) as advance, _without_indexes(connection):
            done = 0
            for table in tables:
                for copied in _copy_rows(connection, table, _read(source, table)):
                    done += copied
                    advance(done)
        _set_sequences(source, connection)
        keep_number(connection, kept_number(source))
        _compare(source, connection, tables)
    return rows


def _tables() -> list[Any]:
    """In the order in which each comes behind what it refers to."""
    return [*db.metadata.sorted_tables, index.SEARCH]


def _columns(table: Any) -> list[Any]:
    """Those that are stored, rather than generated from others."""
    return [column for column in table.columns if getattr(column, "computed", None) is None]


def _count(connection: Connection, table: Any) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def _read(connection: Connection, table: Any) -> Iterator[Sequence[Any]]:
    """Every row, by its key, a few thousand at a time."""
    keys = list(table.primary_key) or [table.c.rowid]
    if connection.dialect.name == POSTGRESQL:
        # In SQLite's order of text, whatever the database's own is.
        keys = [key.collate("C") if isinstance(key.type, String) else key for key in keys]
    statement = select(*_columns(table)).order_by(*keys)
    # Of its own, so that a cursor of the server holds its rows; SQLite's reads as it goes.
    rows = connection.execution_options(yield_per=_ROWS_READ).execute(statement)
    try:
        for part in rows.partitions():
            yield from part
    finally:
        rows.close()


def _copy_rows(connection: Connection, table: Any, rows: Iterable[Sequence[Any]]) -> Iterator[int]:
    """Tells after every few thousand how many they were."""
    driver: Any = connection.connection.dbapi_connection
    names = ", ".join(f'"{column.name}"' for column in _columns(table))
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for some in batched(rows, _ROWS_READ):
            for row in some:
                copy.write_row(row)
            yield len(some)


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """What only finds ratings and checks what they refer to is made when all are there, which takes a fraction."""
    ratings = db.metadata.tables["rating"]
    for constraint in ratings.foreign_key_constraints:
        connection.execute(DropConstraint(constraint))
    for one in ratings.indexes:
        one.drop(connection)
    yield
    for one in sorted(ratings.indexes, key=lambda one: str(one.name)):
        one.create(connection)
    for constraint in ratings.foreign_key_constraints:
        connection.execute(AddConstraint(constraint))


def _set_sequences(source: Connection, connection: Connection) -> None:
    """No id is given out again, be its row long gone."""
    for name, last in source.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all():
        if last:
            connection.execute(select(func.setval(f'"{name}_id_seq"', last)))


def _compare(source: Connection, connection: Connection, tables: list[Any]) -> None:
    """Raises MoveError unless both sides hold the same, and the sums there equal the ratings there."""
    for table in tables:
        both = zip_longest(_read(source, table), _read(connection, table))
        if any(one is None or other is None or tuple(one) != tuple(other) for one, other in both):
            raise MoveError(f"the rows of {table.name} are not the same on both sides; nothing was moved")
    if aggregates.wrong(connection):
        raise MoveError("on the other side sums do not equal their ratings; nothing was moved")
