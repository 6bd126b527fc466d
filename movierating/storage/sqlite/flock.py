"""Locks on open files, among processes: `flock` of the kernel. Windows lacks it; there, each process is on its own."""

import time
from typing import IO

try:
    import fcntl
except ImportError:  # pragma: no cover  # Windows
    fcntl = None  # type: ignore[assignment]

# False if this system has no such locks; then the functions below do nothing, and return True.
IS_SHARED = fcntl is not None

POLL_INTERVAL_SECONDS = 0.01

# A file that is open, or its descriptor.
File = IO[bytes] | int


def try_lock(file: File, *, shared: bool = False) -> bool:
    """Return True if the file is locked now, False if another process prevents it. Raise OSError."""
    if fcntl is not None:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def poll_lock(file: File, timeout: float) -> bool:
    """Try to lock the file for `timeout` seconds. Return True on success. Raise OSError."""
    until = time.monotonic() + timeout
    while not try_lock(file):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_INTERVAL_SECONDS)
    return True


def wait_for_lock(file: File) -> None:
    """Lock the file, after those who have waited longer. Raise OSError."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX)


def unlock(file: File) -> None:
    """Release the lock."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_UN)
