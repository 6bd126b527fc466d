"""Threads of the server's main process, which work until the server stops."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def running_in_background(
    work: Callable[[threading.Event], object], name: str, stop_timeout: float
) -> Iterator[None]:
    """Call `work(stopping)` in a thread until the end of the block, where the event `stopping` is set.

    `work` must return then; wait for that for at most `stop_timeout` seconds.
    """
    stopping = threading.Event()
    thread = threading.Thread(target=work, args=(stopping,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(stop_timeout)
