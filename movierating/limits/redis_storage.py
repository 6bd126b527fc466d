"""Rate limits kept in Redis, so that they hold across machines, and in the instance folder while it is gone.

Importing this module makes the address scheme `movierating+redis` known to the `limits` library.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from limits.storage import RedisStorage, Storage

from movierating.limits import sqlite_storage
from movierating.limits.redis_client import KEY_PREFIX, REDIS_TIMEOUT_SECONDS, RedisClient, RedisUnavailable

SCHEME = "movierating+redis"

T = TypeVar("T")


def storage_uri(path: Path) -> str:
    """The address under which Flask-Limiter finds the limits that this file holds while Redis is gone."""
    return sqlite_storage.storage_uri(path).replace(sqlite_storage.SCHEME, SCHEME, 1)


class RedisLimitStorage(Storage):
    """A storage of the `limits` library, to which `redis` must be given; it raises what SQLiteStorage does.

    Redis too gets no more than digests of keys. Windows that were begun in the one place are not known in the other.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  (the base class says what it is)

    def __init__(
        self, uri: str, wrap_exceptions: bool = False, *, redis: RedisClient, **options: float | str | bool
    ) -> None:
        """Take the address of `storage_uri`."""
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._redis = redis
        pool = redis.pool(REDIS_TIMEOUT_SECONDS)
        self._shared = RedisStorage("redis://", connection_pool=pool, key_prefix=f"{KEY_PREFIX}limit")
        self._own = sqlite_storage.SQLiteStorage(uri)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What every method may raise."""
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count a hit and return the hits of the window, which ends `expiry` seconds after its first."""
        kept = sqlite_storage.digest(key).hex()
        return self._either(
            lambda: self._shared.incr(kept, expiry, amount), lambda: self._own.incr(key, expiry, amount)
        )

    def get(self, key: str) -> int:
        """Return the hits of the window that is open, 0 where none is."""
        kept = sqlite_storage.digest(key).hex()
        return self._either(lambda: self._shared.get(kept), lambda: self._own.get(key))

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since 1970, or now where none is open."""
        kept = sqlite_storage.digest(key).hex()
        return self._either(lambda: self._shared.get_expiry(kept), lambda: self._own.get_expiry(key))

    def check(self) -> bool:
        """Whether hits can be counted."""
        return self._redis.is_available() or self._own.check()

    def reset(self) -> int | None:
        """Forget every window and return how many there were."""
        return self._either(self._shared.reset, self._own.reset)

    def clear(self, key: str) -> None:
        """Forget one window."""
        kept = sqlite_storage.digest(key).hex()
        self._either(lambda: self._shared.clear(kept), lambda: self._own.clear(key))

    def _either(self, shared: Callable[[], T], own: Callable[[], T]) -> T:
        try:
            return self._redis.call(shared)
        except RedisUnavailable:
            return own()
