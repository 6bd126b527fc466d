"""The locks that writers of several processes take in turn, on files beside the database.

SQLite makes a busy writer sleep and try again, in no order. The kernel queues those who wait for `flock`, and frees the
lock when its holder ends, but not while the holder is suspended; `flock` has no timeout, so a thread waits for a lock
that another process holds.
"""

import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from movierating.errors import Unavailable
from movierating.monitoring.logs import logger
from movierating.storage import storage_errors
from movierating.storage.sqlite import flock
from movierating.storage.sqlite.database_file import read_identity

# A writer that waits longer logs a warning, and goes on waiting.
LOCK_WARNING_SECONDS = 2

# How long it may go unnoticed that a lock file was removed or replaced.
_CHECK_INTERVAL_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 10.0


class FileLock:
    """A lock file, opened again if it was replaced. One thread of a process uses it at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._check_at = 0.0
        self._waiter: _Waiter | None = None

    @contextmanager
    def hold(self, timeout: float) -> Iterator[IO[bytes]]:
        """Hold the lock until the end of the block, and yield the file.

        Raise Unavailable after `timeout` seconds, and InsufficientStorage or Unavailable if the file can't be created.
        """
        file = self._open()
        if not flock.try_lock(file):
            self._wait(file, timeout)
        try:
            yield file
        finally:
            flock.unlock(file)

    def close(self) -> None:
        """Close the file; it opens again when needed."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> IO[bytes]:
        now = time.monotonic()
        if self._file is None or now >= self._check_at:
            self._check_at = now + _CHECK_INTERVAL_SECONDS
            if self._file is None or read_identity(self._path) != read_identity(self._file.fileno()):
                self.close()
                try:
                    self._file = self._path.open("a+b", buffering=0)
                except OSError as error:
                    raise storage_errors.from_os_error(error) from error
        return self._file

    def _wait(self, file: IO[bytes], timeout: float) -> None:
        if self._waiter is not None and self._waiter.is_alive():
            # The holder is stuck: one thread that waits for it is enough.
            if not flock.poll_lock(file, timeout):
                raise Unavailable(storage_errors.DATABASE_BUSY)
            return
        self._waiter = _Waiter(file)
        if not self._waiter.lock(timeout):
            self._file = None
            raise Unavailable(storage_errors.DATABASE_BUSY)
        self._waiter = None


class _Waiter(threading.Thread):
    """A thread that waits for a lock, and closes the file if it gets the lock too late."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(name="write lock", daemon=True)
        self._file = file
        self._decision_lock = threading.Lock()
        self._is_late = False
        self._is_locked = threading.Event()

    def run(self) -> None:
        flock.wait_for_lock(self._file)
        with self._decision_lock:
            if self._is_late:
                self._file.close()
            else:
                self._is_locked.set()

    def lock(self, timeout: float) -> bool:
        """Return True if the file is locked within `timeout` seconds; log a warning if that takes long."""
        self.start()
        if not self._is_locked.wait(min(timeout, LOCK_WARNING_SECONDS)) and timeout > LOCK_WARNING_SECONDS:
            logger.warning("Another process is writing to the database; waiting until it has finished.")
            self._is_locked.wait(timeout - LOCK_WARNING_SECONDS)
        with self._decision_lock:
            self._is_late = not self._is_locked.is_set()
        return not self._is_late


# When the pause after a long transaction ends, by the clock that all processes of a machine share.
_PAUSE_END = struct.Struct("d")


class LongWriteLock(FileLock):
    """The lock of long transactions: all processes together run one at a time, and then let others write.

    A long transaction queues with the other writers only while it holds this, so no writer queues behind two of them.
    """

    @contextmanager
    def hold_after_pause(self, has_other_writers: Callable[[], bool], timeout: float) -> Iterator[None]:
        """Hold the lock until the end of the block, after a pause. Raise as `hold`.

        The pause lasts while other threads of this process write, but no longer than the last long transaction took.
        """
        with self.hold(timeout) as file:
            # The pause is bounded, because a time that was written before a reboot is of another clock.
            until = min(_read_pause_end(file), time.monotonic() + _MAX_PAUSE_SECONDS)
            while has_other_writers() and time.monotonic() < until:
                time.sleep(flock.POLL_INTERVAL_SECONDS)
            began_at = time.monotonic()
            try:
                yield
            finally:
                now = time.monotonic()
                _write_pause_end(file, now + now - began_at)


def _read_pause_end(file: IO[bytes]) -> float:
    file.seek(0)
    content = file.read(_PAUSE_END.size)
    return float(_PAUSE_END.unpack(content)[0]) if len(content) == _PAUSE_END.size else 0.0


def _write_pause_end(file: IO[bytes], pause_end: float) -> None:
    # On a full disk there is no pause.
    with suppress(OSError):
        file.seek(0)
        file.truncate()
        file.write(_PAUSE_END.pack(pause_end))
