"""The database file: detects that it was removed or replaced, and keeps a log from being applied to another file.

The connection that writes is opened again when the file was replaced.

SQLite goes on writing to a file that was removed or replaced, where the data is lost, and would create an empty file in
its place. Source: https://www.sqlite.org/howtocorrupt.html, 2.4 and 4.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from movierating.errors import Unavailable
from movierating.storage import storage_errors
from movierating.storage.sqlite import flock

# The key of a connection's `info` under which the identity of its file is.
_INFO_KEY = "file_identity"

# How long it may go unnoticed that the file was replaced. A request sent after the replacement takes longer to arrive.
_CHECK_INTERVAL_SECONDS = 0.0001

# Others hold the lock of the folder while they rename a file.
_FOLDER_LOCK_TIMEOUT_SECONDS = 1.0

# Device and inode number: the same for all names of a file.
Identity = tuple[int, int]


class DatabaseFile:
    """The path of a SQLite database, and the identity of the file that was last seen there.

    A file that was removed can still be read (`is_usable`), but nothing is committed to it (`is_current`). Connections
    to it are used until another file is at the path (`is_replaced`).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = str(path)
        self._lock = threading.Lock()
        self._identity: Identity | None = None
        self._check_at = 0.0
        self._log_identity: Identity | None = None
        # Kept open, so that no other file gets its inode number.
        self._log: IO[bytes] | None = None

    def get_uri(self) -> str:
        """Return the URI with which SQLite opens the file, but does not create one."""
        return f"{self.path.absolute().as_uri()}?mode=rw"

    def get_identity(self) -> Identity | None:
        """Return the identity of the file at the path, or of the last one there if it was removed."""
        now = time.monotonic()
        if now >= self._check_at:
            identity = read_identity(self._text)
            if identity not in (None, self._identity):
                # If its log can't be set aside now, the open file continues to be read.
                with suppress(OSError):
                    self._expect_file(identity)
            self._check_at = now + _CHECK_INTERVAL_SECONDS
        return self._identity

    def is_usable(self, connection: Connection) -> bool:
        """Return True if the connection is open to the file at the path or, if that was removed, the last one there."""
        if connection.closed or connection.invalidated:
            return False
        return bool(connection.info[_INFO_KEY] == self.get_identity())

    def is_current(self, connection: Connection) -> bool:
        """Return True if others who open the path find the file that the connection has open."""
        identity = connection.info[_INFO_KEY]
        return identity is not None and bool(identity == read_identity(self._text))

    def is_replaced(self, info: dict[Any, Any]) -> bool:
        """Return True if others find another file than the connection with this `info` has open."""
        return read_identity(self._text) not in (None, info[_INFO_KEY])

    def prepare_opening(self, info: dict[Any, Any]) -> None:
        """Note in `info` which file a connection is about to open. Raise OSError if an old log can't be set aside.

        If the file is replaced before the connection opens it, the connection counts as one to the old file.
        """
        identity = info[_INFO_KEY] = read_identity(self._text)
        if identity not in (None, self._identity):
            self._expect_file(identity)

    def remember_log(self) -> None:
        """Remember which log belongs to the file, once a connection has read it."""
        with self._lock:
            self._close_log()
            log = self._get_side_file("-wal")
            self._log_identity = read_identity(log)
            with suppress(OSError):
                self._log = log.open("rb")

    def release_log(self) -> None:
        """Close the log; the next connection opens it again."""
        with self._lock:
            self._close_log()

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def __del__(self) -> None:
        self._close_log()

    def _expect_file(self, identity: Identity | None) -> None:
        """Expect this file from now on. If it replaced another, set aside the log of the other."""
        with self._lock, _folder_lock(self.path.parent):
            log = self._get_side_file("-wal")
            if self._identity not in (None, identity) and read_identity(log) == self._log_identity:
                # SQLite would apply it to the new file.
                with suppress(FileNotFoundError):
                    log.replace(self._get_side_file("-wal.replaced"))
                self._get_side_file("-shm").unlink(missing_ok=True)
            self._identity = identity

    def _get_side_file(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


class WriteConnection:
    """The connection that writes to a database file, opened again if that is replaced. One thread at a time uses it."""

    def __init__(self, engine: Engine, file: DatabaseFile) -> None:
        self._engine = engine
        self._file = file
        self._connection: Connection | None = None

    def open(self, begin_timeout: float) -> Connection:
        """Return the connection, whose BEGIN waits for SQLite's lock for at most `begin_timeout` seconds."""
        # To open one each time takes as long as a write does.
        if self._connection is None or not self._file.is_usable(self._connection):
            self.close()
            self._connection = self._engine.connect().execution_options(writes=True)
            # An import of thousands of ratings changes most pages of the indexes of movies, in no order. If they did
            # not fit, SQLite would write a page to the log each time it makes room for another.
            self._connection.connection.cursor().execute("PRAGMA cache_size = -16384")
        self._connection.info["begin_timeout"] = begin_timeout
        return self._connection

    def require_current_file(self) -> None:
        """Raise Unavailable if a commit would go into a file that is lost."""
        if self._connection is None or not self._file.is_current(self._connection):
            raise Unavailable(storage_errors.DATABASE_UNAVAILABLE) from FileNotFoundError(self._file.path)

    def convert_error(self, error: BaseException) -> BaseException:
        """Return the API error for a failure of the database. If it was one of the file, close the connection."""
        if storage_errors.must_reconnect(error):
            self.close()
        api_error = storage_errors.to_api_error(error, self._file.path.parent)
        if api_error is None:
            return error
        api_error.__cause__ = error
        return api_error

    def close(self) -> None:
        """Close the connection; it opens again when needed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            with suppress(SQLAlchemyError):
                connection.close()


def read_identity(file: Path | str | int) -> Identity | None:
    """Return the identity of the file at a path or behind a descriptor, None if there is none."""
    try:
        status = os.stat(file)  # noqa: PTH116  (Path.stat takes no descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Lock a folder among processes until the end of the block.

    Raise TimeoutError if another process, which may be suspended, holds the lock for _FOLDER_LOCK_TIMEOUT_SECONDS.
    """
    if not flock.IS_SHARED:  # pragma: no cover  # Windows, which can't open folders either
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not flock.poll_lock(descriptor, _FOLDER_LOCK_TIMEOUT_SECONDS):
            raise TimeoutError(f"{folder} is locked by another process")
        yield
    finally:
        os.close(descriptor)
