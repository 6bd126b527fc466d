"""Versions of cached responses, in memory that all processes of an instance share; reading one takes no system call.

They are counters in a file that each process maps: one that invalidates all responses, one that every write changes,
and one for each group of movies or users whose ids have the same remainder. A writer makes the counters of what it
changes odd before its COMMIT and even again after it, before it returns; it holds the write lock meanwhile. So a
response made while a version was even is valid until that version changes, and an odd version means unknown.

Writes of other programs change no version.
"""

import itertools
import mmap
import os
import re
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from movierating.storage.sqlite.database_file import Identity, read_identity

# A kind of response and an id: a movie with its statistics, the ratings of a movie with their users, a user with
# ratings, or what a user's sessions may do. Many responses contain a movie's facts or a user's name, so changing one of
# these invalidates everything.
Subject = tuple[str, int]
MOVIE, RATERS, USER, CALLER = "movie", "raters", "user", "caller"
# Responses that show only facts of movies: they become invalid only when all responses do.
FACTS: Subject = ("facts", 0)

_COUNTERS_PER_KIND = 1 << 16
_ALL_INVALID_INDEX, _ANY_WRITE_INDEX = 0, 1
# MOVIE and RATERS share their counters: a rating changes both.
_FIRST_INDEX = {
    **{FACTS[0]: _ALL_INVALID_INDEX, MOVIE: 2, RATERS: 2},
    **{USER: 2 + _COUNTERS_PER_KIND, CALLER: 2 + 2 * _COUNTERS_PER_KIND},
}
_BYTES = 8 * (2 + 3 * _COUNTERS_PER_KIND)

# How long it may go unnoticed that the file was removed or replaced.
_CHECK_INTERVAL_SECONDS = 1.0

_mapping_numbers = itertools.count()
# For each value of a byte, 1 if it is odd.
_PARITIES = bytes(value & 1 for value in range(256))


class _Mapping(NamedTuple):
    number: int
    identity: Identity | None
    counters: memoryview


class CacheVersions:
    """The versions of one database, in `file`, which is created if it does not exist, and mapped when it is needed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._mapping: _Mapping | None = None
        self._check_at = 0.0
        self._recovered_mapping: _Mapping | None = None

    @staticmethod
    def get_file(database: Path) -> Path:
        """Return the file that holds the versions of a database."""
        return database.with_name(f".{database.name}.versions")

    def get(self, subject: Subject | None) -> tuple[int, int, int] | None:
        """Return the version of responses about the subject (None: about anything), or None while it changes.

        Versions of different files never compare equal. Raise OSError if the file can't be opened.
        """
        mapping = self._get_mapping()
        index = (
            _ANY_WRITE_INDEX
            if subject is None
            else _FIRST_INDEX[subject[0]] + subject[1] % _COUNTERS_PER_KIND
        )
        everything, version = mapping.counters[_ALL_INVALID_INDEX], mapping.counters[index]
        return None if (everything | version) & 1 else (mapping.number, everything, version)

    @contextmanager
    def invalidating(self, changes: Iterable[Collection[Subject] | None]) -> Iterator[None]:
        """Invalidate responses about the subjects of each change; a change may be None, which invalidates all.

        COMMIT inside the block, holding the write lock. Raise OSError if the file can't be opened.
        """
        mapping = self._get_mapping()
        counters = mapping.counters
        if self._recovered_mapping is not mapping:
            # A killed writer left its versions odd.
            for index in _find_odd(counters):
                counters[index] += 1
            self._recovered_mapping = mapping
        indexes = {_ANY_WRITE_INDEX}
        for subjects in changes:
            indexes.update(
                [_ALL_INVALID_INDEX]
                if subjects is None
                else [_FIRST_INDEX[kind] + key % _COUNTERS_PER_KIND for kind, key in subjects]
            )
        for index in indexes:
            counters[index] |= 1
        try:
            yield
        finally:
            for index in indexes:
                counters[index] += 1

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


def _find_odd(counters: memoryview) -> list[int]:
    """Return the indexes of the odd versions; a loop over all of them takes ten times as long."""
    lowest_byte = 0 if sys.byteorder == "little" else counters.itemsize - 1
    parities = counters.cast("B")[lowest_byte :: counters.itemsize].tobytes().translate(_PARITIES)
    return [match.start() for match in re.finditer(b"\x01", parities)]


def _map(file: Path) -> _Mapping:
    with file.open("ab") as opened:
        # Only make it longer: reading mapped memory beyond the end of its file kills the process (SIGBUS).
        if opened.tell() < _BYTES:
            opened.truncate(_BYTES)
    with file.open("r+b") as opened:
        if hasattr(os, "posix_fallocate"):
            # On a full disk this fails, where writing to mapped memory would kill the process.
            os.posix_fallocate(opened.fileno(), 0, _BYTES)
        counters = memoryview(mmap.mmap(opened.fileno(), _BYTES)).cast("Q")
        return _Mapping(next(_mapping_numbers), read_identity(opened.fileno()), counters)
