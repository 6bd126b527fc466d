"""The move of an instance from its SQLite file to PostgreSQL: every row as it is, or nothing.

All rows go in one transaction, are compared with where they came from, and are there only then. One that was killed
left an empty database, and can be begun again.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import zip_longest
from typing import Any

import click
from flask import Flask
from sqlalchemy import Connection, Engine, String, create_engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import AddConstraint, DropConstraint

from movierating.movies import search_index
from movierating.operations import sqlite_backup, startup
from movierating.ratings import recount
from movierating.storage import database
from movierating.storage.database import db
from movierating.storage.dialect import advance_ids, by_bytes, get_user_version, set_user_version
from movierating.storage.postgresql import engine as pg_engine
from movierating.storage.postgresql.connections import get_driver

_ROWS_READ = 5_000

# Told how many rows there are, it gives what is then told how many are done.
Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]


class MigrationError(click.ClickException):
    """Nothing was moved; the message is one line that says why."""


def migrate_to_postgresql(app: Flask, url: str, progress: Progress) -> int:
    """Copy the application's SQLite database to the empty PostgreSQL database at `url`; returns the number of rows.

    Inside the application's context. Raises MigrationError, and then nothing was moved.
    """
    if database.get_sqlite_file() is None:
        raise MigrationError("the instance's database is no SQLite file; there is nothing to move")
    try:
        database.hold_instance()
        with database.exclusive_access() as nobody_else, _opened(app, url) as target:
            if not nobody_else:
                raise MigrationError("the instance is in use; stop `serve` and other commands first")
            _refuse_unsound()
            with pg_engine.first_start_lock(target):
                _refuse_unfit(target)
                startup.upgrade_schema(app, target)
                return _copy(target, progress)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        whose = "SQLite" if isinstance(cause, sqlite3.Error) else "PostgreSQL"
        raise MigrationError(f"{whose} refused: {' '.join(str(cause).split())}") from error
    finally:
        database.close()


@contextmanager
def _opened(app: Flask, url: str) -> Iterator[Engine]:
    """Set up as the application's own would be."""
    options = database.engine_options(url, app.config["INSTANCE_PATH"], "FULL", b"")
    try:
        target = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise MigrationError("needs the extra movierating[postgresql]") from error
    database.configure(target)
    try:
        yield target
    finally:
        target.dispose()


def _refuse_unsound() -> None:
    if startup.find_unready():
        raise MigrationError(
            "the SQLite database is not there or not at the newest migration; start the service once"
        )
    driver: Any = database.read().connection.dbapi_connection
    if found := [*sqlite_backup.find_damage(driver, "quick_check"), *sqlite_backup.find_orphans(driver)]:
        raise MigrationError(f"the SQLite database is damaged ({found[0]})")
    if wrong := recount.find_mismatches(database.read()):
        name, key = wrong[0]
        raise MigrationError(
            f"{name} {key} does not equal its ratings; `movierating check --repair` mends it"
        )


def _refuse_unfit(target: Engine) -> None:
    with target.connect() as connection:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise MigrationError(f"the PostgreSQL database is encoded in {encoding}, and must be in UTF8")
    if not startup.is_known_revision(startup.get_current_revision(target)):
        raise MigrationError("the PostgreSQL database is newer than this version of movierating")


def _copy(target: Engine, progress: Progress) -> int:
    source, tables = database.read(), _tables()
    rows = sum(_count(source, table) for table in tables)
    # What is read to be compared counts as what was read to be copied.
    with target.begin() as connection, progress(2 * rows) as advance:
        _take(connection, tables)
        done = 0
        with _without_indexes(connection):
            for table in tables:
                for copied in _copy_rows(connection, table, _read(source, table, _stored(table))):
                    advance(done := done + copied)
        _set_sequences(source, connection)
        set_user_version(connection, get_user_version(source))
        for compared in _compare(source, connection, tables):
            advance(done := done + compared)
        # The first requests would be planned as for empty tables, or wait for the server to come round to it.
        connection.exec_driver_sql("ANALYZE " + ", ".join(f'"{table.name}"' for table in tables))
    return rows


def _take(connection: Connection, tables: list[Any]) -> None:
    """Let nobody else have the tables until the transaction ends. Raises MigrationError unless they are empty."""
    for table in tables:
        connection.execute(text(f'LOCK TABLE "{table.name}" IN ACCESS EXCLUSIVE MODE'))
        if connection.scalar(select(func.count()).select_from(table.select().limit(1).subquery())):
            raise MigrationError("the PostgreSQL database holds data already; nothing was moved")


def _tables() -> list[Any]:
    """In the order in which each comes behind what it refers to."""
    return [*db.metadata.sorted_tables, search_index.MOVIE_SEARCH]


def _stored(table: Any) -> list[Any]:
    """The columns that are not generated from others."""
    return [column for column in table.columns if getattr(column, "computed", None) is None]


def _count(connection: Connection, table: Any) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def _read(connection: Connection, table: Any, columns: Iterable[Any]) -> Iterator[Sequence[Any]]:
    """Every row, by its key, in lists of a few thousand."""
    keys = list(table.primary_key) or [table.c.rowid]
    keys = [by_bytes(key) if isinstance(key.type, String) else key for key in keys]
    # A cursor of the server holds its rows; SQLite's reads as it goes.
    options = {"yield_per": _ROWS_READ}
    rows = connection.execute(select(*columns).order_by(*keys), execution_options=options)
    try:
        yield from rows.partitions()
    finally:
        rows.close()


def _copy_rows(connection: Connection, table: Any, read: Iterable[Sequence[Any]]) -> Iterator[int]:
    """Tells after every few thousand how many they were. Raises MigrationError where PostgreSQL does not take them."""
    names = ", ".join(f'"{column.name}"' for column in _stored(table))
    dialect: Any = connection.dialect
    try:
        with (
            get_driver(connection).cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy,
        ):
            for rows in read:
                for row in rows:
                    copy.write_row(row)
                yield len(rows)
    except dialect.dbapi.Error as error:
        # Behind the first line stands what the row holds.
        said = error.diag.message_primary or str(error).partition("\n")[0]
        raise MigrationError(f"PostgreSQL does not take a row of {table.name}: {said}") from error


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
            advance_ids(connection, db.metadata.tables[name], last)


def _compare(source: Connection, connection: Connection, tables: list[Any]) -> Iterator[int]:
    """Tells after every few thousand rows how many they were.

    Raises MigrationError unless both databases hold the same rows, generated columns too, and the sums of the target
    equal its ratings.
    """
    for table in tables:
        columns = list(table.columns)
        both = zip_longest(_read(source, table, columns), _read(connection, table, columns), fillvalue=())
        for ours, theirs in both:
            if [tuple(row) for row in ours] != [tuple(row) for row in theirs]:
                raise MigrationError(
                    f"the rows of {table.name} are not the same on both sides; nothing was moved"
                )
            yield len(ours)
    if recount.find_mismatches(connection):
        raise MigrationError("on the other side sums do not equal their ratings; nothing was moved")
