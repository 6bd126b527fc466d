"""Copies of an SQLite database, made while others write to it, and verified.

A copy is one file without a write-ahead log: it can be moved, sent, and opened where nothing can be written.
"""

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from movierating.operations.backup_files import (
    REQUIRED_TABLES,
    SIDE_SUFFIXES,
    BackupError,
    replace_file,
    temporary_file,
)
from movierating.ratings.models import TRANSIENT_TABLES
from movierating.storage import storage_errors

# A check of the whole file ends with one of these if a full-text index can't be opened, from SQLite 3.44 on.
_VIRTUAL_TABLE_FAILED = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT_VTAB})
# How such a check reports errors of a full-text index: since SQLite 3.44, and as of 3.53.
_TEXT_INDEX = re.compile(r"FTS5 table|^fts5: ")
# Virtual tables have no root page.
_ORDINARY_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"

# The first bytes of a file, and its bytes 18 and 19. Source: https://www.sqlite.org/fileformat.html#the_database_header
_MAGIC, _ROLLBACK_JOURNAL, _WRITE_AHEAD_LOG = b"SQLite format 3\0", b"\1\1", b"\2\2"


def copy_database(source: Path, target: Path) -> list[str]:
    """Copy the database `source`, in use or not, to `target`, which is replaced once the copy is verified and on disk.

    Return orphans as `verify_copy` does. Only one call at a time may write to `target`. Raise BackupError or OSError,
    and then `target` is unchanged.
    """
    part = target.with_name(f".{target.name}.part")
    with temporary_file(part):
        was_immutable = _is_immutable(source)
        write_copy(part, source, open_live)
        if was_immutable and not _is_immutable(source):
            # The disk is read-only in this container, and not in that of the service.
            raise BackupError(f"{source} has come into use; try again")
        # `check` and `restore` also compare indexes with their tables. That takes 13 s for 6 million ratings, this 1 s.
        orphans = verify_copy(part, "quick_check", reported_as=source)
        replace_file(part, target)
    return orphans


def write_copy(file: Path, source: Path, open_source: Callable[[Path], sqlite3.Connection]) -> None:
    """Create `file`, readable by its owner only, as a copy of the database `source`. Raise BackupError or OSError.

    `open_source` is `open_live` or `open_read_only`.

    The copy is one step of SQLite's backup, in one read transaction: writers continue, and only the log grows. In small
    steps, each write by another process restarts the backup, so that it never ends under load; VACUUM INTO takes four
    times as long (measured with 4 writers on 270 MB: 0.3 s, 5,700 restarts in 20 s, 1.3 s).
    """
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(open_source(source)) as original, closing(sqlite3.connect(file)) as copy:
            # `replace_file` synchronizes the file as a whole.
            copy.execute("PRAGMA synchronous = OFF")
            original.backup(copy)
            _empty_transient_tables(copy)
        remove_log(file)
    except sqlite3.Error as error:
        if storage_errors.is_corruption(error):
            raise BackupError(f"{source} is damaged ({error})") from error
        reason = storage_errors.format_reason(error, source.parent, file.parent)
        raise BackupError(f"can't copy {source} to {file.parent} ({reason})") from error


def _empty_transient_tables(copy: sqlite3.Connection) -> None:
    """Delete the rows that a backup leaves out, and overwrite them in the file."""
    copy.execute("PRAGMA secure_delete = ON")
    tables = {name for (name,) in copy.execute(_ORDINARY_TABLES)}
    with copy:
        for table in tables.intersection(TRANSIENT_TABLES):
            copy.execute(f'DELETE FROM "{table}"')  # noqa: S608


def open_live(file: Path) -> sqlite3.Connection:
    """Open an instance's own database, which must exist. Raise sqlite3.Error.

    Only SQLite may open that file: closing any other descriptor drops all locks that this process has on it.
    """
    mode = "mode=ro&immutable=1" if _is_immutable(file) else "mode=rw"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True)


def _is_immutable(file: Path) -> bool:
    """Return True if a database is on a read-only disk and has no log beside it.

    SQLite opens such a file only with its parameter `immutable`, and would then ignore the log of a killed process.
    """
    return storage_errors.is_read_only(file.parent) and not _has_side_files(file)


