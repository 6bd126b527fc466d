"""Turns that writers of several processes take, and the versions that tell all of them what has changed.

A lock on a file, because SQLite makes a busy writer sleep and try again, in no order. The versions of what a
transaction changes move with its commit, while nobody else has the turn.
"""

import functools
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import Engine

from movierating import outages
from movierating.database_file import identity
from movierating.versions import Versions

try:
    import fcntl
except ImportError:  # pragma: no cover  # Windows, where SQLite's own waiting has to do
    fcntl = None  # type: ignore[assignment]


class Turns:
    """The files beside one database by which its writers take turns; each process has its own of these."""

    def __init__(self) -> None:
        self._lock_file: IO[bytes] | None = None
        self._versions: Versions | None = None

    def take(self, engine: Engine) -> AbstractContextManager[None]:
        """A turn, which comes when no other process has it. Raises InsufficientStorage or Unavailable."""
        if not _are_taken(engine):
            return nullcontext()
        path = _files(str(engine.url.database)).lock
        if self._lock_file is not None and identity(path) != identity(self._lock_file.fileno()):
            self._lock_file.close()
            self._lock_file = None
        if self._lock_file is None:
            with _told_of_the_disk():
                self._lock_file = path.open("ab")
        return _locked(self._lock_file)

    def changing(self, engine: Engine, movie_ids: Collection[int] | None) -> AbstractContextManager[None]:
        """For a transaction in one's turn that changes no movie's own answer but those of `movie_ids`; None for any.

        Raises InsufficientStorage or Unavailable.
        """
        if not _are_taken(engine):
            return nullcontext()
        self.look_for_versions(engine)
        first = self._versions is None
        with _told_of_the_disk():
            versions = self.versions(engine)
        if first:
            versions.settle()
        return versions.changing(movie_ids)

    def look_for_versions(self, engine: Engine) -> None:
        """Let go of versions whose file is not where other processes look for it."""
        known = self._versions
        if known is not None and known.identity != identity(_files(str(engine.url.database)).versions):
            # Not closed: another thread may be reading it.
            self._versions = None

    def versions(self, engine: Engine) -> Versions:
        """Those that move with what is written. Raises OSError where there can't be any."""
        if not _are_taken(engine):
            raise OSError("the writers of different processes don't take turns")
        versions = self._versions
        if versions is None:
            versions = self._versions = Versions(_files(str(engine.url.database)).versions)
        return versions

    def close(self) -> None:
        """Let go of the files; they open again when needed."""
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None
        if self._versions is not None:
            self._versions.close()
            self._versions = None


def _are_taken(engine: Engine) -> bool:
    return fcntl is not None and engine.dialect.name == "sqlite"


class _Files(NamedTuple):
    lock: Path
    versions: Path


# To put a path together takes as long as to ask what is there, and each transaction would do it several times.
@functools.lru_cache(16)
def _files(database: str) -> _Files:
    """The files beside a database, which need not exist."""
    path = Path(database)
    return _Files(path.with_name(f".{path.name}.writers"), Versions.file_of(path))


@contextmanager
def _told_of_the_disk() -> Iterator[None]:
    """Raises InsufficientStorage or Unavailable where a file of ours can't be made; a job's own files are its own."""
    try:
        yield
    except OSError as error:
        raise outages.of_disk(error) from error


@contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
