"""Versions of cached responses, in memory that all processes of an instance share; reading one takes no system call.

They are counters in a file that each process maps: one that invalidates everything, one that changes with anything,
and one for each group of movies or users whose ids have the same remainder. A writer makes the counters of what it
changes odd before its COMMIT and even again after it, before it returns; it holds the write lock meanwhile. So a
response made while a version was even is valid until that version changes, and an odd version means unknown.

Writes of other programs change no version.
"""

import itertools
import mmap
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from movierating.storage.sqlite.database_file import identity

# A kind of response and an id: a movie with its statistics, the ratings of a movie with their users, a user with
# ratings, or what a user's sessions may do. Many responses contain a movie's facts or a user's name, so changing one of
# these invalidates everything.
Subject = tuple[str, int]
MOVIE, RATERS, USER, CALLER = "movie", "raters", "user", "caller"

_EACH = 1 << 16
_EVERYTHING, _ANYTHING = 0, 1
# Who rated a movie changes with the movie.
_FIRST = {MOVIE: 2, RATERS: 2, USER: 2 + _EACH, CALLER: 2 + 2 * _EACH}
_BYTES = 8 * (2 + 3 * _EACH)

_openings = itertools.count()


class CacheVersions:
    """The versions of one database, in `file`, which need not exist. Raises OSError if it can't be opened.

    Versions of different files, or of the same one when it is opened again, don't compare; `opening` tells them apart.
    """

    def __init__(self, file: Path) -> None:
        with file.open("ab") as opened:
            # Never truncate it: a process that maps an end that is cut off is killed.
            if opened.tell() < _BYTES:
                opened.truncate(_BYTES)
        with file.open("r+b") as opened:
            _allocate(opened.fileno())
            self.identity = identity(opened.fileno())
            self._memory = mmap.mmap(opened.fileno(), _BYTES)
        self.opening = next(_openings)
        self._counters = memoryview(self._memory).cast("Q")

    @staticmethod
    def get_file(database: Path) -> Path:
        """Return the file that holds the versions of a database."""
        return database.with_name(f".{database.name}.versions")

    def get(self, subject: Subject) -> tuple[int, int] | None:
        """Return the version of responses about the subject, None while it changes."""
        return self._pair(_place(subject))

    def get_overall(self) -> tuple[int, int] | None:
        """Return the version of responses about anything, None while something changes."""
        return self._pair(_ANYTHING)

    def _pair(self, place: int) -> tuple[int, int] | None:
        everything, own = self._counters[_EVERYTHING], self._counters[place]
        return None if everything & 1 or own & 1 else (everything, own)

    @contextmanager
    def invalidating(self, subjects: Collection[Subject] | None) -> Iterator[None]:
        """Invalidate responses about these subjects, None for all; COMMIT inside the block, holding the write lock."""
        places = {_ANYTHING, *([_EVERYTHING] if subjects is None else map(_place, subjects))}
        counters = self._counters
        for place in places:
            counters[place] |= 1
        try:
            yield
        finally:
            for place in places:
                counters[place] += 1

    def recover(self) -> None:
        """Make even the versions that a killed writer left odd. Call it holding the write lock."""
        counters = self._counters
        for place in [place for place, version in enumerate(counters.tolist()) if version & 1]:
            counters[place] += 1

    def close(self) -> None:
        """Unmap the memory."""
        self._counters.release()
        self._memory.close()


def _allocate(descriptor: int) -> None:
    """Raise OSError if the disk is full: a process that writes to mapped memory without disk space is killed."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, _BYTES)


def _place(subject: Subject) -> int:
    kind, key = subject
    return _FIRST[kind] + key % _EACH
