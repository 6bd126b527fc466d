"""The lock of an instance: processes that use its database share it; one that replaces the database has it exclusively.

The kernel releases it when its last holder ends. A forked process holds it too, even after its parent released it.
"""

import os
import weakref
from contextlib import suppress
from pathlib import Path

from movierating.storage.sqlite import flock


class LockHeld(Exception):
    """Another process holds the instance lock."""


class InstanceLock:
    """A lock on the instance of this database, held until `release()` or the end of the process.

    Raise LockHeld at once, without waiting, and OSError if an `exclusive` lock is impossible here.
    """

    def __init__(self, database: Path, *, exclusive: bool) -> None:
        self._close: weakref.finalize[[int], InstanceLock] | None = None
        self._descriptor = -1
        if not flock.IS_SHARED:  # pragma: no cover  # Windows, where a file that is open can't be replaced
            return
        try:
            self._lock(database.with_name(f".{database.name}.in-use"), exclusive)
        except OSError:
            # If no file can be made or locked here, the database can't be replaced either.
            if exclusive:
                raise

    def _lock(self, file: Path, exclusive: bool) -> None:
        # `flock` needs no write access, so users other than the file's owner can lock it.
        descriptor = os.open(file, os.O_RDONLY | os.O_CREAT, 0o644)
        self._close = weakref.finalize(self, _close, descriptor)
        self._descriptor = descriptor
        try:
            if not flock.try_lock(descriptor, shared=not exclusive):
                raise LockHeld
        except (OSError, LockHeld):
            self.release()
            raise

    def try_upgrade(self) -> bool:
        """Try to upgrade to an exclusive lock, until `downgrade_shared()`; return True on success.

        Raise LockHeld if another process takes it exclusively meanwhile: an upgrade releases the lock for a moment.
        """
        if self._close is None:
            return False
        if flock.try_lock(self._descriptor):
            return True
        self.downgrade_shared()
        return False

    def downgrade_shared(self) -> None:
        """Downgrade to a shared lock. Raise LockHeld as `try_upgrade` does."""
        if self._close is not None and not flock.try_lock(self._descriptor, shared=True):
            raise LockHeld

    def release(self) -> None:
        """Release the lock; a forked process continues to hold it."""
        if self._close is not None:
            self._close()
            self._close = None


def _close(descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)
