"""Count events, exactly across workers and restarts; `metrics` shows the totals.

Counting adds to a dict. Once a second, and when a process exits, the thread of `request_log` adds the pending counts to
an SQLite file that all processes share. A killed process loses its pending counts, and a power cut the latest ones that
are in the file; a new file replaces a damaged one. Otherwise no total ever falls.
"""

import atexit
import json
import math
import os
import sqlite3
import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from movierating.monitoring.logs import logger

FAILED_LOGINS = "failed_logins"
FAILED_TRAININGS = "failed_trainings"
RATINGS_WRITTEN = "ratings_written"
SIGN_UPS = "sign_ups"
WRITE_WAIT, WRITE_TRANSACTION = "write_wait_seconds", "write_transaction_seconds"

# Upper bounds in seconds: reading a movie takes a millisecond or two, hashing a password a hundred.
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
BUCKET_BOUNDS = (*map(str, _BOUNDS), "+Inf")

FLUSH_INTERVAL_SECONDS = 1.0

# With NORMAL a commit does not wait for the disk: a busy one would delay the end of a worker until it is killed.
_SETUP = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, total REAL NOT NULL) WITHOUT ROWID;
"""
# How long a process waits for others that create the file.
_SETUP_TIMEOUT_SECONDS = 1.0
_ADD = "INSERT INTO counts VALUES (?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total"

# What SQLite reports if it can't use the content of a file.
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_lock = threading.Lock()
# Held while the connection is used, and from taking the pending counts to their commit, so that the next flush finds
# them in the file.
_flush_lock = threading.Lock()
_pending: Counter[tuple[str, ...]] = Counter()
_file: Path | None = None
# To open the file for each flush would write the log into it each time, and wait for the disk.
_connection: sqlite3.Connection | None = None
_connected_to: tuple[int, int] | None = None


def set_file(file: Path) -> None:
    """Add this process's counts to an SQLite file from now on; it need not exist."""
    global _file
    flush()
    with _flush_lock, _lock:
        _close()
        _file = file
        _pending.clear()


def increment(*key: str, amount: float = 1) -> None:
    """Add `amount` to the total of `key`: a name and the values of its labels."""
    with _lock:
        _pending[key] += amount  # type: ignore[assignment]


def observe(durations: Mapping[tuple[str, ...], Sequence[float]]) -> None:
    """Add durations in seconds to the histograms of their keys: to their sum, and to a count per BUCKET_BOUNDS."""
    with _lock:
        for key, seconds in durations.items():
            _pending[*key, "sum"] += sum(seconds)  # type: ignore[assignment]
            ascending, counted = sorted(seconds), 0
            for bound, name in zip((*_BOUNDS, math.inf), BUCKET_BOUNDS, strict=True):
                end = bisect_right(ascending, bound, counted)
                if end > counted:
                    _pending[*key, name] += end - counted
                counted = end


def read_totals() -> dict[tuple[str, ...], float]:
    """Return each key's total over all processes that share the file. Raise sqlite3.Error."""
    # A total that was shown must be in the file, or it would fall when a worker is killed.
    flush()
    with _flush_lock:
        try:
            rows = _connect().execute("SELECT key, total FROM counts").fetchall()
        except sqlite3.Error as error:
            _close_broken(error)
            raise
    return {tuple(json.loads(key)): total for key, total in rows}


def flush() -> None:
    """Add the pending counts to the file. If it can't be written, they wait for the next flush."""
    with _flush_lock:
        with _lock:
            counts = dict(_pending) if _file else {}
            _pending.clear()
        try:
            if counts:
                with _connect() as connection:
                    connection.executemany(
                        _ADD, [(json.dumps(key), amount) for key, amount in counts.items()]
                    )
        except sqlite3.Error as error:
            _close_broken(error)
            with _lock:
                _pending.update(counts)


@atexit.register
def _flush_at_exit() -> None:
    flush()
    with _flush_lock:
        _close()


def _connect() -> sqlite3.Connection:
    """Return the connection to the file, opened again if that was removed or replaced. Raise sqlite3.Error."""
    global _connection, _connected_to
    if _connection is not None and _identify_file() == _connected_to:
        return _connection
    _close()
    _connected_to = _identify_file()
    _connection = sqlite3.connect(_file or ":memory:", check_same_thread=False)
    _set_up(_connection)
    _connected_to = _identify_file()
    return _connection


def _set_up(connection: sqlite3.Connection) -> None:
    # SQLite's own timeout does not apply when several processes switch a new file to the write-ahead log at once.
    deadline = time.monotonic() + _SETUP_TIMEOUT_SECONDS
    while True:
        try:
            connection.executescript(_SETUP)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_SETUP_TIMEOUT_SECONDS / 100)


def _close_broken(error: sqlite3.Error) -> None:
    """Close the connection after an error. Set the file aside if it is damaged: it would never be usable again."""
    identity = _connected_to
    _close()
    # Another process may have replaced the file already.
    if (
        _file is None
        or getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED
        or identity != _identify_file()
    ):
        return
    aside = _file.with_name(f"{_file.name}.damaged")
    with suppress(OSError):
        for suffix in ("-wal", "-shm"):
            _file.with_name(_file.name + suffix).unlink(missing_ok=True)
        _file.replace(aside)
        logger.warning(
            "the counters of the metrics are damaged and start again", extra={"fields": {"file": aside}}
        )


def _close() -> None:
    global _connection
    if _connection is not None:
        _connection.close()
        _connection = None


def _identify_file() -> tuple[int, int] | None:
    """Return the device and the inode of the file, None if there is none."""
    with suppress(OSError):
        status = os.stat(_file or "")  # noqa: PTH116  (there may be no file)
        return status.st_dev, status.st_ino
    return None
