"""Verify and rebuild SQLite's full-text index, from the words that it stores for each movie."""

from sqlalchemy import Connection, select
from sqlalchemy.exc import DatabaseError

from movierating.errors import ApiError
from movierating.movies.search_index import MOVIE_SEARCH
from movierating.storage import storage_errors
from movierating.storage.database import read, write
from movierating.storage.dialect import SQLITE

# Two records without which SQLite can't open the index. Source: FTS5_CURRENT_VERSION in
# https://sqlite.org/src/file/ext/fts5/fts5Int.h; FTS5_STRUCTURE_ROWID and the structure of an empty index in
# https://sqlite.org/src/file/ext/fts5/fts5_index.c
_FORMAT_RECORD = "_config VALUES ('version', 4)"
_STRUCTURE_RECORD = "_data VALUES (10, X'00000000000000')"


def verify(connection: Connection) -> None:
    """Raise DatabaseError if SQLite's full-text index is inconsistent. PostgreSQL's cannot be."""
    if connection.dialect.name == SQLITE:
        _command(connection, "integrity-check")


def repair() -> DatabaseError | ApiError | None:
    """Rebuild the full-text index if it is inconsistent.

    Return the error that `verify` raised, or None if the index is consistent. Raise DatabaseError or ApiError if it
    can't be checked for another reason, or not be rebuilt.
    """
    try:
        write(verify, ())
    except (DatabaseError, ApiError) as error:
        if not is_damage(error) and not write(_restore_format):
            raise
        write(_rebuild)
        return error
    return None


def is_damage(error: DatabaseError | ApiError) -> bool:
    """Return True for an error of `write` because the file or the full-text index is damaged."""
    return storage_errors.is_corruption(error.__cause__ or error)


def _restore_format(connection: Connection) -> bool:
    """Record the format of SQLite's full-text index again. Return False if the record was there."""
    if connection.dialect.name != SQLITE:
        return False
    statement = f"INSERT OR IGNORE INTO {MOVIE_SEARCH.name}{_FORMAT_RECORD}"
    return connection.exec_driver_sql(statement).rowcount == 1


def _rebuild(connection: Connection) -> None:
    """Rebuild the full-text index from the words that it stores for each movie."""
    connection.exec_driver_sql(f"REPLACE INTO {MOVIE_SEARCH.name}{_STRUCTURE_RECORD}")
    _restore_format(connection)
    _command(connection, "rebuild")


# Source: https://sqlite.org/fts5.html#special_insert_commands
def _command(connection: Connection, name: str) -> None:
    table = MOVIE_SEARCH.name
    connection.exec_driver_sql(f"INSERT INTO {table}({table}) VALUES (?)", (name,))  # noqa: S608


def can_be_opened() -> bool:
    """Return False if damage prevents the database from reading the index."""
    try:
        read().execute(select(MOVIE_SEARCH.c.rowid).limit(1)).all()
    except DatabaseError:
        return False
    return True
