"""Clients that send or take their bytes slowly: some of a worker's threads may wait for them, and never all.

The server hands a body over as it comes in and takes an answer piece by piece as it goes out. Who reads or writes it
waits in a thread, of which a worker has few, and nothing but the client can wake it. A proxy that buffers keeps such
clients away; without one, whoever sends a body while there is no room is turned away, and calls without one go on.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from movierating.errors import Unavailable

# A body that is there already is read in microseconds; who waits for this long waits for a slow client.
SLOT_TIMEOUT_SECONDS = 1.0

_PLACES = "movierating.places"

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class UploadSlots:
    """Room for `most` threads that may take long; to whoever finds none, `refusal` is said."""

    def __init__(self, most: int, refusal: str) -> None:
        self._most = most
        self._refusal = refusal
        self._taken: dict[object, float] = {}
        self._changed = threading.Condition(threading.Lock())

    def acquire(self) -> Callable[[], None]:
        """Take a place; call what is returned to give it back.

        Raises Unavailable if all are taken, and the first of them for longer than SLOT_TIMEOUT_SECONDS.
        """
        place = object()
        with self._changed:
            if not self._has_room():
                self._changed.wait_for(lambda: self._has_room() or self._is_stuck(), SLOT_TIMEOUT_SECONDS)
                if not self._has_room():
                    raise Unavailable(self._refusal)
            self._taken[place] = time.monotonic()
        return lambda: self._give_back(place)

    def _give_back(self, place: object) -> None:
        with self._changed:
            if self._taken.pop(place, None) is not None:
                self._changed.notify()

    def _has_room(self) -> bool:
        return len(self._taken) < self._most

    def _is_stuck(self) -> bool:
        return time.monotonic() - next(iter(self._taken.values())) > SLOT_TIMEOUT_SECONDS


def limit_slow_clients(application: WSGI, most: int) -> WSGI:
    """The application, in which at most `most` threads wait for clients at a time."""
    places = UploadSlots(most, "Too many clients send or take their data slowly; try again shortly.")

    def with_places(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[_PLACES] = places
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = _Body(environ["wsgi.input"], places)
        return application(environ, start_response)

    return with_places


def acquire_upload_slot(environ: dict[str, Any]) -> Callable[[], None]:
    """As `UploadSlots.take`, for an answer to this request that goes out in pieces; no bound, no place."""
    places: UploadSlots | None = environ.get(_PLACES)
    return places.acquire() if places else lambda: None


class _Body:
    """A request's body; each read takes a place."""

    def __init__(self, body: Any, places: UploadSlots) -> None:
        self._body = body
        self._places = places
        self._refused: Unavailable | None = None

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer only at the end. Raises Unavailable, from then on always: a part is missing."""
        if self._refused is not None:
            raise self._refused
        try:
            give_back = self._places.acquire()
        except Unavailable as error:
            self._refused = error
            raise
        try:
            return bytes(self._body.read(size))
        finally:
            give_back()
