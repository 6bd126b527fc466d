"""Store rate limits in an SQLite file that all worker processes share.

Importing this module registers the URI scheme `movierating+sqlite` with the `limits` library. The storage supports
the fixed-window strategy: a window starts at its first hit, and a hit is one statement, so no hit is lost or counted
twice. Sliding windows would need a transaction per hit, and limits of a few hits a minute don't need them.
"""

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

from limits.storage import Storage

SCHEME = "movierating+sqlite"
BUSY_TIMEOUT_SECONDS = 1.0
# A hit may wait this long for other threads and processes, between the reading of the clock and the statement.
MAX_WAIT_SECONDS = 10.0
PURGE_INTERVAL_SECONDS = 60.0
# No limit has a longer window. A row that expires later was written while the clock was ahead, and is ignored.
MAX_WINDOW_SECONDS = 86_400

# NORMAL may lose the newest hits in a power cut, but never damages the file; OFF could.
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
    hits = excluded.hits + iif(expires_at > :now AND expires_at <= excluded.expires_at + :max_wait, hits, 0),
    expires_at = iif(expires_at > :now, min(expires_at, excluded.expires_at), excluded.expires_at)
RETURNING hits
"""
_GET = (
    "SELECT hits, expires_at FROM counters WHERE key = :key AND expires_at > :now AND expires_at <= :latest"
)
_PURGE = "DELETE FROM counters WHERE expires_at <= :now OR expires_at > :latest"


class SQLiteStorage(Storage):
    """A storage of the `limits` library. Every method raises sqlite3.Error if the file can't be used.

    The file is opened at the first hit, and again after an error. Keys are stored as digests: they contain addresses
    and account names, which must not be on disk, and may have any length.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  (declared by the base class)

    def __init__(self, uri: str = "", *, path: Path, **options: Any) -> None:
        """Use the file at `path`."""
        super().__init__(uri, **options)
        self._path = path
        self._purged_at = 0.0
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._close: Callable[[], object] = lambda: None

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return the exception that every method may raise."""
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count a hit and return the hits of the window, which ends `expiry` seconds after its first hit."""
        now = time.time()
        values = {"amount": amount, "now": now, "expiry": expiry, "max_wait": MAX_WAIT_SECONDS}
        ((hits,),) = self._run(_HIT, key=digest(key), **values)
        if abs(now - self._purged_at) >= PURGE_INTERVAL_SECONDS:
            self._purged_at = now
            self._purge(now)
        return int(hits)

    def get(self, key: str) -> int:
        """Return the hits of the current window, or 0."""
        return int(self._get_window(key)[0])

    def get_expiry(self, key: str) -> float:
        """Return when the current window ends, in seconds since 1970, or the time now if there is none."""
        return self._get_window(key)[1]

    def check(self) -> bool:
        """Return True if the file can be written."""
        try:
            self._purge(time.time())
        except sqlite3.Error:
            return False
        return True

    def reset(self) -> int:
        """Delete all windows and return their number."""
        return len(self._run("DELETE FROM counters RETURNING key"))

    def clear(self, key: str) -> None:
        """Delete one window."""
        self._run("DELETE FROM counters WHERE key = :key", key=digest(key))

    def _get_window(self, key: str) -> tuple[float, ...]:
        """Return the hits and the end of the current window."""
        now = time.time()
        rows = self._run(_GET, key=digest(key), now=now, latest=now + MAX_WINDOW_SECONDS)
        return rows[0] if rows else (0, now)

    def _purge(self, now: float) -> None:
        self._run(_PURGE, now=now, latest=now + MAX_WINDOW_SECONDS)

    def _run(self, statement: str, **values: object) -> list[tuple[float, ...]]:
        with self._lock:
            try:
                connection = self._connection or self._connect()
                return connection.execute(statement, values).fetchall()
            except sqlite3.Error:
                self._close()
                self._connection = None
                raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        # Close at exit, and when the storage is garbage collected.
        self._close = weakref.finalize(self, connection.close)
        _set_up(connection)
        self._connection = connection
        return connection


def _set_up(connection: sqlite3.Connection) -> None:
    # SQLite's busy timeout does not apply when several processes switch a new file to WAL at once.
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.executescript(_SETUP)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(BUSY_TIMEOUT_SECONDS / 100)


def digest(key: str) -> bytes:
    """Return the digest under which a key is stored."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
