"""Processes that the server starts: its workers, and the one that loads the catalogue."""

import gc
import logging
import multiprocessing
import os
import signal
import threading

_ALLOCATIONS_PER_COLLECTION = 20_000


def follow_parent() -> None:
    """Make this process stop when the server's main process stops, however that ends."""
    _block_sigint()
    threading.Thread(target=_stop_with_parent, daemon=True).start()


def reduce_collections() -> None:
    """Make garbage collections rare, after the application was created."""
    # Objects made so far live as long as the process. A full collection would scan them for 70 ms, and block requests.
    gc.collect()
    gc.freeze()
    # With the default of 700, collections take an eighth of the time of an upload of ten thousand rows.
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, 10, 10)


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
