"""What was answered: noted in a list while the client waits, and logged and counted a moment later by a thread.

Formatting a line, counting and writing would take as long as answering from the cache does. Lines come a fifth of a
second late at most, several in one write; a process that ends writes its last ones first.
"""

import os
import sqlite3
import threading
from contextlib import suppress

from movierating.monitoring import counters, logs, metrics
from movierating.monitoring.logs import Answered

FLUSH_SECONDS = 0.2

_noted: list[Answered] = []
_flushing = threading.Lock()
_writer: threading.Thread | None = None


def note(answered: Answered) -> None:
    """Let an answered request be logged and counted."""
    _noted.append(answered)
    if _writer is None:
        _start()


def flush() -> None:
    """Log and count what was noted so far."""
    with _flushing:
        taken = len(_noted)
        answered = _noted[:taken]
        del _noted[:taken]
        if answered:
            metrics.count_answers(answered)
            logs.log_answers(answered)


def _start() -> None:
    global _writer
    with _flushing:
        if _writer is None:
            _writer = threading.Thread(target=_flush_until_exit, name="journal", daemon=False)
            _writer.start()


def _flush_until_exit() -> None:
    # No daemon, so that the last lines are written however a worker or a command comes to its end.
    main = threading.main_thread()
    while main.is_alive():
        main.join(FLUSH_SECONDS)
        flush()
    # The counters' own thread may have come to its end before.
    with suppress(sqlite3.Error):
        counters.flush()


def _forget() -> None:
    """A forked process starts from nothing: its parent writes what it had, and threads don't come along."""
    global _flushing, _writer
    _flushing, _writer = threading.Lock(), None
    _noted.clear()


os.register_at_fork(after_in_child=_forget)
