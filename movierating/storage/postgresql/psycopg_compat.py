"""What psycopg does otherwise than SQLite's driver, and must not.

It tells values in errors, refuses a NUL, and waits without end for a server that has stopped.
"""

from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout, _WaitTimeout
from psycopg.types.string import StrDumper

from movierating.storage.postgresql import liveness
from movierating.storage.postgresql.liveness import Liveness, ServerStopped


def connected(arguments: dict[str, Any], of_server: Liveness) -> "psycopg.Connection[Any]":
    """A connection whose waits end when the server has stopped. Raises psycopg.OperationalError."""
    try:
        made = of_server.connected(lambda: _Connection.connect(**arguments), ConnectionTimeout)
    except ServerStopped as error:
        raise ConnectionTimeout("the server does not answer") from error
    made.liveness = of_server
    return made


class _Connection(psycopg.Connection[Any]):
    liveness: Liveness | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Psycopg's, which all statements come through; a long one may take as long as the server lives."""
        if timeout is not None or self.liveness is None:
            return super().wait(gen, interval, timeout)
        while True:
            try:
                return super().wait(gen, interval, liveness.RESPONSE_TIMEOUT_SECONDS)
            except _WaitTimeout as error:
                if not self.liveness.is_alive(self.info.hostaddr or self.info.host, self.info.port):
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the server does not answer") from error


def adapt(connection: "psycopg.Connection[Any]") -> None:
    """Let a new connection do neither."""
    connection.adapters.register_dumper(str, _WithoutNul)
    connection.cursor_factory = _Cursor
    connection.server_cursor_factory = _ServerCursor


class _WithoutNul(StrDumper):
    """No stored text has a NUL, so what is asked for with one is found nowhere, which is no error."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))


class _Discreet:
    """A cursor whose errors say which rule was broken, and not with what: they are logged."""

    def execute(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().execute(*arguments, **options)  # type: ignore[misc]
        except psycopg.Error as error:
            _shorten(error)
            raise

    def executemany(self, *arguments: Any, **options: Any) -> None:
        try:
            super().executemany(*arguments, **options)  # type: ignore[misc]
        except psycopg.Error as error:
            _shorten(error)
            raise


class _Cursor(_Discreet, psycopg.Cursor[Any]):
    pass


class _ServerCursor(_Discreet, psycopg.ServerCursor[Any]):
    pass


def _shorten(error: psycopg.Error) -> None:
    if error.diag.message_primary:
        # The name of a constraint stands there; the values stand in the lines below.
        error.args = (error.diag.message_primary,)
