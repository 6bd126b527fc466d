"""The lock that writers of several processes take in turn, and the cache versions that change with their commits.

It is a lock on a file, because SQLite makes a busy writer sleep and try again, in no order.
"""

import functools
import io
import struct
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import Engine

from movierating.storage import storage_errors
from movierating.storage.cache_versions import CacheVersions, Subject
from movierating.storage.sqlite.database_file import identity
from movierating.storage.sqlite.file_lock import FileLock, is_supported

# How long a versions file that was removed or replaced may go unnoticed.
_CHECK_INTERVAL_SECONDS = 1.0

_MAX_PAUSE_SECONDS = 10.0
_POLL_INTERVAL_SECONDS = 0.01


class WriteLock:
    """The lock of one database's writers; each process has its own of these."""

    def __init__(self) -> None:
        self._lock = FileLock()
        self._versions: CacheVersions | None = None
        self._recovered: CacheVersions | None = None
        self._check_at = 0.0
        self.long = LongWriteLock()

    def take(self, engine: Engine, timeout: float) -> AbstractContextManager[object]:
        """Hold the lock until the end of the block.

        Raises InsufficientStorage, and Unavailable after `timeout` seconds.
        """
        if not _has_file_locks(engine):
            return nullcontext()
        return self._lock.hold(_files(str(engine.url.database)).lock, timeout)

    @contextmanager
    def invalidating(self, engine: Engine, invalidates: Collection[Subject] | None) -> Iterator[None]:
        """Invalidate cached responses about these invalidates, None for all; COMMIT inside the block, holding the lock.

        Raises InsufficientStorage or Unavailable.
        """
        if not _has_file_locks(engine):
            yield
            return
        try:
            versions = self.versions(engine)
        except OSError as error:
            raise storage_errors.from_os_error(error) from error
        if self._recovered is not versions:
            versions.recover()
            self._recovered = versions
        with versions.invalidating(invalidates):
            yield

    def versions(self, engine: Engine) -> CacheVersions:
        """Return the cache versions of the database. Raises OSError if there can't be any."""
        if not _has_file_locks(engine):
            raise OSError("the writers of different processes take no turns")
        file, versions, now = _files(str(engine.url.database)).versions, self._versions, time.monotonic()
        if now >= self._check_at:
            self._check_at = now + _CHECK_INTERVAL_SECONDS
            # It is not closed: another thread may be reading it.
            if versions is not None and versions.identity != identity(file):
                versions = None
        if versions is None:
            versions = self._versions = CacheVersions(file)
        return versions

    def close(self) -> None:
        """Close the files; they open again when needed."""
        self._lock.close()
        if self._versions is not None:
            self._versions.close()
            self._versions = self._recovered = None


# Until when the next long transaction lets others write, by the clock that all processes of a machine share.
_PAUSED_UNTIL = struct.Struct("d")


class LongWriteLock:
    """The lock of long transactions: all processes together run one at a time, and then let others write.

    A long transaction queues with the other writers only while it holds this, so nobody queues behind two of them.
    """

    def __init__(self) -> None:
        self._lock = FileLock()
        # Where there are no locks on files, this process is on its own.
        self._in_memory = io.BytesIO()

    @contextmanager
    def take(self, engine: Engine, others_write: Callable[[], bool], timeout: float) -> Iterator[None]:
        """Hold the lock until the end of the block; first pause for as long as the last one took, if others write.

        Raises InsufficientStorage, and Unavailable after `timeout` seconds.
        """
        with self._hold(engine, timeout) as file:
            # The pause is bounded, for what was noted before the machine started again is of another clock.
            until = min(_read(file), time.monotonic() + _MAX_PAUSE_SECONDS)
            while others_write() and time.monotonic() < until:
                time.sleep(_POLL_INTERVAL_SECONDS)
            began_at = time.monotonic()
            try:
                yield
            finally:
                now = time.monotonic()
                _note(file, now + now - began_at)

    def _hold(self, engine: Engine, timeout: float) -> AbstractContextManager[IO[bytes]]:
        if not _has_file_locks(engine):
            return nullcontext(self._in_memory)
        return self._lock.hold(_files(str(engine.url.database)).long_lock, timeout)

    def close(self) -> None:
        """Close the file, while no thread holds the lock."""
        self._lock.close()


def _read(file: IO[bytes]) -> float:
    file.seek(0)
    noted = file.read(_PAUSED_UNTIL.size)
    return float(_PAUSED_UNTIL.unpack(noted)[0]) if len(noted) == _PAUSED_UNTIL.size else 0.0


def _note(file: IO[bytes], paused_until: float) -> None:
    # On a full disk there is no pause.
    with suppress(OSError):
        file.seek(0)
        file.truncate()
        file.write(_PAUSED_UNTIL.pack(paused_until))


def _has_file_locks(engine: Engine) -> bool:
    return is_supported() and engine.dialect.name == "sqlite"


class _Files(NamedTuple):
    lock: Path
    long_lock: Path
    versions: Path


# To put a path together takes as long as to ask what is there, and each transaction would do it several times.
@functools.lru_cache(16)
def _files(database: str) -> _Files:
    """Return the files beside a database, which need not exist."""
    path = Path(database)
    writers, long_writers = (path.with_name(f".{path.name}.{name}") for name in ("writers", "long-writers"))
    return _Files(writers, long_writers, CacheVersions.get_file(path))
