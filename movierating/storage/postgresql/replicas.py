"""Reads that go to a replica of PostgreSQL, which shows everything a moment later than the primary.

Only those who send no credentials read from it. Who is signed in reads from the primary, where the session is looked
up anyway, and so sees what was just written, on whatever host. A replica that is gone, or too far behind, is left
alone for a while, and the primary answers instead.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from movierating.monitoring.logs import logger
from movierating.storage.postgresql import connections as pg_connections
from movierating.storage.postgresql import engine as pg_engine

# A replica that has not replayed what the primary had written so long ago is not read from.
MAX_LAG_SECONDS = 10.0
CHECK_INTERVAL_SECONDS = 1.0
# One that has failed is asked again after this.
RETRY_INTERVAL_SECONDS = 1.0

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Replica:
    """A replica, or several behind one address, as this process sees it."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self._engine = create_engine(url, **options)
        pg_connections.configure(self._engine)
        self._database = pg_engine.Database()
        self._looking = threading.Lock()
        self._look_at = 0.0
        self._rest_until = 0.0
        # Where the primary was, and when, since the replica was there for certain.
        self._marks: deque[tuple[float, int]] = deque(maxlen=100)
        self.is_good = True

    def connection(self, primary: Connection) -> Connection | None:
        """The calling thread's connection; None where the primary has to answer."""
        try:
            if time.monotonic() >= self._look_at:
                self._look(primary)
            if time.monotonic() < self._rest_until:
                return None
            return self._database.read(self._engine)
        except SQLAlchemyError:
            self.rest()
            return None

    def rest(self) -> None:
        """Leave it alone for a while; it has failed."""
        self._rest_until = time.monotonic() + RETRY_INTERVAL_SECONDS
        self._tell(is_good=False, why="does not answer")

    def _look(self, primary: Connection) -> None:
        """Whether it has what the primary had some seconds ago; one thread looks, others go by what was seen."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            now = time.monotonic()
            self._look_at = now + CHECK_INTERVAL_SECONDS
            self._marks.append((now, _position(primary, "pg_current_wal_insert_lsn()")))
            replayed = _position(self._database.read(self._engine), "pg_last_wal_replay_lsn()")
            while self._marks and self._marks[0][1] <= replayed:
                self._marks.popleft()
            behind = now - self._marks[0][0] if self._marks else 0.0
            if behind > MAX_LAG_SECONDS:
                self._rest_until = now + RETRY_INTERVAL_SECONDS
                self._tell(is_good=False, why="is too far behind")
            elif now >= self._rest_until:
                self._tell(is_good=True, why="answers")
        finally:
            self._looking.release()

    def _tell(self, *, is_good: bool, why: str) -> None:
        if is_good != self.is_good:
            self.is_good = is_good
            logger.log(20 if is_good else 30, f"the replica {why}")

    def close(self) -> None:
        """Close the connections, but for those on which other threads read."""
        self._database.close(self._engine)


def _position(connection: Connection, function: str) -> int:
    """A place in the write-ahead log in bytes; of a server that replays none, its own last."""
    text = f"SELECT coalesce({function}, pg_current_wal_lsn()) - '0/0'::pg_lsn"
    return int(connection.exec_driver_sql(text).scalar_one())


def route_reads(application: WSGI, engine: Engine) -> WSGI:
    """A WSGI application that lets another one read from the replica of `engine` for those who send no credentials."""
    connections = engine.get_execution_options()["database"]

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not _may_lag(environ):
            return application(environ, start_response)
        held = _Held()
        with connections.lagging(engine) as lags:
            body = application(environ, held)
        if lags and held.status.startswith("503"):
            # It failed in the middle, or PostgreSQL ended the query because the replica had to go on.
            connections.replica.rest()
            environ["HTTP_X_REQUEST_ID"] = held.request_id
            return application(environ, start_response)
        start_response(held.status, held.headers)
        return body

    return answer


def _may_lag(environ: dict[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] in ("GET", "HEAD")
        and "HTTP_AUTHORIZATION" not in environ
        and environ["PATH_INFO"].startswith("/v1/")
    )


class _Held:
    """The beginning of an answer that is not sent yet."""

    status = ""
    headers: list[tuple[str, str]]

    def __call__(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        self.status, self.headers = status, headers

    @property
    def request_id(self) -> str:
        return next(value for name, value in self.headers if name == "X-Request-ID")
