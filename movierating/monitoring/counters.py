"""Counts of what happened, exact across workers and their restarts; `metrics` shows them.

To count is to add to a dict. About once a second a thread adds what came together to an SQLite file, where all
processes' counts meet, so that one that ends takes nothing along and no total ever falls.
"""

import json
import os
import sqlite3
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

FAILED_LOGINS = "failed_logins"
RATINGS_WRITTEN = "ratings_written"
SIGN_UPS = "sign_ups"
WRITE_WAIT, WRITE_TRANSACTION = "write_wait_seconds", "write_transaction_seconds"

# A histogram's upper bounds in seconds: a movie is read in a millisecond or two, a password hashed in a hundred.
BUCKET_BOUNDS = (
    "0.001",
    "0.0025",
    "0.005",
    "0.01",
    "0.025",
    "0.05",
    "0.1",
    "0.25",
    "0.5",
    "1.0",
    "2.5",
    "5.0",
    "+Inf",
)
_BOUNDS = [float(bound) for bound in BUCKET_BOUNDS]

FLUSH_INTERVAL_SECONDS = 1.0

_TABLE = "CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, total REAL NOT NULL) WITHOUT ROWID"
_ADD = "INSERT INTO counts VALUES (?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total"

_lock = threading.Lock()
# Held from the taking of fresh counts to their commit: who flushes next finds in the file what was taken before.
_flushing = threading.Lock()
_pending: Counter[tuple[str, ...]] = Counter()
_file: Path | None = None
_thread: threading.Thread | None = None


def set_file(file: Path) -> None:
    """Add this process's counts to the SQLite file `file` from now on; it need not exist."""
    global _file
    with suppress(sqlite3.Error):
        flush()
    with _lock:
        _file = file
        _pending.clear()


def increment(*key: str, amount: float = 1) -> None:
    """Add `amount` to the total of `key`: a name and the values of its labels."""
    add({key: amount})


def add(counts: Mapping[tuple[str, ...], float], start: bool = True) -> None:
    """As `count`, for many at once. Without `start` they wait until something else is counted or totals are asked for.

    A process that is about to fork must start no thread.
    """
    with _lock:
        for key, amount in counts.items():
            _pending[key] += amount  # type: ignore[assignment]
    if start:
        _start()


def to_histogram(key: tuple[str, ...], seconds: Sequence[float]) -> dict[tuple[str, ...], float]:
    """Return the increments for observed seconds: their sum, and the count per bucket of BUCKET_BOUNDS."""
    found: dict[tuple[str, ...], float] = {(*key, "sum"): sum(seconds)}
    for each in seconds:
        bucket = (*key, BUCKET_BOUNDS[bisect_left(_BOUNDS, each)])
        found[bucket] = found.get(bucket, 0) + 1
    return found


def read_totals() -> dict[tuple[str, ...], float]:
    """Each key's total over all processes that share the file. Raises sqlite3.Error."""
    # What was shown must be in the file, or a worker that is killed would make it fall; what finds no room there waits.
    with suppress(sqlite3.Error):
        flush()
    with closing(_open()) as connection:
        return {tuple(json.loads(key)): total for key, total in connection.execute("SELECT * FROM counts")}


def _start() -> None:
    global _thread
    with _lock:
        if _thread is None:
            _thread = threading.Thread(target=_flush_until_exit, name="counters", daemon=False)
            _thread.start()


def flush() -> None:
    """Add what this process counted to the file. Raises sqlite3.Error, and keeps the counts for the next time."""
    with _flushing:
        with _lock:
            fresh = dict(_pending) if _file else {}
            _pending.clear()
        try:
            _add(fresh)
        except sqlite3.Error:
            with _lock:
                _pending.update(fresh)
            raise


def _add(fresh: Mapping[tuple[str, ...], float]) -> None:
    if fresh:
        with closing(_open()) as connection, connection:
            connection.executemany(_ADD, [(json.dumps(key), amount) for key, amount in fresh.items()])


def _open() -> sqlite3.Connection:
    connection = sqlite3.connect(_file or ":memory:")
    connection.execute(_TABLE)
    return connection


def _flush_until_exit() -> None:
    # No daemon (as it would be by its parent, a thread of the server), so that the last counts are written however a
    # worker or a command comes to its end.
    main = threading.main_thread()
    while main.is_alive():
        main.join(FLUSH_INTERVAL_SECONDS)
        with suppress(sqlite3.Error):
            flush()


def _reset_after_fork() -> None:
    """A forked process starts from nothing: its parent writes what it had, and threads don't come along."""
    global _lock, _flushing, _thread
    _lock, _flushing, _thread = threading.Lock(), threading.Lock(), None
    _pending.clear()


os.register_at_fork(after_in_child=_reset_after_fork)
