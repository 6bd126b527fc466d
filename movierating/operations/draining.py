"""The end of a worker: after SIGTERM it exits once no request is in progress, even if the server still waits.

Granian waits for every connection, even one that has sent only a part of its headers, or was accepted meanwhile.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import WSGIApplication

from werkzeug.wsgi import ClosingIterator

from movierating.monitoring import counters, request_log

# How long a worker is idle before it exits. In this time the server sends the last responses, and usually ends the
# process itself.
IDLE_SECONDS = 1.5
_CHECK_INTERVAL_SECONDS = 0.1

# The kernel sends it only to processes that ask for it. Windows lacks this signal and `pthread_kill`.
_WAKING_SIGNAL = getattr(signal, "SIGURG", None)


class DrainingApplication:
    """A WSGI application that exits its process when it is idle after SIGTERM. Create it in the main thread."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._requests: set[object] = set()
        # Python writes the number of each signal to this socket; the server's own handler still runs.
        self._signals, signals = socket.socketpair()
        signals.setblocking(False)
        signal.set_wakeup_fd(signals.detach())
        if _WAKING_SIGNAL is not None:
            signal.signal(_WAKING_SIGNAL, _ignore_sigterm)
        threading.Thread(target=self._exit_when_idle, name="draining", daemon=True).start()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Handle a request, which is in progress until the server has its response."""
        request = object()
        self._requests.add(request)
        try:
            response = self._application(environ, start_response)
        except BaseException:
            self._requests.discard(request)
            raise
        if isinstance(response, list):
            self._requests.discard(request)
            return response
        return ClosingIterator(response, lambda: self._requests.discard(request))

    def _exit_when_idle(self) -> None:
        while signal.SIGTERM not in self._signals.recv(16):
            pass
        # Count checks instead of reading the clock: while a machine stalls, time passes and no request can arrive.
        idle_checks = 0
        while idle_checks * _CHECK_INTERVAL_SECONDS < IDLE_SECONDS:
            _interrupt_main_thread()
            time.sleep(_CHECK_INTERVAL_SECONDS)
            idle_checks = 0 if self._requests else idle_checks + 1
        # This exit runs no other thread to its end, such as that of the log.
        request_log.flush()
        counters.flush()
        os._exit(0)


def _interrupt_main_thread() -> None:
    """Let the main thread run the handlers of signals that it has not handled yet, and ignore further SIGTERMs.

    If SIGTERM comes just before a lock of Python makes the main thread wait, as at the start of a busy worker, the
    server's handler would not run, and the worker would go on accepting connections.
    """
    main = threading.main_thread().ident
    if _WAKING_SIGNAL is not None and main is not None:
        signal.pthread_kill(main, _WAKING_SIGNAL)


def _ignore_sigterm(*_: object) -> None:
    # Granian's handler blocks all threads when it is called for the third time. Python runs handlers in the order of
    # the signals' numbers, so the first SIGTERM has been handled by now.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
