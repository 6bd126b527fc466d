"""What a client is told when the database's file or its disk fails, which is never the request's fault.

SQLite tells what failed by the codes of https://www.sqlite.org/rescode.html, PostgreSQL by those of
https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""

import errno
import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError

from movierating.errors import ApiError, InsufficientStorage, Unavailable

DISK_FULL = "There is no room left to store this."
DATABASE_UNAVAILABLE = "The database does not answer; try again shortly."

# The disk, a quota on it, a limit on the size of files.
_DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# After these a connection may remember what is no longer so: pages of a damaged file, or that it can only be read.
_SPOILS = frozenset(
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
_PG_DISK_FULL = "53100"
# It is a standby that only reads, or is shutting down or starting up.
_UNUSABLE = frozenset({"25006", "57P01", "57P02", "57P03"})
# Less is as good as none: a page, its frame in the log and its place in the log's index don't fit.
_MIN_FREE_BYTES = 1 << 16


def to_api_error(error: BaseException, folder: Path | None = None) -> ApiError | None:
    """What stands for `error` before a client, where the database or the disk of `folder` failed; else None."""
    if _code(error) == sqlite3.SQLITE_FULL or (_code(error) == sqlite3.SQLITE_IOERR and _is_full(folder)):
        return InsufficientStorage(DISK_FULL)
    if _state(error) == _PG_DISK_FULL:
        return InsufficientStorage(DISK_FULL)
    return Unavailable(DATABASE_UNAVAILABLE) if is_database_failure(error) else None


def from_os_error(error: OSError) -> ApiError:
    """What stands for the failure to write another file than the database's."""
    return (
        InsufficientStorage(DISK_FULL)
        if error.errno in _DISK_FULL_ERRNOS
        else Unavailable(DATABASE_UNAVAILABLE)
    )


def is_database_failure(error: BaseException) -> bool:
    """Whether the database can't be used, rather than what was asked of it is wrong."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # The last is what is said to whoever goes on with a connection that was lost.
    of_connection = isinstance(error, OperationalError | PendingRollbackError)
    return of_connection or _code(error) in _SPOILS or is_server_unusable(error)


def is_server_unusable(error: BaseException) -> bool:
    """Whether a server of PostgreSQL says that it is none to stay with; another may be at its address the next time."""
    return _state(error) in _UNUSABLE


def is_corruption(error: BaseException) -> bool:
    """Whether what is in the file is no sound database."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def must_reconnect(error: BaseException, connection: Connection | None = None) -> bool:
    """Whether a connection that met `error` should be closed, so that the next one looks at the file anew.

    Not `connection` itself if it writes: one that is closed before its transaction is rolled back may keep the lock.
    """
    if connection is not None and connection.get_execution_options().get("writes"):
        return False
    return _code(error) in _SPOILS


def _code(error: BaseException) -> int | None:
    """SQLite's primary result code."""
    code: int | None = getattr(
        error.orig if isinstance(error, DBAPIError) else error, "sqlite_errorcode", None
    )
    return None if code is None else code & 0xFF


def _state(error: BaseException) -> str | None:
    """PostgreSQL's code."""
    state: str | None = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    return state


def _is_full(folder: Path | None) -> bool:
    if folder is None:
        return False
    # Which error of the disk it was, SQLite keeps to itself.
    try:
        disk = os.statvfs(folder)
    except (OSError, AttributeError):
        return False
    return disk.f_bavail * disk.f_frsize < _MIN_FREE_BYTES
