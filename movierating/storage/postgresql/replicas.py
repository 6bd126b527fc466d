"""Reads from a replica of PostgreSQL, which follows the primary a moment later.

Only anonymous requests read from it. Authenticated requests read from the primary, where the session is looked up
anyway, and so see what was just written, on any host. A replica that fails or is too far behind is not used until a
check finds it well, and the primary is read instead.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import WSGIApplication

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from movierating.monitoring.logs import logger
from movierating.storage.postgresql import connections

# A replica is not read if it lacks what the primary had written so long ago. A worker notices a lag only after it has
# checked the replica for this long.
MAX_LAG_SECONDS = 10.0
CHECK_INTERVAL_SECONDS = 1.0


class Replica:
    """A replica, or several behind one address, as this process sees it."""

    def __init__(self, url: str, cursor_key: bytes) -> None:
        self._engine = create_engine(
            url,
            pool_size=0,
            hide_parameters=True,
            connect_args=connections.get_connect_arguments(),
            execution_options={"cursor_key": cursor_key},
        )
        connections.configure(self._engine)
        self._reader = connections.ThreadReader()
        self._check_lock = threading.Lock()
        self._check_at = 0.0
        # (time, position of the primary), oldest first, without those that the replica has replayed.
        self._positions: deque[tuple[float, int]] = deque(maxlen=100)
        self._is_up = True

    def get_connection(self, primary: Connection) -> Connection | None:
        """Return the calling thread's connection, None if the primary must be read."""
        try:
            if time.monotonic() >= self._check_at:
                self._check(primary)
            return self._reader.get_connection(self._engine) if self._is_up else None
        except SQLAlchemyError:
            self.pause("does not respond")
            return None

    def pause(self, reason: str) -> None:
        """Do not use the replica until a check finds that it can be used."""
        self._set_state(is_up=False, state=reason)

    def _check(self, primary: Connection) -> None:
        """Find out whether the replica can be used; one thread does, the others use the last result meanwhile."""
        if not self._check_lock.acquire(blocking=False):
            return
        try:
            self._compare_positions(primary)
        finally:
            # Counted from the end: a check of a server that does not respond takes seconds.
            self._check_at = time.monotonic() + CHECK_INTERVAL_SECONDS
            self._check_lock.release()

    def _compare_positions(self, primary: Connection) -> None:
        """Compare the replica with the primary's earlier positions in the write-ahead log."""
        now = time.monotonic()
        try:
            position = _read_position(primary, "pg_current_wal_flush_lsn()")
        except SQLAlchemyError:
            return  # This says nothing about the replica, and without a primary it falls no further behind.
        self._positions.append((now, position))
        replica = self._reader.get_connection(self._engine)
        if not replica.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
            # It was promoted, and has had a history of its own since then.
            self.pause("follows no primary")
            return
        replayed = _read_position(replica, "pg_last_wal_replay_lsn()")
        while self._positions and self._positions[0][1] <= replayed:
            self._positions.popleft()
        if self._positions and now - self._positions[0][0] > MAX_LAG_SECONDS:
            self.pause("is too far behind")
        else:
            self._set_state(is_up=True, state="responds")

    def _set_state(self, *, is_up: bool, state: str) -> None:
        if is_up != self._is_up:
            self._is_up = is_up
            logger.log(logging.INFO if is_up else logging.WARNING, f"the replica {state}")

    def close(self) -> None:
        """Close the connections, except those on which other threads read."""
        self._reader.current = None
        self._engine.dispose()


def _read_position(connection: Connection, function: str) -> int:
    """Return a position in the write-ahead log in bytes."""
    return int(connection.exec_driver_sql(f"SELECT {function} - '0/0'::pg_lsn").scalar_one())


def route_reads(application: WSGIApplication, engine: Engine) -> WSGIApplication:
    """Return a WSGI application that lets anonymous reads of `application` use the replica of `engine`."""
    database = engine.get_execution_options()["database"]

    def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Return the response from the replica, or, if that fails or must not be read, from the primary."""
        if not _is_anonymous_read(environ):
            return application(environ, start_response)
        response = _BufferedStart()
        with database.reading_from_replica() as is_from_replica:
            body = application(environ, response)  # type: ignore[arg-type]  # Flask does not use `write`
        if is_from_replica and response.status.startswith("5"):
            # It failed during the request, PostgreSQL ended the query because it delayed the replica, or the replica
            # has not replayed a migration.
            database.replica.pause("does not respond")
            environ["HTTP_X_REQUEST_ID"] = dict(response.headers)["X-Request-ID"]
            return application(environ, start_response)
        start_response(response.status, response.headers)
        return body

    return respond


def _is_anonymous_read(environ: dict[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] in ("GET", "HEAD")
        and "HTTP_AUTHORIZATION" not in environ
        and environ["PATH_INFO"].startswith("/v1/")
    )


class _BufferedStart:
    """A `start_response` that stores the status and the headers."""

    status = ""
    headers: list[tuple[str, str]]

    def __call__(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        self.status, self.headers = status, headers
