"""Log and count requests in a thread, after the response.

Formatting, counting and writing a line takes as long as a response from the cache. Lines are at most a fifth of a
second late, several in one write; a process writes its last lines before it exits.
"""

import threading
import time

from movierating.monitoring import counters, logs, metrics
from movierating.monitoring.logs import RequestRecord

FLUSH_INTERVAL_SECONDS = 0.2

_pending: list[RequestRecord] = []
_flush_lock = threading.Lock()
_thread: threading.Thread | None = None


def append(record: RequestRecord) -> None:
    """Add a request to be logged and counted."""
    _pending.append(record)
    if _thread is None:
        _start_thread()


def flush() -> None:
    """Log and count the pending requests."""
    with _flush_lock:
        size = len(_pending)
        records = _pending[:size]
        del _pending[:size]
        if records:
            metrics.count_requests(records)
            logs.log_requests(records)


def _start_thread() -> None:
    global _thread
    with _flush_lock:
        if _thread is None:
            _thread = threading.Thread(target=_flush_until_exit, name="request-log", daemon=False)
            _thread.start()


def _flush_until_exit() -> None:
    # Not a daemon thread, so that the last lines are written however the process exits.
    main = threading.main_thread()
    counters_due = time.monotonic() + counters.FLUSH_INTERVAL_SECONDS
    while main.is_alive():
        main.join(FLUSH_INTERVAL_SECONDS)
        flush()
        if time.monotonic() >= counters_due:
            counters.flush()
            counters_due = time.monotonic() + counters.FLUSH_INTERVAL_SECONDS
    # Requests may have been added while the counts were written.
    flush()
    counters.flush()
