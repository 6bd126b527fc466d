"""Versions of cached responses, in memory that all processes of an instance share; reading one takes no system call.

They are counters in a file that each process maps: one that invalidates all responses, one that every write changes,
and one for each group of movies or users whose ids have the same remainder. A writer makes the counters of what it
changes odd before its COMMIT and even again after it, before it returns; it holds the write lock meanwhile. So a
response made while a version was even is valid until that version changes, and an odd version means unknown. For lists
of movies the file also has a log of the latest changes of ratings.

Writes of other programs change no version.
"""

import itertools
import mmap
import os
import re
import sys
import time
from array import array
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from movierating.storage.listed_movies import FIELDS_PER_CHANGE, UNKNOWN_RATINGS, ListedMovies, MovieChange
from movierating.storage.sqlite.database_file import Identity, read_identity

# What a response shows: a kind and an id, or a page of movies. The kinds are a movie with its statistics, the ratings
# of a movie with their users, a user with ratings, and what a user's sessions may do. Many responses contain a movie's
# facts or a user's name, so changing one of these invalidates everything.
Subject = tuple[str, int] | ListedMovies
# What a write changes: a kind and an id. Those of a movie may be followed by the number of its ratings and their sum.
Change = tuple[str, int] | tuple[str, int, int, int]
MOVIE, RATERS, USER, CALLER = "movie", "raters", "user", "caller"
# Responses that show only facts of movies: they become invalid only when all responses do.
FACTS = ("facts", 0)

_COUNTERS_PER_KIND = 1 << 16
_ALL_INVALID_INDEX, _ANY_WRITE_INDEX = 0, 1
# MOVIE and RATERS share their counters: a rating changes both.
_FIRST_INDEX = {
    **{FACTS[0]: _ALL_INVALID_INDEX, MOVIE: 2, RATERS: 2},
    **{USER: 2 + _COUNTERS_PER_KIND, CALLER: 2 + 2 * _COUNTERS_PER_KIND},
}
_COUNTERS_BYTES = 8 * (2 + 3 * _COUNTERS_PER_KIND)
# Pages of movies that are behind by more changes are made again. The log has room for twice as many, so that no change
# is overwritten while it is read.
MAX_LOGGED_CHANGES = 1024
_BYTES = _COUNTERS_BYTES + 8 * (2 + 2 * MAX_LOGGED_CHANGES * FIELDS_PER_CHANGE)

# How long it may go unnoticed that the file was removed or replaced.
_CHECK_INTERVAL_SECONDS = 1.0

_mapping_numbers = itertools.count()
# For each value of a byte, 1 if it is odd.
_PARITIES = bytes(value & 1 for value in range(256))


class _RatingLog:
    """A ring with the latest MovieChanges, in integers of shared memory; one process at a time writes, all read.

    The position of a change is the number of changes that were ever written before it.
    """

    def __init__(self, memory: memoryview) -> None:
        cells = memory.cast("q")
        # The position after the last change, and that after the changes of transactions that have ended.
        self._positions = cells[:2]
        self._changes = cells[2:]

    def begin(self, changes: Collection[MovieChange]) -> None:
        """Write the changes of a transaction before its COMMIT."""
        begun = self._positions[0]
        # If there are more, no page is compared with them.
        if len(changes) <= MAX_LOGGED_CHANGES:
            for position, change in enumerate(changes, begun):
                first = self._find(position)
                self._changes[first : first + FIELDS_PER_CHANGE] = array("q", change)
        self._positions[0] = begun + len(changes)

    def end(self) -> None:
        """Mark the changes as those of transactions that have ended, which any later read shows."""
        self._positions[1] = self._positions[0]

    def is_valid(self, page: ListedMovies) -> bool:
        """Return True if no change since the first call, which comes before the page is read, changes the page."""
        position, begun = page.position, self._positions[0]
        if position is None:
            page.position = self._positions[1]
            return True
        if position == begun:
            return True
        first, end = self._find(position), self._find(begun)
        changes = self._changes[first:end] if first < end else [*self._changes[first:], *self._changes[:end]]
        is_changed = page.is_changed_by(list(changes))
        # Checked last: others may have been written over the changes that were read.
        if is_changed or self._positions[0] - position > MAX_LOGGED_CHANGES:
            return False
        page.position = begun
        return True

    def _find(self, position: int) -> int:
        return position * FIELDS_PER_CHANGE % len(self._changes)


