"""Processes that the server starts: its workers, and the one that loads the catalogue."""

import logging
import multiprocessing
import os
import signal
import threading


def follow_parent() -> None:
    """Make this process stop when the server's main process stops, however that ends."""
    _block_sigint()
    threading.Thread(target=_stop_with_parent, daemon=True).start()


def _block_sigint() -> None:
    """Leave Ctrl-C, which signals the whole process group, to the main process: it sends SIGTERM to its workers.

    Granian's worker does not stop if it gets both signals. Threads started after this call inherit the mask.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    logging.getLogger(__name__).error("the server's main process has ended")
    os.kill(os.getpid(), signal.SIGTERM)
