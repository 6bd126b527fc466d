"""Call Redis behind a circuit breaker. Needs the extra `[redis]`.

The service also works without Redis, so no request waits for it for long or fails because of it. After one failed
call Redis counts as unavailable and is not called again; a thread checks once a second whether it is back.
"""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from redis import Connection, ConnectionPool, Redis, RedisError, SSLConnection
from redis.backoff import NoBackoff
from redis.retry import Retry

# How long a call waits to connect, and for each reply.
REDIS_TIMEOUT_SECONDS = 0.25
RETRY_INTERVAL_SECONDS = 1.0
# All keys of the service begin with this.
KEY_PREFIX = "movierating:"

_PROBE = f"{KEY_PREFIX}probe"
_PROBE_EXPIRY_SECONDS = 60
# ValueError: the server does not speak the protocol of Redis.
_ERRORS = (RedisError, OSError, ValueError)

_logger = logging.getLogger(__name__)
T = TypeVar("T")


class RedisUnavailable(Exception):
    """Redis does not reply, or did not at the last call."""


class RedisClient:
    """A Redis server that all threads of a process share. It connects at the first call."""

    def __init__(self, url: str) -> None:
        """Use the server of MOVIERATING_REDIS_URL. Raise ValueError for an invalid URL."""
        # The library's own retries would wait for seconds.
        self.pool = ConnectionPool.from_url(
            url.replace("redis+unix://", "unix://", 1), retry=Retry(NoBackoff(), 0)
        )
        # Set afterwards, because options of the URL win over arguments.
        timeouts = {"socket_connect_timeout": REDIS_TIMEOUT_SECONDS, "socket_timeout": REDIS_TIMEOUT_SECONDS}
        self.pool.connection_kwargs.update(timeouts)
        self.pool.connection_class = _BOUNDED.get(self.pool.connection_class, self.pool.connection_class)
        try:
            # The options of the URL are parsed here.
            self.pool.connection_class(**self.pool.connection_kwargs)
        except TypeError as error:
            raise ValueError("it has an unknown option") from error
        self._client = Redis(connection_pool=self.pool)
        self._lock = threading.Lock()
        self._unavailable = False
        self._closed = threading.Event()

    def call(self, command: Callable[[], T]) -> T:
        """Run a command on a connection of the pool, and return its result. Raise RedisUnavailable."""
        if self._unavailable:
            raise RedisUnavailable
        try:
            return command()
        except _ERRORS as error:
            self._mark_unavailable(error)
            raise RedisUnavailable from error

    def is_available(self) -> bool:
        """Return True if Redis replies and accepts writes; False without a call while it is unavailable."""
        try:
            self.call(self._probe)
        except RedisUnavailable:
            return False
        return True

    def check_in_background(self) -> None:
        """Check the server in a thread, so that the log shows at startup whether it is unavailable."""
        threading.Thread(target=self.is_available, name="redis", daemon=True).start()

    def close(self) -> None:
        """Close all connections and stop checking the server."""
        self._closed.set()
        self.pool.disconnect(inuse_connections=False)

    def _probe(self) -> None:
        # A replica, or a server that is out of memory, replies to PING but rejects writes.
        self._client.set(_PROBE, b"", ex=_PROBE_EXPIRY_SECONDS)

    def _mark_unavailable(self, error: Exception) -> None:
        with self._lock:
            if self._unavailable:
                return
            self._unavailable = True
        fields = {"address": self._address(), "reason": _describe_error(error)}
        _logger.warning("Redis is unavailable; the service continues without it", extra={"fields": fields})
        threading.Thread(target=self._wait_until_available, name="redis", daemon=True).start()

    def _wait_until_available(self) -> None:
        while not self._closed.wait(RETRY_INTERVAL_SECONDS):
            # An open connection may lead to a server that has become a replica.
            self.pool.disconnect(inuse_connections=False)
            try:
                self._probe()
            except _ERRORS:
                continue
            self._unavailable = False
            _logger.warning("Redis is available again", extra={"fields": {"address": self._address()}})
            return

    def _address(self) -> str:
        """Return the address of the server, without the password."""
        options = self.pool.connection_kwargs
        return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")


def _describe_error(error: Exception) -> str:
    """Return the reason from the system or the library; a server's own message may quote a password."""
    cause = error.__cause__ or error.__context__
    return cause.strerror if isinstance(cause, OSError) and cause.strerror else type(error).__name__


class _BoundedConnection(Connection):
    """A connection with a timeout for the name lookup; the system's own is ten seconds and more."""

    def _connect(self) -> Any:
        lookup = threading.Thread(target=_look_up, args=(self.host, self.port), daemon=True)
        lookup.start()
        lookup.join(self.socket_connect_timeout)
        if lookup.is_alive():
            raise TimeoutError(None, "the name lookup timed out")
        return super()._connect()  # type: ignore[no-untyped-call]


class _BoundedSSLConnection(_BoundedConnection, SSLConnection):
    """A bounded connection with TLS."""


_BOUNDED = {Connection: _BoundedConnection, SSLConnection: _BoundedSSLConnection}


def _look_up(host: str, port: int) -> None:
    # Connecting raises the same error.
    with suppress(OSError):
        socket.getaddrinfo(host, port)
