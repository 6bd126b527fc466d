"""Count events, exactly across workers and restarts; `metrics` shows the totals.

Counting adds to a dict. Once a second a thread adds the pending counts to an SQLite file that all processes share, so
no count is lost when a process ends, and no total ever falls.
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

# Upper bounds in seconds: reading a movie takes a millisecond or two, hashing a password a hundred.
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
# Held from taking the pending counts to their commit, so that the next flush finds them in the file.
_flushing = threading.Lock()
_pending: Counter[tuple[str, ...]] = Counter()
_file: Path | None = None
_thread: threading.Thread | None = None


def set_file(file: Path) -> None:
    """Add this process's counts to an SQLite file from now on; it need not exist."""
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
    """Add many counts. Without `start`, they are flushed with the next counts or by `read_totals`.

    A process that is about to fork must not start a thread.
    """
    with _lock:
        for key, amount in counts.items():
            _pending[key] += amount  # type: ignore[assignment]
    if start:
        _start_thread()


def to_histogram(key: tuple[str, ...], seconds: Sequence[float]) -> dict[tuple[str, ...], float]:
    """Return the increments for observed seconds: their sum, and the count per bucket of BUCKET_BOUNDS."""
    increments: dict[tuple[str, ...], float] = {(*key, "sum"): sum(seconds)}
    for duration in seconds:
        bucket = (*key, BUCKET_BOUNDS[bisect_left(_BOUNDS, duration)])
        increments[bucket] = increments.get(bucket, 0) + 1
    return increments


def read_totals() -> dict[tuple[str, ...], float]:
    """Return each key's total over all processes that share the file. Raise sqlite3.Error."""
    # A total that was shown must be in the file, or it would fall when a worker is killed. If the file can't be
    # written, the pending counts wait.
    with suppress(sqlite3.Error):
        flush()
    with closing(_open()) as connection:
        return {tuple(json.loads(key)): total for key, total in connection.execute("SELECT * FROM counts")}


def _start_thread() -> None:
    global _thread
    with _lock:
        if _thread is None:
            _thread = threading.Thread(target=_flush_until_exit, name="counters", daemon=False)
            _thread.start()


def flush() -> None:
    """Add the pending counts to the file. Raise sqlite3.Error, and keep the counts for the next flush."""
    with _flushing:
        with _lock:
            counts = dict(_pending) if _file else {}
            _pending.clear()
        try:
            _write(counts)
        except sqlite3.Error:
            with _lock:
                _pending.update(counts)
            raise


def _write(counts: Mapping[tuple[str, ...], float]) -> None:
    if counts:
        with closing(_open()) as connection, connection:
            connection.executemany(_ADD, [(json.dumps(key), amount) for key, amount in counts.items()])


def _open() -> sqlite3.Connection:
    connection = sqlite3.connect(_file or ":memory:")
    connection.execute(_TABLE)
    return connection


def _flush_until_exit() -> None:
    # Not a daemon thread (which it would inherit from a thread of the server), so that the last counts are written
    # however the process exits.
    main = threading.main_thread()
    while main.is_alive():
        main.join(FLUSH_INTERVAL_SECONDS)
        with suppress(sqlite3.Error):
            flush()


def _reset_after_fork() -> None:
    """Start a forked process without counts, which its parent writes, and without the thread, which a fork loses."""
    global _lock, _flushing, _thread
    _lock, _flushing, _thread = threading.Lock(), threading.Lock(), None
    _pending.clear()


os.register_at_fork(after_in_child=_reset_after_fork)