def _has_side_files(file: Path) -> bool:
    return any(file.with_name(file.name + suffix).exists() for suffix in SIDE_SUFFIXES)


def open_read_only(file: Path) -> sqlite3.Connection:
    """Open a copy, or a database that this process has not open, even if its folder is read-only.

    Raise sqlite3.Error, or OSError if it does not exist.
    """
    mode = "mode=ro"
    if _read_header(file)[18:20] == _WRITE_AHEAD_LOG:
        if os.access(file.parent, os.W_OK):
            # Reading a log needs a file beside it, which the last connection removes.
            mode = "mode=rw"
        elif not _has_side_files(file):
            mode = "immutable=1"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True)


def _read_header(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(20)


def remove_log(file: Path) -> None:
    """Merge the log beside a database into it, and remove the log. Raise sqlite3.Error, also while others use it."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", timeout=1, uri=True)) as connection:
        # The first read rolls back or completes what a killed writer left.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()


def verify_copy(file: Path, check: str, reported_as: Path) -> list[str]:
    """Raise BackupError, which names the file `reported_as`, if a copy is damaged; `check` is as for `find_damage`.

    Return orphans as `find_orphans` does: a copy with them is as good as its original.
    """
    try:
        with closing(open_read_only(file)) as connection:
            _read_revision(connection, reported_as)
            damage, orphans = find_damage(connection, check), find_orphans(connection)
    except sqlite3.Error as error:
        raise BackupError(f"{reported_as} is damaged ({error})") from error
    if damage:
        raise BackupError(f"{reported_as} is damaged ({damage[0]})")
    return orphans


def find_damage(connection: sqlite3.Connection, check: str) -> list[str]:
    """Return a line for each error that `quick_check` or `integrity_check` finds in the file behind `connection`.

    Errors of a full-text index are left out: only SQLite 3.44 and later reports them, and `movierating check` examines
    that index itself.
    """
    try:
        lines = _run_check(connection, check)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in _VIRTUAL_TABLE_FAILED:
            raise
        pragma = check.partition("(")[0]
        tables = connection.execute(_ORDINARY_TABLES).fetchall()
        lines = [line for (table,) in tables for line in _run_check(connection, f'{pragma}("{table}")')]
    return [
        line for line in lines if line != "ok" and not line.startswith("***") and not _TEXT_INDEX.search(line)
    ]


def _run_check(connection: sqlite3.Connection, check: str) -> list[str]:
    return [line for (text,) in connection.execute(f"PRAGMA {check}") for line in text.splitlines()]


def find_orphans(connection: sqlite3.Connection) -> list[str]:
    """Return a line for each kind of row that refers to a row which does not exist."""
    orphans = {(table, owner) for table, _, owner, _ in connection.execute("PRAGMA foreign_key_check")}
    return [f"a row of {table} has no {owner}" for table, owner in sorted(orphans)]


def read_revision(file: Path) -> str:
    """Return the revision of a database of movierating. Raise OSError, and BackupError if `file` is none."""
    if not _MAGIC.startswith(_read_header(file)[:16]):
        raise BackupError(
            f"{file} is not an SQLite database; a PostgreSQL backup needs MOVIERATING_DATABASE_URL to be set"
        )
    try:
        with closing(open_read_only(file)) as connection:
            return _read_revision(connection, file)
    except sqlite3.Error as error:
        reason = "is damaged" if storage_errors.is_corruption(error) else "can't be read"
        raise BackupError(f"{file} {reason} ({error})") from error


def _read_revision(connection: sqlite3.Connection, reported_as: Path) -> str:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    revisions: list[tuple[str]] = []
    if tables >= REQUIRED_TABLES:
        revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    if len(revisions) != 1:
        raise BackupError(f"{reported_as} is not a database of movierating")
    return revisions[0][0]


def is_backup(file: Path) -> bool:
    """Return True if `file` is a copy of a database of movierating, and not a database in use. Raise OSError."""
    try:
        return _read_header(file)[18:20] == _ROLLBACK_JOURNAL and bool(read_revision(file))
    except BackupError:
        return False
