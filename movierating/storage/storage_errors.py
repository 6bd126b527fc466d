"""Failures of the database or its disk: what they are, and as errors of the API.

Sources: the codes of https://www.sqlite.org/rescode.html and
https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""

import errno
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError

from movierating.errors import ApiError, InsufficientStorage, Unavailable

DISK_FULL = "There is no room left to store this."
DATABASE_UNAVAILABLE = "The database does not respond; try again shortly."
DATABASE_BUSY = "The database is busy; try again shortly."
FILE_UNAVAILABLE = "A file can't be written; try again shortly."

# A full disk, a quota, a limit on the size of files.
_DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# After these errors a connection may have cached an outdated state: pages of a damaged file, or that it is read-only.
_RECONNECT_CODES = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
# Reading a write-ahead log needs files beside it, which SQLite can't create on a read-only disk.
_NOT_WRITABLE_CODES = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_PG_DISK_FULL = "53100"
# A lock was not released in time, or the transaction was ended in favour of others too often.
_PG_BUSY_STATES = frozenset({"55P03", "40001", "40P01"})
# A read-only standby, or a server that is shutting down or starting up.
_PG_UNUSABLE_STATES = frozenset({"25006", "57P01", "57P02", "57P03"})
# With less free space the disk counts as full: a page, its frame in the log and its entry in the log's index don't fit.
_MIN_FREE_BYTES = 1 << 16


def to_api_error(error: BaseException, folder: Path | None = None) -> ApiError | None:
    """Return the API error for a failure of the database or of the disk of `folder`; None for other errors."""
    if _code(error) == sqlite3.SQLITE_FULL or (_code(error) == sqlite3.SQLITE_IOERR and _is_full(folder)):
        return InsufficientStorage(DISK_FULL)
    if get_sqlstate(error) == _PG_DISK_FULL:
        return InsufficientStorage(DISK_FULL)
    if is_locked(error) or get_sqlstate(error) in _PG_BUSY_STATES:
        return Unavailable(DATABASE_BUSY)
    return Unavailable(DATABASE_UNAVAILABLE) if is_database_failure(error) else None


def from_driver_error(error: Exception, statement: str, connection: Connection, driver: Any) -> DBAPIError:
    """Return SQLAlchemy's error, without values, for one of the driver's; invalidate a connection that is unusable."""
    is_lost = bool(getattr(driver, "closed", False)) or is_server_unusable(error)
    if is_lost or must_reconnect(error, connection):
        connection.invalidate(error)
    dialect = connection.dialect
    return DBAPIError.instance(  # type: ignore[return-value]
        statement,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=dialect,
    )


def from_os_error(error: OSError) -> ApiError:
    """Return the API error for a failure to write another file than the database's."""
    return (
        InsufficientStorage(DISK_FULL) if error.errno in _DISK_FULL_ERRNOS else Unavailable(FILE_UNAVAILABLE)
    )


def format_reason(error: BaseException, *folders: Path | None) -> str:
    """Return the message of the database or the disk, in one line: the server's often has several.

    `folders` are those that the database writes to: SQLite does not say if a disk was full or read-only.
    """
    full = next(filter(_is_full, folders), None)
    if full is not None and _code(error) in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL):
        return f"there is no room left in {full}"
    read_only = next(filter(is_read_only, folders), None)
    if read_only is not None and (
        _code(error) in _NOT_WRITABLE_CODES or getattr(error, "errno", 0) == errno.EROFS
    ):
        return f"the disk of {read_only} is read-only; copy the folder to a writable disk and run the command there"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return " ".join(str(getattr(error, "orig", error)).split())


def is_database_failure(error: BaseException) -> bool:
    """Return True if the database failed, False if the statement was wrong."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if _code(error) == sqlite3.SQLITE_ERROR:
        # SQLAlchemy raises an OperationalError for a wrong statement too. A file without our tables is another file.
        return "no such table" in str(error)
    # SQLAlchemy raises PendingRollbackError when a lost connection is used again.
    of_connection = isinstance(error, OperationalError | PendingRollbackError)
    return of_connection or _code(error) in _RECONNECT_CODES or is_server_unusable(error)


def is_server_unusable(error: BaseException) -> bool:
    """Return True if a PostgreSQL server says that it can't serve writes; the next connection may find another."""
    return get_sqlstate(error) in _PG_UNUSABLE_STATES


def is_corruption(error: BaseException) -> bool:
    """Return True if the file is damaged or is not a database."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_locked(error: BaseException) -> bool:
    """Return True if another connection holds SQLite's lock."""
    return _code(error) == sqlite3.SQLITE_BUSY


def must_reconnect(error: BaseException, connection: Connection | None = None) -> bool:
    """Return True if a connection must be closed after `error`, so that the next one opens the file again.

    False for a `connection` that writes: closed before its transaction is rolled back, it may keep the lock.
    """
    if connection is not None and connection.get_execution_options().get("writes"):
        return False
    return _code(error) in _RECONNECT_CODES


def get_sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's SQLSTATE, None for an error of another kind."""
    state: str | None = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    return state


def _code(error: BaseException) -> int | None:
    """Return SQLite's primary result code."""
    code: int | None = getattr(
        error.orig if isinstance(error, DBAPIError) else error, "sqlite_errorcode", None
    )
    return None if code is None else code & 0xFF


def is_read_only(folder: Path | None) -> bool:
    """Return True if the disk of the folder is mounted read-only."""
    disk = _read_disk(folder)
    return disk is not None and bool(disk.f_flag & os.ST_RDONLY)


def _is_full(folder: Path | None) -> bool:
    disk = _read_disk(folder)
    # SQLite does not report the error number of the disk.
    return disk is not None and disk.f_bavail * disk.f_frsize < _MIN_FREE_BYTES


def _read_disk(folder: Path | None) -> Any:
    """Return the state of the folder's disk, None if it is unknown."""
    if folder is None:
        return None
    try:
        return os.statvfs(folder)
    except (OSError, AttributeError):
        return None