class _Mapping(NamedTuple):
    number: int
    identity: Identity | None
    counters: memoryview
    log: _RatingLog


class CacheVersions:
    """The versions of one database, in `file`, which is created if it does not exist, and mapped when it is needed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._mapping: _Mapping | None = None
        self._check_at = 0.0

    @staticmethod
    def get_file(database: Path) -> Path:
        """Return the file that holds the versions of a database."""
        return database.with_name(f".{database.name}.versions")

    def get(self, subject: Subject | None) -> tuple[int, int, int] | None:
        """Return the version of responses about the subject (None: about anything), or None while it changes.

        Versions of different files never compare equal. Raise OSError if the file can't be opened.
        """
        mapping = self._get_mapping()
        everything = mapping.counters[_ALL_INVALID_INDEX]
        if isinstance(subject, ListedMovies):
            version = int(not mapping.log.is_valid(subject))
        elif subject is None:
            version = mapping.counters[_ANY_WRITE_INDEX]
        else:
            version = mapping.counters[_FIRST_INDEX[subject[0]] + subject[1] % _COUNTERS_PER_KIND]
        return None if (everything | version) & 1 else (mapping.number, everything, version)

    @contextmanager
    def invalidating(self, writes: Iterable[Collection[Change] | None]) -> Iterator[None]:
        """Invalidate responses about what each write changes; None invalidates all.

        The caller commits inside the block, and holds the write lock. Raise OSError if the file can't be opened.
        """
        mapping = self._get_mapping()
        counters = mapping.counters
        if counters[_ANY_WRITE_INDEX] & 1:
            # A writer was killed, and left its versions odd.
            for index in _find_odd(counters) - {_ANY_WRITE_INDEX}:
                counters[index] += 1
        indexes, movie_changes = set[int](), list[MovieChange]()
        for changes in writes:
            if changes is None:
                indexes.add(_ALL_INVALID_INDEX)
            for kind, key, *ratings in changes or ():
                indexes.add(_FIRST_INDEX[kind] + key % _COUNTERS_PER_KIND)
                if kind == MOVIE:
                    movie_changes.append((key, *(ratings or UNKNOWN_RATINGS)))
        # This counter becomes odd first and even last, so that the next writer notices that this one was killed.
        counters[_ANY_WRITE_INDEX] |= 1
        for index in indexes:
            counters[index] |= 1
        mapping.log.begin(movie_changes)
        try:
            yield
        finally:
            mapping.log.end()
            for index in indexes:
                counters[index] += 1
            counters[_ANY_WRITE_INDEX] += 1

    def close(self) -> None:
        """Unmap the file once no thread reads it; it is mapped again when needed."""
        self._mapping = None

    def _get_mapping(self) -> _Mapping:
        mapping, now = self._mapping, time.monotonic()
        if mapping is None or now >= self._check_at:
            if mapping is None or mapping.identity != read_identity(self._file):
                # Another thread may be reading the earlier one, which is unmapped after that.
                mapping = self._mapping = _map(self._file)
            self._check_at = now + _CHECK_INTERVAL_SECONDS
        return mapping


def _find_odd(counters: memoryview) -> set[int]:
    """Return the indexes of the odd versions; a loop over all of them takes ten times as long."""
    lowest_byte = 0 if sys.byteorder == "little" else counters.itemsize - 1
    parities = counters.cast("B")[lowest_byte :: counters.itemsize].tobytes().translate(_PARITIES)
    return {match.start() for match in re.finditer(b"\x01", parities)}


def _map(file: Path) -> _Mapping:
    with file.open("ab") as opened:
        # Only make it longer: reading mapped memory beyond the end of its file kills the process (SIGBUS).
        if opened.tell() < _BYTES:
            opened.truncate(_BYTES)
    with file.open("r+b") as opened:
        if hasattr(os, "posix_fallocate"):
            # On a full disk this fails, where writing to mapped memory would kill the process.
            os.posix_fallocate(opened.fileno(), 0, _BYTES)
        memory = memoryview(mmap.mmap(opened.fileno(), _BYTES))
        counters, log = memory[:_COUNTERS_BYTES].cast("Q"), _RatingLog(memory[_COUNTERS_BYTES:])
        return _Mapping(next(_mapping_numbers), read_identity(opened.fileno()), counters, log)
