"""A cache of encoded answers in Redis, which instances share. It may be empty or gone at any time, and nobody notices.

Whoever uses it puts into the key all that an answer depends on, the version of its data too: nothing is ever removed
from here but by time.
"""

from hashlib import blake2b
from typing import cast

from redis import Redis

from movierating.limits.redis_client import PREFIX, Gone, RedisServer
from movierating.monitoring import counters

# To make the answer anew takes less than a wait of this length for each.
PATIENCE_SECONDS = 0.05


class SharedCache:
    """Bytes by bytes in a Redis that may be gone; no method raises, or waits longer than PATIENCE_SECONDS at a time."""

    def __init__(self, server: RedisServer) -> None:
        """Nothing is connected before the first call."""
        self._server = server
        self._client = Redis(connection_pool=server.pool(PATIENCE_SECONDS))

    def get(self, key: bytes) -> bytes | None:
        """What was put there and has not expired; None where nothing was, or Redis is gone."""
        try:
            # The client's types are those of its asynchronous twin too.
            found = cast(bytes | None, self._server.ask(lambda: self._client.get(_place(key))))
        except Gone:
            counters.count(counters.SHARED_CACHE, "error")
            return None
        counters.count(counters.SHARED_CACHE, "miss" if found is None else "hit")
        return found

    def put(self, key: bytes, value: bytes, seconds: int) -> None:
        """Keep `value` for at most so many seconds, one at least; nothing is kept while Redis is gone."""
        try:
            self._server.ask(lambda: self._client.set(_place(key), value, ex=seconds))
        except Gone:
            return


def _place(key: bytes) -> str:
    # A key may be as long as an address, and say who looked for what.
    return f"{PREFIX}cache:{blake2b(key, digest_size=32).hexdigest()}"
