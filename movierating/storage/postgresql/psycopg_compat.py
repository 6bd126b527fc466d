"""psycopg with three differences that the service needs.

Its errors contain no values, a NUL in a text is no error, and it does not wait for a server that has stopped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout, _WaitTimeout
from psycopg.types.string import StrDumper

from movierating.storage.postgresql import liveness
from movierating.storage.postgresql.liveness import Liveness, ServerStopped


def connect(options: dict[str, Any], server: Liveness) -> "psycopg.Connection[Any]":
    """Return a connection whose waits end when the server has stopped. Raise psycopg.OperationalError."""
    try:
        connection = server.try_connect(lambda: _Connection.connect(**options), ConnectionTimeout)
    except ServerStopped as error:
        raise ConnectionTimeout("the server does not respond") from error
    connection.server = server
    connection.adapters.register_dumper(str, _DumperWithoutNul)
    connection.cursor_factory = _Cursor
    return connection


class _Connection(psycopg.Connection[Any]):
    server: Liveness | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait as psycopg does for each statement; a long one may take as long as the server is alive."""
        if timeout is not None or self.server is None:
            return super().wait(gen, interval, timeout)
        while True:
            try:
                return super().wait(gen, interval, liveness.RESPONSE_TIMEOUT_SECONDS)
            except _WaitTimeout as error:
                if not self.server.is_alive(self.info.hostaddr or self.info.host, self.info.port):
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the server does not respond") from error


class _DumperWithoutNul(StrDumper):
    """Replaces NUL characters: no stored text has one, so a search for one finds nothing, as on SQLite."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))


class _Cursor(psycopg.Cursor[Any]):
    def execute(self, *arguments: Any, **options: Any) -> Any:
        with _without_values():
            return super().execute(*arguments, **options)

    def executemany(self, *arguments: Any, **options: Any) -> None:
        with _without_values():
            super().executemany(*arguments, **options)


@contextmanager
def _without_values() -> Iterator[None]:
    """Remove the stored values from errors, which are logged; the first line names the constraint."""
    try:
        yield
    except psycopg.Error as error:
        if error.diag.message_primary:
            error.args = (error.diag.message_primary,)
        raise
