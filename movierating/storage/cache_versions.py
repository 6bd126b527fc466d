"""Versions of what answers show, in memory that all processes of an instance share; to read one takes no system call.

They are counters in a file that each process maps: one of everything, one of anything, and one each for the movies
and for the users whose ids leave the same remainder. Who writes makes those of what it changes odd before its COMMIT
and even again after it, before anybody is answered; writers take turns, so nobody else moves them meanwhile. So an
answer that was made while a version was even is good for as long as that version stays; and of an odd one nothing can
be told.

Writes of other programs change no version.
"""

import itertools
import mmap
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from movierating.storage.sqlite.database_file import identity

# What an answer is about, and its id: a movie with its sums, the ratings of a movie with who gave them, a user with
# theirs, or what a user's sessions may do. Facts of movies and names of users stand in many answers, so to change one
# is to change anything.
Subject = tuple[str, int]
MOVIE, RATERS, USER, CALLER = "movie", "raters", "user", "caller"

_EACH = 1 << 16
_EVERYTHING, _ANYTHING = 0, 1
# Who rated a movie changes with the movie.
_FIRST = {MOVIE: 2, RATERS: 2, USER: 2 + _EACH, CALLER: 2 + 2 * _EACH}
_BYTES = 8 * (2 + 3 * _EACH)

_openings = itertools.count()


class CacheVersions:
    """The versions of one database, kept in `file`, which need not exist. Raises OSError if it can't be had.

    Versions of different files, or of the same one when it is opened again, don't compare; `opening` tells them apart.
    """

    def __init__(self, file: Path) -> None:
        with file.open("ab") as opened:
            # It never gets shorter: whoever maps an end that is cut off is killed.
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
        """The file in which the versions of a database are kept."""
        return database.with_name(f".{database.name}.versions")

    def get(self, subject: Subject) -> tuple[int, int] | None:
        """What an answer about it stands or falls with; None while it changes."""
        return self._pair(_place(subject))

    def get_overall(self) -> tuple[int, int] | None:
        """What any answer stands or falls with; None while something changes."""
        return self._pair(_ANYTHING)

    def _pair(self, place: int) -> tuple[int, int] | None:
        everything, own = self._counters[_EVERYTHING], self._counters[place]
        return None if everything & 1 or own & 1 else (everything, own)

    @contextmanager
    def invalidating(self, subjects: Collection[Subject] | None) -> Iterator[None]:
        """For a transaction that changes no answers about others than these, None any; only in a writer's turn."""
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
        """Make even what somebody who was killed left odd; only in a writer's turn."""
        counters = self._counters
        for place in [place for place, version in enumerate(counters.tolist()) if version & 1]:
            counters[place] += 1

    def close(self) -> None:
        """Let go of the memory."""
        self._counters.release()
        self._memory.close()


def _allocate(descriptor: int) -> None:
    """Raises OSError where the disk is full; a process that writes to memory behind which there is none gets killed."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, _BYTES)


def _place(subject: Subject) -> int:
    kind, key = subject
    return _FIRST[kind] + key % _EACH
