"""The file behind the connections: that it is still the one which they have open.

SQLite goes on writing into a file that was deleted or replaced, where nobody finds it again, and would make an empty
one in its place. Source: https://www.sqlite.org/howtocorrupt.html, 2.4 and 4.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

try:
    import fcntl
except ImportError:  # pragma: no cover  # Windows, where an open file can't be replaced
    fcntl = None  # type: ignore[assignment]

Identity = tuple[int, int]

# The key in a connection's `info` under which its Opened is.
OPENED = "opened"


class Opened(NamedTuple):
    """What a connection has open."""

    file: "DatabaseFile"
    identity: Identity | None

    def is_there(self) -> bool:
        """Whether others who open the path find the same file."""
        return self.identity is not None and identity(self.file.path) == self.identity

    def is_replaced(self) -> bool:
        """Whether others find another file; not where they find none, for what is open can be read."""
        return identity(self.file.path) not in (None, self.identity)


class DatabaseFile:
    """A SQLite database's path, and which file is there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known: Identity | None = None
        self._known_log: Identity | None = None
        # While that is open, no other file gets its identity.
        self._log: IO[bytes] | None = None

    @property
    def address(self) -> str:
        """The URI under which SQLite opens the file, and makes none where there is none."""
        return f"{self.path.absolute().as_uri()}?mode=rw"

    def look(self) -> Identity | None:
        """Return which file is there, or was before it was removed."""
        found = identity(self.path)
        if found not in (None, self._known):
            # Where that can't be done now, what is open goes on being read.
            with suppress(OSError):
                self._take(found)
        return self._known

    def opening(self) -> Opened:
        """What a connection that is opened next has open. Raises OSError."""
        # Asked before it is opened: if it is replaced in between, the connection counts as one to the old file.
        found = identity(self.path)
        if found not in (None, self._known):
            self._take(found)
        return Opened(self, found)

    def opened(self) -> None:
        """Remember which log belongs to the file, once a connection has read it."""
        with self._lock:
            self._let_go()
            self._known_log = identity(self._beside("-wal"))
            with suppress(OSError):
                self._log = self._beside("-wal").open("rb")

    def closed(self) -> None:
        """Let go of the log, once no connection has it open."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def __del__(self) -> None:
        self._let_go()

    def _take(self, found: Identity | None) -> None:
        with self._lock, _locked(self.path.parent):
            if self._known not in (None, found) and identity(self._beside("-wal")) == self._known_log:
                self._set_log_aside()
            self._known = found

    def _set_log_aside(self) -> None:
        """SQLite would play the log of the old file into the new one."""
        with suppress(FileNotFoundError):
            self._beside("-wal").replace(self._beside("-wal.replaced"))
        self._beside("-shm").unlink(missing_ok=True)

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)


def identity(place: Path | int) -> Identity | None:
    """Which file is at a path or behind a descriptor, whatever it is called; None where there is none."""
    try:
        found = os.stat(place)  # noqa: PTH116  (Path.stat takes no descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time; there need be no file for it."""
    if fcntl is None:  # pragma: no cover
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
