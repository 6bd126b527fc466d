"""Who has an instance: all who use its database share a lock, and who puts another in its place has it alone.

The kernel frees it when its last holder ends, however that ends. A forked process holds it too, also when its parent
has let go or is gone.
"""

import os
import weakref
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover  # Windows, where a file that is open can't be replaced
    fcntl = None  # type: ignore[assignment]


class LockHeld(Exception):
    """Somebody holds the instance in a way that rules this one out."""


class InstanceLock:
    """A hold on the instance with this database, until `release()` or the end of the process.

    Raises LockHeld at once, without waiting; and OSError where there can be no lock and it is to be `exclusive`.
    """

    def __init__(self, database: Path, *, exclusive: bool) -> None:
        self._close: weakref.finalize[[int], InstanceLock] | None = None
        self._descriptor = -1
        if fcntl is None:  # pragma: no cover
            return
        try:
            self._lock(database.with_name(f".{database.name}.in-use"), exclusive)
        except BlockingIOError as error:
            raise LockHeld from error
        except OSError:
            # Where no file can be made and nothing locked, nothing can be put in the database's place either.
            if exclusive:
                raise

    def _lock(self, file: Path, exclusive: bool) -> None:
        # Whoever may read it can lock it, whichever user made it.
        descriptor = os.open(file, os.O_RDONLY | os.O_CREAT, 0o644)
        self._close = weakref.finalize(self, _close, descriptor)
        self._descriptor = descriptor
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            self.release()
            raise

    def upgrade_exclusive(self) -> bool:
        """Whether nobody else holds it; then it is this one's alone until `downgrade_shared()`.

        Raises LockHeld where another takes it alone meanwhile: who asks lets go for a moment.
        """
        if self._close is None:
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.downgrade_shared()
            return False
        return True

    def downgrade_shared(self) -> None:
        """Let others hold it too. Raises LockHeld as `upgrade_exclusive` does."""
        if self._close is not None:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LockHeld from error

    def release(self) -> None:
        """Let go; a forked process goes on holding."""
        if self._close is not None:
            self._close()
            self._close = None


def _close(descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)
