"""What was answered: noted in a list while the client waits, and logged and counted a moment later by a thread.

Formatting a line, counting and writing would take as long as answering from the cache does. Lines come a fifth of a
second late at most, several in one write; a process that ends writes its last ones first.
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


def append(answered: RequestRecord) -> None:
    """Let an answered request be logged and counted."""
    _pending.append(answered)
    if _thread is None:
        _start()


def flush() -> None:
    """Log and count what was noted so far."""
    with _flushing:
        taken = len(_pending)
        answered = _pending[:taken]
        del _pending[:taken]
        if answered:
            metrics.count_requests(answered)
            logs.log_requests(answered)


def _start() -> None:
    global _thread
    with _flushing:
        if _thread is None:
            _thread = threading.Thread(target=_flush_until_exit, name="request-log", daemon=False)
            _thread.start()


def _flush_until_exit() -> None:
    # No daemon, so that the last lines are written however a worker or a command comes to its end.
    main = threading.main_thread()
    while main.is_alive():
        main.join(FLUSH_INTERVAL_SECONDS)
        flush()
    # The counters' own thread may have come to its end before.
    with suppress(sqlite3.Error):
        counters.flush()


def _reset_after_fork() -> None:
    """A forked process starts from nothing: its parent writes what it had, and threads don't come along."""
    global _flushing, _thread
    _flushing, _thread = threading.Lock(), None
    _pending.clear()


os.register_at_fork(after_in_child=_reset_after_fork)
