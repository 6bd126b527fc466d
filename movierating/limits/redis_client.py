"""The Redis server as this process sees it: it answers, or it is left alone for a while. Needs the extra `[redis]`.

The service does without Redis what it does with it, only for itself, so nothing may wait for Redis for long and no
request fails with it. After one question without an answer Redis counts as gone (a circuit breaker), and nobody else
asks; a thread looks once a second whether it is back.
"""

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from redis import Connection, ConnectionPool, Redis, RedisError, SSLConnection
from redis.backoff import NoBackoff
from redis.retry import Retry

# How long a limit or a look at Redis waits for a connection, and then for each answer.
REDIS_TIMEOUT_SECONDS = 0.25
RETRY_INTERVAL_SECONDS = 1.0
# Whatever is kept there for the service begins with this.
KEY_PREFIX = "movierating:"

_PROBE = f"{KEY_PREFIX}probe"
_PROBE_EXPIRY_SECONDS = 60
# ValueError: what answers is no Redis server.
_ERRORS = (RedisError, OSError, ValueError)

_logger = logging.getLogger(__name__)
T = TypeVar("T")


class RedisUnavailable(Exception):
    """Redis does not answer, or did not a moment ago."""


class RedisClient:
    """One Redis server, asked by all threads of a process; nothing is connected before the first question."""

    def __init__(self, url: str) -> None:
        """Take the address of MOVIERATING_REDIS_URL. Raises ValueError where it can't be one."""
        self._url = url.replace("redis+unix://", "unix://", 1)
        self._pools: dict[float, ConnectionPool] = {}
        self._lock = threading.Lock()
        self._unavailable = False
        self._closed = threading.Event()
        try:
            # Options in the address are read here, and not before.
            pool = self.pool(REDIS_TIMEOUT_SECONDS)
            pool.connection_class(**pool.connection_kwargs)
        except TypeError as error:
            raise ValueError("it has an unknown option") from error
        self._client = Redis(connection_pool=pool)

    def pool(self, seconds: float) -> ConnectionPool:
        """Connections that wait so long at most, to be made and for each answer."""
        if seconds not in self._pools:
            # The library's own retries would wait for seconds in between.
            pool = ConnectionPool.from_url(self._url, retry=Retry(NoBackoff(), 0))
            # Not before, or what the address says would win.
            pool.connection_kwargs.update(socket_connect_timeout=seconds, socket_timeout=seconds)
            pool.connection_class = _BOUNDED.get(pool.connection_class, pool.connection_class)
            self._pools[seconds] = pool
        return self._pools[seconds]

    def call(self, question: Callable[[], T]) -> T:
        """What `question` returns, which asks over a connection of a pool. Raises RedisUnavailable."""
        if self._unavailable:
            raise RedisUnavailable
        try:
            return question()
        except _ERRORS as error:
            self._mark_unavailable(error)
            raise RedisUnavailable from error

    def is_available(self) -> bool:
        """Whether Redis answers and takes what is written to it; known without asking while it is gone."""
        try:
            self.call(self._probe)
        except RedisUnavailable:
            return False
        return True

    def check_in_background(self) -> None:
        """Find out, while others go on, whether Redis answers, so that the log tells of it at the start."""
        threading.Thread(target=self.is_available, name="redis", daemon=True).start()

    def close(self) -> None:
        """Close all connections and look for Redis no more."""
        self._closed.set()
        self._disconnect()

    def _probe(self) -> None:
        # A replica, and a server without memory, answer a ping and take no limit.
        self._client.set(_PROBE, b"", ex=_PROBE_EXPIRY_SECONDS)

    def _mark_unavailable(self, error: Exception) -> None:
        with self._lock:
            if self._unavailable:
                return
            self._unavailable = True
        facts = {"address": self._address(), "reason": _describe_error(error)}
        _logger.warning("Redis does not answer; the service goes on without it", extra={"fields": facts})
        threading.Thread(target=self._wait_until_available, name="redis", daemon=True).start()

    def _wait_until_available(self) -> None:
        while not self._closed.wait(RETRY_INTERVAL_SECONDS):
            # What was connected may lead to a server that has become another one's replica.
            self._disconnect()
            try:
                self._probe()
            except _ERRORS:
                continue
            self._unavailable = False
            _logger.warning("Redis answers again", extra={"fields": {"address": self._address()}})
            return

    def _disconnect(self) -> None:
        for pool in tuple(self._pools.values()):
            pool.disconnect(inuse_connections=False)

    def _address(self) -> str:
        """Where Redis is, without the password."""
        known = self.pool(REDIS_TIMEOUT_SECONDS).connection_kwargs
        return str(known.get("path") or f"{known.get('host', 'localhost')}:{known.get('port', 6379)}")


def _describe_error(error: Exception) -> str:
    """Why, in the words of the system or of the library: those of a server may quote what it was sent, a password."""
    cause = error.__cause__ or error.__context__
    return cause.strerror if isinstance(cause, OSError) and cause.strerror else type(error).__name__


class _BoundedConnection(Connection):
    """A connection to a name that is looked up in bounded time: the system's own patience is ten seconds and more."""

    def _connect(self) -> Any:
        lookup = threading.Thread(target=_look_up, args=(self.host, self.port), daemon=True)
        lookup.start()
        lookup.join(self.socket_connect_timeout)
        if lookup.is_alive():
            raise TimeoutError(None, "the name lookup timed out")
        return super()._connect()  # type: ignore[no-untyped-call]


class _BoundedSSLConnection(_BoundedConnection, SSLConnection):
    """The same with TLS."""


_BOUNDED = {Connection: _BoundedConnection, SSLConnection: _BoundedSSLConnection}


def _look_up(host: str, port: int) -> None:
    try:
        socket.getaddrinfo(host, port)
    except OSError:
        # Who connects next meets it again.
        return
