"""What a failing file or disk is called: no room, or no answer; and what is somebody's mistake instead."""

import errno
import sqlite3

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg_dialect
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError, OperationalError

from movierating.errors import InsufficientStorage, Unavailable
from movierating.storage import storage_errors


def failed(code, kind=DatabaseError):
    """An error of SQLite's, as SQLAlchemy passes it on."""
    error = sqlite3.DatabaseError("SELECT secret FROM /secret/path")
    error.sqlite_errorcode = code
    return kind("SELECT", {}, error)


def full(code):
    return failed(code, OperationalError)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (full(sqlite3.SQLITE_FULL), InsufficientStorage),
        (full(sqlite3.SQLITE_IOERR_WRITE), Unavailable),
        (full(sqlite3.SQLITE_READONLY_DBMOVED), Unavailable),
        (full(sqlite3.SQLITE_CANTOPEN), Unavailable),
        (full(sqlite3.SQLITE_BUSY), Unavailable),
        (failed(sqlite3.SQLITE_CORRUPT_INDEX), Unavailable),
        (failed(sqlite3.SQLITE_NOTADB), Unavailable),
        (failed(sqlite3.SQLITE_CONSTRAINT, IntegrityError), None),
        (failed(sqlite3.SQLITE_MISMATCH), None),
        (DatabaseError("SELECT", {}, Exception("secret")), None),
        # A file that a job reads.
        (FileNotFoundError(errno.ENOENT, "secret"), None),
    ],
)
def test_an_error_of_the_file_is_told_from_others_and_without_its_words(tmp_path, error, kind):
    refusal = storage_errors.to_api_error(error, tmp_path)
    assert type(refusal) is (kind or type(None))
    assert "secret" not in getattr(refusal, "detail", "")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.DiskFull, InsufficientStorage),
        (errors.AdminShutdown, Unavailable),
        (errors.CannotConnectNow, Unavailable),
        (errors.LockNotAvailable, Unavailable),
        (errors.DeadlockDetected, Unavailable),
        (errors.TooManyConnections, Unavailable),
        (errors.ReadOnlySqlTransaction, Unavailable),
        (errors.UniqueViolation, None),
        (errors.UndefinedTable, None),
        (errors.InvalidTextRepresentation, None),
    ],
)
def test_an_error_of_the_server_is_told_from_others_and_without_its_words(error, kind):
    raised = DBAPIError.instance("SELECT", {}, error("secret"), psycopg.Error, dialect=psycopg_dialect())
    assert str(raised.orig) == "secret"
    refusal = storage_errors.to_api_error(raised)
    assert type(refusal) is (kind or type(None))
    assert "secret" not in getattr(refusal, "detail", "")


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
def test_a_file_that_cannot_be_made_is_told_without_its_name(number, kind):
    refusal = storage_errors.from_os_error(OSError(number, "secret", "/secret/path"))
    assert type(refusal) is kind
    assert "secret" not in refusal.detail


def test_a_write_that_failed_on_a_full_disk_found_no_room(tmp_path, monkeypatch):
    error = full(sqlite3.SQLITE_IOERR_WRITE)
    # A disk of this size is no part of a test; the running service is tested on a full one.
    monkeypatch.setattr(storage_errors, "_MIN_FREE_BYTES", 1 << 80)
    assert type(storage_errors.to_api_error(error, tmp_path)) is InsufficientStorage
    assert type(storage_errors.to_api_error(error, tmp_path / "gone")) is Unavailable
    assert type(storage_errors.to_api_error(full(sqlite3.SQLITE_READONLY), tmp_path)) is Unavailable


@pytest.mark.parametrize(
    ("code", "spoils"),
    [
        (sqlite3.SQLITE_CORRUPT, True),
        (sqlite3.SQLITE_IOERR_READ, True),
        (sqlite3.SQLITE_BUSY, False),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, False),
    ],
)
def test_a_connection_is_given_up_where_it_may_remember_what_is_no_longer_so(code, spoils):
    assert storage_errors.must_reconnect(failed(code)) is spoils
    assert storage_errors.must_reconnect(failed(code).orig) is spoils
