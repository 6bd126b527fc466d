"""Rate limits kept in an SQLite file, so that they hold across worker processes and restarts without Redis.

Importing this module makes the address scheme `movierating+sqlite` known to the `limits` library. It serves
the fixed-window strategy: a window starts at its first hit, and a hit is one statement, so nothing is lost
or counted twice however many processes count. Sliding windows would have to read and write in one
transaction to even out bursts that limits of this size (a few a minute) don't suffer from.
"""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from limits.storage import Storage

SCHEME = "movierating+sqlite"
BUSY_TIMEOUT_SECONDS = 1.0
PURGE_INTERVAL_SECONDS = 60.0
# No limit has a longer window. A row that expires later was written while the clock was ahead, and is ignored.
MAX_WINDOW_SECONDS = 86_400

# NORMAL loses the newest counts in a power cut and never harms the file, which OFF could.
_SETUP = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS counters (
    key BLOB PRIMARY KEY, hits INTEGER NOT NULL, expires_at REAL NOT NULL
) WITHOUT ROWID;
"""
_HIT = """
INSERT INTO counters (key, hits, expires_at) VALUES (:key, :amount, :now + :expiry)
ON CONFLICT (key) DO UPDATE SET
    hits = excluded.hits + iif(expires_at > :now AND expires_at <= excluded.expires_at, hits, 0),
    expires_at = iif(expires_at > :now, min(expires_at, excluded.expires_at), excluded.expires_at)
RETURNING hits
"""
_GET = (
    "SELECT hits, expires_at FROM counters WHERE key = :key AND expires_at > :now AND expires_at <= :latest"
)
_PURGE = "DELETE FROM counters WHERE expires_at <= :now OR expires_at > :latest"

# One lock for all storages of the process, so that a fork can wait for it.
_lock = threading.Lock()
_storages: "weakref.WeakSet[SQLiteStorage]" = weakref.WeakSet()


def storage_uri(path: Path) -> str:
    """The address under which Flask-Limiter (`RATELIMIT_STORAGE_URI`) finds the limits kept in this file."""
    return path.absolute().as_uri().replace("file", SCHEME, 1)


class SQLiteStorage(Storage):
    """A storage of the `limits` library; every method raises sqlite3.Error where the file can't be used.

    The file is opened at the first hit, and again after an error. Keys are kept as digests: they hold
    addresses and account names, which have no business on disk, and may be of any length.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  (the base class says what it is)

    def __init__(
        self,
        uri: str,
        wrap_exceptions: bool = False,
        clock: Callable[[], float] = time.time,
        **options: float | str | bool,
    ) -> None:
        """Take the address of `storage_uri` and a clock that tells seconds since 1970 to every process."""
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._path = url2pathname(urlsplit(uri).path)
        self._clock = clock
        self._purged_at = 0.0
        self._connection: sqlite3.Connection | None = None
        self._close: Callable[[], object] = lambda: None
        with _lock:
            _storages.add(self)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What every method may raise."""
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count a hit and return the hits of the window, which ends `expiry` seconds after its first."""
        now = self._clock()
        ((hits,),) = self._run(_HIT, key=digest(key), amount=amount, now=now, expiry=expiry)
        if abs(now - self._purged_at) >= PURGE_INTERVAL_SECONDS:
            self._purged_at = now
            self._purge(now)
        return int(hits)

    def get(self, key: str) -> int:
        """Return the hits of the window that is open, 0 where none is."""
        now = self._clock()
        rows = self._run(_GET, key=digest(key), now=now, latest=now + MAX_WINDOW_SECONDS)
        return int(rows[0][0]) if rows else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since 1970, or now where none is open."""
        now = self._clock()
        rows = self._run(_GET, key=digest(key), now=now, latest=now + MAX_WINDOW_SECONDS)
        return float(rows[0][1]) if rows else now

    def check(self) -> bool:
        """Whether the file can be written."""
        try:
            self._purge(self._clock())
        except sqlite3.Error:
            return False
        return True

    def reset(self) -> int:
        """Forget every window and return how many there were."""
        return len(self._run("DELETE FROM counters RETURNING key"))

    def clear(self, key: str) -> None:
        """Forget one window."""
        self._run("DELETE FROM counters WHERE key = :key", key=digest(key))

    def _purge(self, now: float) -> None:
        self._run(_PURGE, now=now, latest=now + MAX_WINDOW_SECONDS)

    def _run(self, statement: str, **values: object) -> list[tuple[float, ...]]:
        with _lock:
            try:
                return self._connected().execute(statement, values).fetchall()
            except sqlite3.Error:
                self._disconnect()
                raise

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
            )
            # Also at exit, and when the application that owned this storage is gone.
            self._close = weakref.finalize(self, self._connection.close)
            _set_up(self._connection)
        return self._connection

    def _disconnect(self) -> None:
        self._close()
        self._connection = None


def _set_up(connection: sqlite3.Connection) -> None:
    # Processes that all turn a new file to WAL at once are refused without SQLite's busy timeout.
    give_up_at = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.executescript(_SETUP)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
        time.sleep(BUSY_TIMEOUT_SECONDS / 100)


def digest(key: str) -> bytes:
    """What stands for a key wherever it is kept."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _before_fork() -> None:
    # A connection that is carried across a fork corrupts the file, or at least its locks.
    _lock.acquire()
    for storage in _storages:
        storage._disconnect()


os.register_at_fork(before=_before_fork, after_in_parent=_lock.release, after_in_child=_lock.release)
