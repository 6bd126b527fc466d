"""Count events, exactly across workers and restarts; `metrics` shows the totals.

Counting adds to a dict. Once a second, and when a process exits, the thread of `request_log` adds the pending counts to
an SQLite file that all processes share. A killed process loses its pending counts; no total ever falls.
"""

import atexit
import json
import math
import sqlite3
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

FAILED_LOGINS = "failed_logins"
FAILED_TRAININGS = "failed_trainings"
RATINGS_WRITTEN = "ratings_written"
SIGN_UPS = "sign_ups"
WRITE_WAIT, WRITE_TRANSACTION = "write_wait_seconds", "write_transaction_seconds"

# Upper bounds in seconds: reading a movie takes a millisecond or two, hashing a password a hundred.
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
BUCKET_BOUNDS = (*map(str, _BOUNDS), "+Inf")

FLUSH_INTERVAL_SECONDS = 1.0

_TABLE = "CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, total REAL NOT NULL) WITHOUT ROWID"
_ADD = "INSERT INTO counts VALUES (?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total"

_lock = threading.Lock()
# Held from taking the pending counts to their commit, so that the next flush finds them in the file.
_flush_lock = threading.Lock()
_pending: Counter[tuple[str, ...]] = Counter()
_file: Path | None = None


def set_file(file: Path) -> None:
    """Add this process's counts to an SQLite file from now on; it need not exist."""
    global _file
    flush()
    with _lock:
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
    with closing(_open()) as connection:
        return {tuple(json.loads(key)): total for key, total in connection.execute("SELECT * FROM counts")}


@atexit.register
def flush() -> None:
    """Add the pending counts to the file. If it can't be written, they wait for the next flush."""
    with _flush_lock:
        with _lock:
            counts = dict(_pending) if _file else {}
            _pending.clear()
        try:
            if counts:
                with closing(_open()) as connection, connection:
                    connection.executemany(
                        _ADD, [(json.dumps(key), amount) for key, amount in counts.items()]
                    )
        except sqlite3.Error:
            with _lock:
                _pending.update(counts)


def _open() -> sqlite3.Connection:
    connection = sqlite3.connect(_file or ":memory:")
    connection.execute(_TABLE)
    return connection
