"""What psycopg does otherwise than SQLite's driver, and must not: it tells values in errors, and refuses a NUL."""

from typing import Any

import psycopg
from psycopg.types.string import StrDumper


def teach(connection: "psycopg.Connection[Any]") -> None:
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
