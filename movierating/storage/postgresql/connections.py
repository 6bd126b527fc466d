"""Connections to PostgreSQL: how they are made and set up, and how a lost one is detected."""

import select
import threading
from contextlib import suppress
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from movierating.storage import storage_errors
from movierating.storage.postgresql.liveness import Liveness

# A writer may queue behind a bulk import's chunk; beyond this the database counts as unavailable.
LOCK_TIMEOUT_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 3
# A job computes between two statements; PostgreSQL ends its transaction if that takes longer.
IDLE_TRANSACTION_TIMEOUT_SECONDS = 60

# Two databases that were one before a restore or a failover have the same counters, and a server that has crashed
# assigns the numbers of lost transactions again. In one of these values they differ: a crash resets PostgreSQL's
# statistics, and may leave the server's start time as it was. A replica's timeline is not its own, so it has no id.
# Source: https://www.postgresql.org/docs/current/monitoring-stats.html
_DATABASE_ID = (
    "SELECT CASE WHEN NOT pg_is_in_recovery() THEN concat_ws('/', (SELECT system_identifier FROM pg_control_system()),"
    " (SELECT oid FROM pg_database WHERE datname = current_database()),"
    " left(pg_walfile_name(pg_current_wal_lsn()), 8), extract(epoch FROM pg_postmaster_start_time()),"
    " (SELECT extract(epoch FROM stats_reset) FROM pg_stat_bgwriter)) END"
)


def get_connect_arguments() -> dict[str, Any]:
    """Return the driver's arguments for each connection; they detect a lost server within seconds."""
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
    def connect(_dialect: object, _record: object, _arguments: object, options: dict[str, Any]) -> Any:
        # The driver is installed only with the extra.
        from movierating.storage.postgresql import psycopg_compat

        return psycopg_compat.connect(options, liveness)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.autocommit = True
        connection.execute(_get_settings())
        connection.autocommit = False

    @event.listens_for(engine, "checkout")
    def reject_lost_connection(connection: Any, _record: object, _proxy: object) -> None:
        # It has been idle since the thread before it ended.
        if not _is_idle(connection):
            raise _Lost

    @event.listens_for(engine, "handle_error")
    def close_lost_connection(context: Any) -> None:
        connection = context.connection
        if connection is not None and _is_lost(connection, context.original_exception):
            context.is_disconnect = True


class _Lost(DisconnectionError):
    """A pooled connection was lost; the older ones probably were lost too, so the whole pool is opened again."""

    invalidate_pool = True


def _get_settings() -> str:
    """Return statements that limit how long a connection may wait, and when the server gives up a lost client.

    Otherwise a machine that is cut off, or a process that is stopped, would keep its locks for hours.
    """
    settings = {
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_TIMEOUT_SECONDS}s",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }
    return "; ".join(f"SET {name} = '{value}'" for name, value in settings.items())


class PgReader:
    """A thread's connection, which the pool gets back as soon as the thread ends."""

    def __init__(self, engine: Engine) -> None:
        self.connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._driver = get_driver(self.connection)

    @cached_property
    def database_id(self) -> str | None:
        """A text that no other database has, nor this one after a crash; None on a replica, empty if unknown."""
        try:
            database_id: str | None = execute(self.connection, _DATABASE_ID).fetchone()[0]
        except SQLAlchemyError:
            # This role may not read it.
            return ""
        return database_id

    def is_usable(self) -> bool:
        """Return True if the connection is open, as far as the socket shows: a server that stops sends a message."""
        connection = self.connection
        # A connection that SQLAlchemy opened again would lack the settings of this one.
        return not (connection.closed or connection.invalidated) and _is_idle(self._driver)

    def __del__(self) -> None:
        with suppress(SQLAlchemyError, AttributeError):
            if not self.is_usable():
                self.connection.invalidate()
            self.connection.close()


class ThreadReader(threading.local):
    """The calling thread's reader of an engine, opened when it is needed."""

    current: PgReader | None = None

    def get_connection(self, engine: Engine) -> Connection:
        """Return the calling thread's connection, a new one if the last one was lost."""
        if self.current is None or not self.current.is_usable():
            self.current = None
            self.current = PgReader(engine)
        return self.current.connection


def _is_idle(driver: Any) -> bool:
    """Return True if the connection is open and the server has sent nothing unasked; one that stops does."""
    if driver.closed:
        return False
    poller = select.poll()
    poller.register(driver.fileno(), select.POLLIN)
    return not poller.poll(0)


def get_driver(connection: Connection) -> Any:
    """Return the connection of psycopg behind SQLAlchemy's."""
    return connection.connection.dbapi_connection


def execute(connection: Connection, text: str, values: tuple[Any, ...] | None = None) -> Any:
    """Run a statement on the driver and return its cursor. Raise SQLAlchemy's errors."""
    dialect: Any = connection.dialect
    driver = get_driver(connection)
    try:
        # Two statements in one can't be prepared.
        return driver.execute(text, values, prepare=None if values else False)
    except dialect.dbapi.Error as error:
        raise storage_errors.from_driver_error(error, text, connection, driver) from error


def _is_lost(connection: Connection, error: BaseException) -> bool:
    try:
        return bool(
            connection.invalidated
            or get_driver(connection).closed
            or storage_errors.is_server_unusable(error)
        )
    except SQLAlchemyError:
        return True
