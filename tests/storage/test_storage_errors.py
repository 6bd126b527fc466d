"""API errors for failures of the database file, the disk or the server; errors of statements stay as they are."""

import errno
import sqlite3

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg_dialect
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError, OperationalError

from movierating.errors import InsufficientStorage, Unavailable
from movierating.storage import storage_errors


def make_sqlite_error(code, kind=DatabaseError):
    """Return an error of SQLite as SQLAlchemy raises it."""
    error = sqlite3.DatabaseError("SELECT secret FROM /secret/path")
    error.sqlite_errorcode = code
    return kind("SELECT", {}, error)


def make_operational_error(code):
    return make_sqlite_error(code, OperationalError)


def make_statement_error(statement):
    """Return the error that SQLite raises for a wrong statement."""
    with pytest.raises(OperationalError) as raised, create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql(statement)
    return raised.value


def make_pg_error(kind):
    return DBAPIError.instance("SELECT", {}, kind("secret"), psycopg.Error, dialect=psycopg_dialect())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (make_operational_error(sqlite3.SQLITE_FULL), InsufficientStorage),
        (make_operational_error(sqlite3.SQLITE_IOERR_WRITE), Unavailable),
        (make_operational_error(sqlite3.SQLITE_READONLY_DBMOVED), Unavailable),
        (make_operational_error(sqlite3.SQLITE_CANTOPEN), Unavailable),
        (make_operational_error(sqlite3.SQLITE_BUSY), Unavailable),
        (make_sqlite_error(sqlite3.SQLITE_CORRUPT_INDEX), Unavailable),
        (make_sqlite_error(sqlite3.SQLITE_NOTADB), Unavailable),
        (make_sqlite_error(sqlite3.SQLITE_CONSTRAINT, IntegrityError), None),
        (make_sqlite_error(sqlite3.SQLITE_MISMATCH), None),
        (make_statement_error("SELEC 1"), None),
        (make_statement_error("SELECT missing"), None),
        (make_statement_error("SELECT 1 FROM missing"), Unavailable),
        (DatabaseError("SELECT", {}, Exception("secret")), None),
        # A file that a job reads.
        (FileNotFoundError(errno.ENOENT, "secret"), None),
        (make_pg_error(errors.DiskFull), InsufficientStorage),
        (make_pg_error(errors.AdminShutdown), Unavailable),
        (make_pg_error(errors.CannotConnectNow), Unavailable),
        (make_pg_error(errors.LockNotAvailable), Unavailable),
        (make_pg_error(errors.DeadlockDetected), Unavailable),
        (make_pg_error(errors.TooManyConnections), Unavailable),
        (make_pg_error(errors.ReadOnlySqlTransaction), Unavailable),
        (make_pg_error(errors.UniqueViolation), None),
        (make_pg_error(errors.UndefinedTable), None),
        (make_pg_error(errors.InvalidTextRepresentation), None),
    ],
)
def test_failure_of_the_database_becomes_an_api_error_without_its_text(tmp_path, error, kind):
    api_error = storage_errors.to_api_error(error, tmp_path)
    assert type(api_error) is (kind or type(None))
    assert "secret" not in getattr(api_error, "detail", "")


@pytest.mark.parametrize(
    "error",
    [
        make_operational_error(sqlite3.SQLITE_BUSY),
        make_pg_error(errors.LockNotAvailable),
        make_pg_error(errors.DeadlockDetected),
        make_pg_error(errors.SerializationFailure),
    ],
)
def test_lock_that_is_not_released_in_time_is_reported_as_a_busy_database(error):
    assert storage_errors.to_api_error(error).detail == "The database is busy; try again shortly."


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, InsufficientStorage),
        (errno.EDQUOT, InsufficientStorage),
        (errno.EFBIG, InsufficientStorage),
        (errno.EROFS, Unavailable),
        (errno.ENOENT, Unavailable),
    ],
)
def test_error_of_a_file_becomes_an_api_error_without_its_name(number, kind):
    api_error = storage_errors.from_os_error(OSError(number, "secret", "/secret/path"))
    assert type(api_error) is kind
    assert "secret" not in api_error.detail


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.ENOENT, "No such file or directory", "/srv/a"), "No such file or directory: /srv/a"),
        (TimeoutError("/srv is locked"), "/srv is locked"),
    ],
)
def test_reason_of_an_error_has_no_number(error, reason):
    assert storage_errors.format_reason(error) == reason


def test_write_error_on_a_full_disk_is_insufficient_storage(tmp_path, monkeypatch):
    error = make_operational_error(sqlite3.SQLITE_IOERR_WRITE)
    # A disk of this size is not available to a test; tests/faults test the running service on a full one.
    monkeypatch.setattr(storage_errors, "_MIN_FREE_BYTES", 1 << 80)
    assert type(storage_errors.to_api_error(error, tmp_path)) is InsufficientStorage
    assert type(storage_errors.to_api_error(error, tmp_path / "gone")) is Unavailable
    assert (
        type(storage_errors.to_api_error(make_operational_error(sqlite3.SQLITE_READONLY), tmp_path))
        is Unavailable
    )


@pytest.mark.parametrize(
    ("code", "must_reconnect"),
    [
        (sqlite3.SQLITE_CORRUPT, True),
        (sqlite3.SQLITE_IOERR_READ, True),
        (sqlite3.SQLITE_BUSY, False),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, False),
    ],
)
def test_connection_is_closed_after_errors_that_leave_an_outdated_state(code, must_reconnect):
    assert storage_errors.must_reconnect(make_sqlite_error(code)) is must_reconnect
    assert storage_errors.must_reconnect(make_sqlite_error(code).orig) is must_reconnect
