"""WriteLock that writers of several processes take, and the versions that tell all of them what has changed.

A lock on a file, because SQLite makes a busy writer sleep and try again, in no order. The versions of what a
transaction changes move with its commit, while nobody else has the turn.
"""

import functools
import io
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import Engine

from movierating.errors import Unavailable
from movierating.storage import storage_errors
from movierating.storage.cache_versions import CacheVersions, Subject
from movierating.storage.sqlite.database_file import identity

try:
    import fcntl
except ImportError:  # pragma: no cover  # Windows, where SQLite's own waiting has to do
    fcntl = None  # type: ignore[assignment]

_LOOK_SECONDS = 0.01

# How long a file of ours that was removed or replaced may go unnoticed.
_CHECK_INTERVAL_SECONDS = 1.0


class WriteLock:
    """The files beside one database by which its writers take turns; each process has its own of these."""

    def __init__(self) -> None:
        self._lock = _LockFile()
        self._versions: CacheVersions | None = None
        self._settled: CacheVersions | None = None
        self._check_at = 0.0
        self.long = LongWriteLock()

    def take(self, engine: Engine) -> AbstractContextManager[None]:
        """A turn, which comes when no other process has it. Raises InsufficientStorage or Unavailable."""
        if not _are_taken(engine):
            return nullcontext()
        return _locked(self._lock.opened(_files(str(engine.url.database)).lock))

    @contextmanager
    def invalidating(self, engine: Engine, invalidates: Collection[Subject] | None) -> Iterator[None]:
        """For a transaction in one's turn that changes no answers about others than `invalidates`; None for any.

        The commit comes before the end of the block. Raises InsufficientStorage or Unavailable.
        """
        if not _are_taken(engine):
            yield
            return
        with _told_of_the_disk():
            versions = self.versions(engine)
        if self._settled is not versions:
            versions.recover()
            self._settled = versions
        with versions.invalidating(invalidates):
            yield

    def versions(self, engine: Engine) -> CacheVersions:
        """Those that move with what is written. Raises OSError where there can't be any."""
        if not _are_taken(engine):
            raise OSError("the writers of different processes don't take turns")
        file, versions = _files(str(engine.url.database)).versions, self._versions
        if time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + _CHECK_INTERVAL_SECONDS
            # It is not closed: another thread may be reading it.
            if versions is not None and versions.identity != identity(file):
                versions = None
        if versions is None:
            versions = self._versions = CacheVersions(file)
        return versions

    def close(self) -> None:
        """Let go of the files; they open again when needed."""
        self._lock.close()
        self.long.close()
        if self._versions is not None:
            self._versions.close()
            self._versions = self._settled = None


class LongWriteLock:
    """WriteLock of long transactions, of which all processes together have one at a time and then leave others room.

    Who has one takes his place among the other writers only then, so that nobody queues behind two of them.
    """

    def __init__(self) -> None:
        self._lock = _LockFile()
        self._among_threads = threading.Lock()
        # Where there are no locks on files, this process is on its own.
        self._in_memory = io.BytesIO()

    @contextmanager
    def take(self, engine: Engine, others_write: Callable[[], bool], patience: float) -> Iterator[None]:
        """A turn; behind another's, others in this process have as long as that took, if any want to write.

        Raises InsufficientStorage, and Unavailable also after `patience` seconds behind others of this process.
        """
        if not self._among_threads.acquire(timeout=patience):
            raise Unavailable("The database is busy; try again shortly.")
        try:
            with self._alone(engine) as last:
                ended_at, seconds = _read(last)
                until = ended_at + seconds
                # What was noted before the machine started anew is of another clock.
                while others_write() and ended_at <= time.monotonic() < until:
                    time.sleep(_LOOK_SECONDS)
                began_at = time.monotonic()
                try:
                    yield
                finally:
                    _note(last, time.monotonic() - began_at)
        finally:
            self._among_threads.release()

    @contextmanager
    def _alone(self, engine: Engine) -> Iterator[IO[bytes]]:
        if not _are_taken(engine):
            yield self._in_memory
            return
        file = self._lock.opened(_files(str(engine.url.database)).long_lock)
        with _locked(file):
            yield file

    def close(self) -> None:
        """Let go of the file, unless a transaction is under way."""
        if self._among_threads.acquire(blocking=False):
            self._lock.close()
            self._among_threads.release()


class _LockFile:
    """A file to lock, opened anew where another one is found in its place."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None

    def opened(self, path: Path) -> IO[bytes]:
        """The file. Raises InsufficientStorage or Unavailable where it can't be made."""
        if self._file is not None and identity(path) != identity(self._file.fileno()):
            self.close()
        if self._file is None:
            with _told_of_the_disk():
                self._file = path.open("a+b", buffering=0)
        return self._file

    def close(self) -> None:
        """Let go of it; it opens again when needed."""
        if self._file is not None:
            self._file.close()
            self._file = None


# When the last long transaction ended, by the clock that all processes of a machine share, and how long it took.
_LAST = struct.Struct("dd")


def _read(file: IO[bytes]) -> tuple[float, float]:
    file.seek(0)
    noted = file.read(_LAST.size)
    return _LAST.unpack(noted) if len(noted) == _LAST.size else (0.0, 0.0)


def _note(file: IO[bytes], seconds: float) -> None:
    # Without room for it, others go without theirs.
    with suppress(OSError):
        file.seek(0)
        file.truncate()
        file.write(_LAST.pack(time.monotonic(), seconds))


def _are_taken(engine: Engine) -> bool:
    return fcntl is not None and engine.dialect.name == "sqlite"


class _Files(NamedTuple):
    lock: Path
    long_lock: Path
    versions: Path
    database: Path


# To put a path together takes as long as to ask what is there, and each transaction would do it several times.
@functools.lru_cache(16)
def _files(database: str) -> _Files:
    """The files beside a database, which need not exist."""
    path = Path(database)
    writers, long_writers = (path.with_name(f".{path.name}.{name}") for name in ("writers", "long-writers"))
    return _Files(writers, long_writers, CacheVersions.get_file(path), path)


@contextmanager
def _told_of_the_disk() -> Iterator[None]:
    """Raises InsufficientStorage or Unavailable where a file of ours can't be made; a job's own files are its own."""
    try:
        yield
    except OSError as error:
        raise storage_errors.from_os_error(error) from error


@contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
