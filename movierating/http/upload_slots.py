"""Upload slots: a limited number of a worker's threads may wait for clients that send or receive data slowly.

The server passes a body on as it arrives, and sends a response piece by piece. Meanwhile a thread, of which a worker
has few, waits for the client. A buffering proxy keeps slow clients away. Without one, requests with a body are rejected
while all slots are taken, and requests without one go on.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.types import WSGIApplication

from movierating.errors import Unavailable

# A body that has arrived is read in microseconds. A slot that is taken for longer waits for a slow client.
SLOT_TIMEOUT_SECONDS = 1.0

_SLOTS = "movierating.upload_slots"


class UploadSlots:
    """A limited number of slots for threads that may take long. `message` is for clients that get none."""

    def __init__(self, max_slots: int, message: str) -> None:
        self._max_slots = max_slots
        self._message = message
        self._taken: dict[object, float] = {}
        self._changed = threading.Condition(threading.Lock())

    def acquire(self) -> Callable[[], None]:
        """Take a slot, and return the function that releases it.

        Wait for one for up to SLOT_TIMEOUT_SECONDS. Raise Unavailable if none is free by then, or at once if the oldest
        slot has been taken for longer.
        """
        slot = object()
        with self._changed:
            self._changed.wait_for(lambda: self._is_free() or self._is_stuck(), SLOT_TIMEOUT_SECONDS)
            if not self._is_free():
                raise Unavailable(self._message)
            self._taken[slot] = time.monotonic()
        return lambda: self._release(slot)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a slot until the end of the block. Raise Unavailable as `acquire` does."""
        release = self.acquire()
        try:
            yield
        finally:
            release()

    def _release(self, slot: object) -> None:
        with self._changed:
            if self._taken.pop(slot, None) is not None:
                self._changed.notify()

    def _is_free(self) -> bool:
        return len(self._taken) < self._max_slots

    def _is_stuck(self) -> bool:
        """Return True if the slot that was taken first was taken more than SLOT_TIMEOUT_SECONDS ago."""
        return time.monotonic() - next(iter(self._taken.values())) > SLOT_TIMEOUT_SECONDS


def limit_slow_clients(application: WSGIApplication, max_slots: int) -> WSGIApplication:
    """Return `application` with at most `max_slots` threads that wait for clients at the same time."""
    slots = UploadSlots(max_slots, "Too many clients send or receive data slowly; try again shortly.")

    def with_slots(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[_SLOTS] = slots
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = _Body(environ["wsgi.input"], slots)
        return application(environ, start_response)

    return with_slots


def acquire_client_slot(environ: dict[str, Any]) -> Callable[[], None]:
    """Take a slot for a streamed response, as `UploadSlots.acquire`. Without a limit, no slot is needed."""
    slots: UploadSlots | None = environ.get(_SLOTS)
    return slots.acquire() if slots else lambda: None


class _Body:
    """A request body that takes a slot for each read."""

    def __init__(self, body: Any, slots: UploadSlots) -> None:
        self._body = body
        self._slots = slots
        self._error: Unavailable | None = None

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, fewer only at the end. After Unavailable, raise it again: a part is missing."""
        if self._error is not None:
            raise self._error
        try:
            release = self._slots.acquire()
        except Unavailable as error:
            self._error = error
            raise
        try:
            return bytes(self._body.read(size))
        finally:
            release()
