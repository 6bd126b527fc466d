"""Store rate limits in Redis, shared by all hosts, and in the instance folder while Redis is unavailable.

Importing this module registers the URI scheme `movierating+redis` with the `limits` library.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from limits.storage import RedisStorage, Storage

from movierating.limits import sqlite_storage
from movierating.limits.redis_client import KEY_PREFIX, RedisClient, RedisUnavailable

SCHEME = "movierating+redis"

T = TypeVar("T")


class RedisLimitStorage(Storage):
    """A storage of the `limits` library that needs the options `redis` and `path`. It raises what SQLiteStorage raises.

    Keys are stored as digests. A window that began in one storage does not exist in the other.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  (declared by the base class)

    def __init__(self, uri: str = "", *, redis: RedisClient, path: Path, **options: Any) -> None:
        """Use a Redis client, and the SQLite file at `path` as its fallback."""
        super().__init__(uri, **options)
        self._redis = redis
        self._redis_storage = RedisStorage(
            "redis://", connection_pool=redis.pool, key_prefix=f"{KEY_PREFIX}limit"
        )
        self._fallback = sqlite_storage.SQLiteStorage(path=path)

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return the exception that every method may raise."""
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count a hit and return the hits of the window, which ends `expiry` seconds after its first hit."""
        return self._run(lambda storage: storage.incr(_digest(key), expiry, amount))

    def get(self, key: str) -> int:
        """Return the hits of the current window, or 0."""
        return self._run(lambda storage: storage.get(_digest(key)))

    def get_expiry(self, key: str) -> float:
        """Return when the current window ends, in seconds since 1970, or the time now if there is none."""
        return self._run(lambda storage: storage.get_expiry(_digest(key)))

    def check(self) -> bool:
        """Return True if hits can be counted."""
        return self._redis.is_available() or self._fallback.check()

    def reset(self) -> int | None:
        """Delete all windows and return their number."""
        return self._run(lambda storage: storage.reset())

    def clear(self, key: str) -> None:
        """Delete one window."""
        self._run(lambda storage: storage.clear(_digest(key)))

    def _run(self, command: Callable[[Storage], T]) -> T:
        try:
            return self._redis.call(lambda: command(self._redis_storage))
        except RedisUnavailable:
            return command(self._fallback)


def _digest(key: str) -> str:
    return sqlite_storage.digest(key).hex()
