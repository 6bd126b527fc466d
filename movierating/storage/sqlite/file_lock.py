"""A lock on a file that processes share, with a timeout.

The kernel frees it when its holder ends, but not while the holder is stopped. `flock` has no timeout, so a thread waits
for a lock that another process holds; it waits in the kernel's queue, so that no process overtakes another for long.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from movierating.errors import Unavailable
from movierating.storage import storage_errors
from movierating.storage.sqlite.database_file import identity

try:
    import fcntl
except ImportError:  # pragma: no cover  # Windows, where SQLite's own waiting has to do
    fcntl = None  # type: ignore[assignment]

BUSY = "The database is busy; try again shortly."

# How long a lock file that was removed or replaced may go unnoticed.
_CHECK_INTERVAL_SECONDS = 1.0
_POLL_INTERVAL_SECONDS = 0.01


def is_supported() -> bool:
    """Return True if this system has locks on files."""
    return fcntl is not None


class FileLock:
    """A lock file, opened again if another one is found in its place. One thread of a process uses it at a time."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._check_at = 0.0
        self._waiter: _Waiter | None = None

    @contextmanager
    def hold(self, path: Path, timeout: float) -> Iterator[IO[bytes]]:
        """Hold the lock until the end of the block, and yield the file.

        Raises Unavailable after `timeout` seconds, and InsufficientStorage or Unavailable if there can be no such file.
        """
        file = self._open(path)
        if not _try_lock(file):
            self._wait(file, timeout)
        try:
            yield file
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file; it opens again when needed."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, path: Path) -> IO[bytes]:
        now = time.monotonic()
        if (
            self._file is not None
            and now >= self._check_at
            and identity(path) != identity(self._file.fileno())
        ):
            self.close()
        if now >= self._check_at:
            self._check_at = now + _CHECK_INTERVAL_SECONDS
        if self._file is None:
            try:
                self._file = path.open("a+b", buffering=0)
            except OSError as error:
                raise storage_errors.from_os_error(error) from error
        return self._file

    def _wait(self, file: IO[bytes], timeout: float) -> None:
        if self._waiter is not None and self._waiter.is_alive():
            # The holder is stuck: one thread that waits for it is enough.
            _poll(file, timeout)
            return
        self._waiter = _Waiter(file)
        if not self._waiter.lock(timeout):
            self._file = None
            raise Unavailable(BUSY)
        self._waiter = None


class _Waiter(threading.Thread):
    """A thread that waits for a lock, and closes the file if it gets the lock too late."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(name="write lock", daemon=True)
        self._file = file
        self._deciding = threading.Lock()
        self._is_late = False
        self._is_locked = threading.Event()

    def run(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._deciding:
            if self._is_late:
                self._file.close()
            else:
                self._is_locked.set()

    def lock(self, timeout: float) -> bool:
        """Return True if the file is locked within `timeout` seconds."""
        self.start()
        self._is_locked.wait(timeout)
        with self._deciding:
            self._is_late = not self._is_locked.is_set()
        return not self._is_late


def _try_lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _poll(file: IO[bytes], timeout: float) -> None:
    until = time.monotonic() + timeout
    while not _try_lock(file):
        if time.monotonic() >= until:
            raise Unavailable(BUSY)
        time.sleep(_POLL_INTERVAL_SECONDS)
