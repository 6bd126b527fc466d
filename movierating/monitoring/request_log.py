"""Log and count requests in a thread, after the response.

Formatting, counting and writing a line takes as long as a response from the cache. Lines are at most a fifth of a
second late, several in one write; a process writes its last lines before it exits.
"""

import os
import sqlite3
import threading
from contextlib import suppress

from movierating.monitoring import counters, logs, metrics
from movierating.monitoring.logs import RequestRecord

FLUSH_INTERVAL_SECONDS = 0.2

_pending: list[RequestRecord] = []
_flushing = threading.Lock()
_thread: threading.Thread | None = None


def append(record: RequestRecord) -> None:
    """Add a request to be logged and counted."""
    _pending.append(record)
    if _thread is None:
        _start_thread()


def flush() -> None:
    """Log and count the pending requests."""
    with _flushing:
        size = len(_pending)
        records = _pending[:size]
        del _pending[:size]
        if records:
            metrics.count_requests(records)
            logs.log_requests(records)


def _start_thread() -> None:
    global _thread
    with _flushing:
        if _thread is None:
            _thread = threading.Thread(target=_flush_until_exit, name="request-log", daemon=False)
            _thread.start()


def _flush_until_exit() -> None:
    # Not a daemon thread, so that the last lines are written however the process exits.
    main = threading.main_thread()
    while main.is_alive():
        main.join(FLUSH_INTERVAL_SECONDS)
        flush()
    # The counters' own thread may have ended before.
    with suppress(sqlite3.Error):
        counters.flush()


def _reset_after_fork() -> None:
    """Start a forked process without records, which its parent writes, and without the thread, which a fork loses."""
    global _flushing, _thread
    _flushing, _thread = threading.Lock(), None
    _pending.clear()


os.register_at_fork(after_in_child=_reset_after_fork)
