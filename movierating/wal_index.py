"""How many commits a SQLite database has seen, whoever made them, as the index of its write-ahead log counts them.

The index is the file that all connections share; its header is there twice, so that whoever reads it while it is being
written can tell. Source: https://www.sqlite.org/walformat.html#the_wal_index_file_format
"""

import errno
import itertools
import os
import struct
import threading
from pathlib import Path

from movierating.storage.sqlite.database_file import identity

_HEADER_BYTES = 48
_COMMITS, _COMMITS_AT = struct.Struct("=I"), 8

# One is being written for less than a microsecond, unless its writer is interrupted.
_ATTEMPTS = 100

_openings = itertools.count()


class WalIndex:
    """The index of one database's log, which is there while somebody has the database open. Raises OSError if it isn't.

    Counts of different files don't compare, nor do those of the same one when it is opened again or has started over,
    as after its recovery; `opening` tells them apart.
    """

    def __init__(self, database: Path) -> None:
        self._descriptor = os.open(self.file_of(database), os.O_RDONLY | os.O_CLOEXEC)
        self.identity = identity(self._descriptor)
        self.opening = next(_openings)
        self._reading, self._last = threading.Lock(), 0

    @staticmethod
    def file_of(database: Path) -> Path:
        """Where SQLite puts the index of a database's log: beside what a link leads to."""
        file = database.resolve() if database.is_symlink() else database
        return file.with_name(f"{file.name}-shm")

    def commits(self) -> int:
        """How many there were. Raises OSError where that can't be told."""
        with self._reading:
            commits: int = _COMMITS.unpack_from(self._header(), _COMMITS_AT)[0]
            if commits < self._last:
                self.opening = next(_openings)
            self._last = commits
        return commits

    def _header(self) -> bytes:
        for _ in range(_ATTEMPTS):
            both = os.pread(self._descriptor, 2 * _HEADER_BYTES, 0)
            if len(both) == 2 * _HEADER_BYTES and both[:_HEADER_BYTES] == both[_HEADER_BYTES:]:
                return both
        raise OSError(errno.EAGAIN, "the header of the index does not hold still")

    def close(self) -> None:
        """Let go of the file, but only where this process has no connection to the database.

        A process that closes a file gives up all locks that it holds on it, those of SQLite's connections too.
        Source: https://www.sqlite.org/howtocorrupt.html, 2.2.
        """
        os.close(self._descriptor)
