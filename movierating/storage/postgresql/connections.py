"""Connections to PostgreSQL: how each is made and set up, and how it is known that one was lost."""

import select
from contextlib import suppress
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError

from movierating.storage import storage_errors
from movierating.storage.postgresql.liveness import Liveness

# A writer may queue behind a bulk import's chunk; beyond this the database counts as unavailable.
LOCK_TIMEOUT_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 3
# Two databases that were once one, before a restore or a failover, count and number on alike, and one that has crashed
# gives the numbers of transactions again that it had undone. In one of these they differ: a crash makes PostgreSQL
# forget its statistics, and may leave the server's start what it was. A replica's timeline is not its own, so it has no
# identity. Source: https://www.postgresql.org/docs/current/monitoring-stats.html
_IDENTITY = (
    "SELECT CASE WHEN NOT pg_is_in_recovery() THEN concat_ws('/', (SELECT system_identifier FROM pg_control_system()),"
    " (SELECT oid FROM pg_database WHERE datname = current_database()),"
    " left(pg_walfile_name(pg_current_wal_lsn()), 8), extract(epoch FROM pg_postmaster_start_time()),"
    " (SELECT extract(epoch FROM stats_reset) FROM pg_stat_bgwriter)) END"
)

# A job computes between two statements, and PostgreSQL ends it when that takes longer.
IDLE_TRANSACTION_TIMEOUT_SECONDS = 60


def connect_arguments() -> dict[str, Any]:
    """What psycopg is told of each connection; a server that is gone is noticed in seconds."""
    return {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        "application_name": "movierating",
    }


def configure(engine: Engine) -> None:
    """Set up each new connection of `engine`."""
    liveness = Liveness()

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, _arguments: object, named: dict[str, Any]) -> Any:
        # Only who has the extra has the driver.
        from movierating.storage.postgresql import psycopg_compat

        return psycopg_compat.connected(named, liveness)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        from movierating.storage.postgresql import psycopg_compat

        psycopg_compat.adapt(connection)
        connection.autocommit = True
        connection.execute(_set_up())
        connection.autocommit = False

    @event.listens_for(engine, "checkout")
    def refuse_what_is_lost(connection: Any, _record: object, _fairy: object) -> None:
        # It has been idle since the thread before it ended.
        if not _is_quiet(connection):
            raise _Lost

    @event.listens_for(engine, "handle_error")
    def close_what_is_lost(context: Any) -> None:
        connection = context.connection
        if connection is not None and _is_lost(connection, context.original_exception):
            context.is_disconnect = True


class _Lost(DisconnectionError):
    """Of a pooled connection; those that are as old most likely are lost too, and others are made."""

    invalidate_pool = True


def _set_up() -> str:
    """What each connection tells the server: how long it may be waited for, and when its client counts as gone.

    A machine that is cut off, or a process that is stopped, would otherwise keep its locks for hours.
    """
    settings = {
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_TIMEOUT_SECONDS}s",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }
    return "; ".join(f"SET {name} = '{value}'" for name, value in settings.items())


class Reader:
    """A thread's connection, which the pool gets back as soon as the thread ends."""

    def __init__(self, engine: Engine) -> None:
        self.connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._driver = get_driver(self.connection)

    @cached_property
    def identity(self) -> str | None:
        """Which database it is, of all that there are and were; None of a replica, empty where that can't be told."""
        try:
            found: str | None = execute(self.connection, _IDENTITY).fetchone()[0]
        except SQLAlchemyError:
            # This role may not ask.
            return ""
        return found

    def is_good(self) -> bool:
        """Whether it is open, as far as the socket tells: a server that goes says so, and nobody asked it anything."""
        connection = self.connection
        # What SQLAlchemy would connect anew by itself has none of this one's settings.
        return not (connection.closed or connection.invalidated) and _is_quiet(self._driver)

    def __del__(self) -> None:
        with suppress(SQLAlchemyError, AttributeError):
            if not self.is_good():
                self.connection.invalidate()
            self.connection.close()


def _is_quiet(driver: Any) -> bool:
    """Whether it is open and has nothing to say that nobody asked for: a server that goes does, at last by the end."""
    if driver.closed:
        return False
    socket = select.poll()
    socket.register(driver.fileno(), select.POLLIN)
    return not socket.poll(0)


def get_driver(connection: Connection) -> Any:
    """What psycopg calls a connection."""
    return connection.connection.dbapi_connection


def execute(connection: Connection, text: str, values: tuple[Any, ...] | None = None) -> Any:
    """Run a statement on the driver, past SQLAlchemy; its errors come as SQLAlchemy's."""
    dialect: Any = connection.dialect
    try:
        # Two statements in one can't be prepared.
        return get_driver(connection).execute(text, values, prepare=None if values else False)
    except dialect.dbapi.Error as error:
        is_lost = _is_lost(connection, error)
        if is_lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            text,
            None,
            error,
            dialect.dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=dialect,
        ) from error


def _is_lost(connection: Connection, error: BaseException) -> bool:
    try:
        lost = connection.invalidated or get_driver(connection).closed
    except SQLAlchemyError:
        return True
    return bool(lost or storage_errors.is_server_unusable(error))
