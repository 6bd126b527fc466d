"""Copy an instance's SQLite database to PostgreSQL: every row as it is, or nothing.

All rows are copied in one transaction and compared with the originals before it commits. If the command is killed, the
target stays empty and the command can be repeated.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import zip_longest
from typing import Any

import click
from flask import current_app
from sqlalchemy import Connection, Engine, String, create_engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import AddConstraint, DropConstraint

from movierating.movies import search_index
from movierating.operations import checks, schema_revisions
from movierating.ratings import recount
from movierating.ratings.models import TRANSIENT_TABLES
from movierating.storage import database, storage_errors
from movierating.storage.database import db
from movierating.storage.dialect import advance_ids, by_bytes, get_index_version, set_index_version
from movierating.storage.postgresql import engine as pg_engine
from movierating.storage.postgresql.connections import get_driver

ROWS_PER_READ = 5_000

# Takes the number of rows, and returns a context manager whose value is called with the number of rows that are done.
Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]


class MigrationError(click.ClickException):
    """The migration failed and copied nothing; the message is one line with the reason."""


def migrate_to_postgresql(url: str, progress: Progress) -> int:
    """Copy the application's SQLite database to the empty PostgreSQL database at `url`; return the number of rows.

    Runs in the application's context. Raise MigrationError, and then nothing was copied.
    """
    if database.get_sqlite_file() is None:
        raise MigrationError("the instance already uses PostgreSQL")
    try:
        database.hold_instance()
        with database.exclusive_access() as is_exclusive, _open_target(url) as target:
            if not is_exclusive:
                raise MigrationError("the instance is in use; stop `serve` and other commands first")
            problems, _ = checks.run_checks(repair=False)
            if problems:
                raise MigrationError(f"`movierating check` reports: {problems[0]}")
            with pg_engine.advisory_lock(target, pg_engine.START_LOCK):
                _require_usable(target)
                schema_revisions.upgrade_schema(target)
                return _copy(target, progress)
    except SQLAlchemyError as error:
        program = "SQLite" if isinstance(getattr(error, "orig", None), sqlite3.Error) else "PostgreSQL"
        raise MigrationError(f"{program} error: {storage_errors.format_reason(error)}") from error
    finally:
        database.close()


@contextmanager
def _open_target(url: str) -> Iterator[Engine]:
    """Open an engine with the settings that the application's own would have."""
    options = database.get_engine_options(url, current_app.config["INSTANCE_PATH"], "FULL", b"")
    try:
        target = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise MigrationError("PostgreSQL needs the extra movierating[postgresql]") from error
    database.configure(target)
    try:
        yield target
    finally:
        target.dispose()


def _require_usable(target: Engine) -> None:
    with target.connect() as connection:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise MigrationError(f"the PostgreSQL database must have the encoding UTF8, not {encoding}")
    if not schema_revisions.is_known_revision(schema_revisions.get_current_revision(target)):
        raise MigrationError("the PostgreSQL database is newer than this version of movierating")


def _copy(target: Engine, progress: Progress) -> int:
    source = database.read()
    # Each table comes after those that it refers to.
    stored = [table for table in db.metadata.sorted_tables if table.name not in TRANSIENT_TABLES]
    tables = [*stored, search_index.MOVIE_SEARCH]
    rows = sum(source.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
    # Each row is copied and compared.
    with target.begin() as connection, progress(2 * rows) as advance:
        _lock_empty_tables(connection, tables)
        done = 0
        with _without_indexes(connection):
            for table in tables:
                for count in _copy_rows(connection, table, _read(source, table, _list_stored_columns(table))):
                    advance(done := done + count)
        _set_sequences(source, connection)
        set_index_version(connection, get_index_version(source))
        for count in _compare(source, connection, tables):
            advance(done := done + count)
        # Without statistics, the first requests would be planned as for empty tables.
        connection.exec_driver_sql("ANALYZE " + ", ".join(f'"{table.name}"' for table in tables))
    return rows


def _lock_empty_tables(connection: Connection, tables: list[Any]) -> None:
    """Lock the tables exclusively until the transaction ends. Raise MigrationError unless they are empty."""
    for table in tables:
        connection.execute(text(f'LOCK TABLE "{table.name}" IN ACCESS EXCLUSIVE MODE'))
        if connection.scalar(select(func.count()).select_from(table.select().limit(1).subquery())):
            raise MigrationError("the PostgreSQL database contains data already; nothing was copied")


def _list_stored_columns(table: Any) -> list[Any]:
    """Return the columns that are not generated."""
    return [column for column in table.columns if getattr(column, "computed", None) is None]


def _read(connection: Connection, table: Any, columns: Iterable[Any]) -> Iterator[Sequence[Any]]:
    """Yield all rows in the order of their keys, in lists of ROWS_PER_READ."""
    keys = list(table.primary_key) or [table.c.rowid]
    keys = [by_bytes(key) if isinstance(key.type, String) else key for key in keys]
    # For PostgreSQL this is a server-side cursor.
    options = {"yield_per": ROWS_PER_READ}
    rows = connection.execute(select(*columns).order_by(*keys), execution_options=options)
    try:
        yield from rows.partitions()
    finally:
        rows.close()


def _copy_rows(connection: Connection, table: Any, batches: Iterable[Sequence[Any]]) -> Iterator[int]:
    """Copy rows and yield the size of each batch. Raise MigrationError if PostgreSQL rejects one."""
    names = ", ".join(f'"{column.name}"' for column in _list_stored_columns(table))
    dialect: Any = connection.dialect
    try:
        with (
            get_driver(connection).cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy,
        ):
            for rows in batches:
                for row in rows:
                    copy.write_row(row)
                yield len(rows)
    except dialect.dbapi.Error as error:
        # Further lines contain the row.
        reason = error.diag.message_primary or str(error).partition("\n")[0]
        raise MigrationError(f"PostgreSQL rejects a row of {table.name}: {reason}") from error


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """Create the indexes and foreign keys of ratings after the block: with all rows at once, that is much faster."""
    ratings = db.metadata.tables["rating"]
    for constraint in ratings.foreign_key_constraints:
        connection.execute(DropConstraint(constraint))
    for index in ratings.indexes:
        index.drop(connection)
    yield
    for index in ratings.indexes:
        index.create(connection)
    for constraint in ratings.foreign_key_constraints:
        connection.execute(AddConstraint(constraint))


def _set_sequences(source: Connection, connection: Connection) -> None:
    """Continue the ids, so that those of deleted rows are not used again."""
    for name, last in source.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all():
        if last:
            advance_ids(connection, db.metadata.tables[name], last)


def _compare(source: Connection, connection: Connection, tables: list[Any]) -> Iterator[int]:
    """Compare all rows, with generated columns, and yield the size of each batch.

    Raise MigrationError if rows differ, or if an aggregate of the target does not equal its ratings.
    """
    for table in tables:
        columns = list(table.columns)
        batches = zip_longest(_read(source, table, columns), _read(connection, table, columns), fillvalue=())
        for source_rows, copied_rows in batches:
            if [tuple(row) for row in source_rows] != [tuple(row) for row in copied_rows]:
                raise MigrationError(f"rows of {table.name} differ after the copy; nothing was copied")
            yield len(source_rows)
    if recount.find_mismatches(connection):
        raise MigrationError("aggregates differ from their ratings after the copy; nothing was copied")
