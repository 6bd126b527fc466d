"""Backups of a PostgreSQL database with its own programs, `pg_dump`, `pg_restore` and `psql`.

A dump is one snapshot, made while others write. Source of the first bytes of its format: pg_backup_archiver.c of
PostgreSQL; of the programs' options: https://www.postgresql.org/docs/current/app-pgdump.html.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from movierating.movies import search_index
from movierating.operations import backup_files, schema_revisions
from movierating.operations.backup_files import BackupError
from movierating.ratings.models import TRANSIENT_TABLES
from movierating.storage import database, storage_errors
from movierating.storage.database import db
from movierating.storage.postgresql import engine as pg_engine
from movierating.storage.postgresql.connections import CONNECT_TIMEOUT_SECONDS

DUMP_SUFFIX = ".dump"
_MAGIC = b"PGDMP"
_LOCK_TIMEOUT_SECONDS = 30
# For gigabytes; a program whose server has stopped would wait for hours or forever.
_PROGRAM_TIMEOUT_SECONDS = 6 * 3600
_DUMP_OPTIONS = (
    "--format=custom",
    "--no-owner",
    "--no-privileges",
    f"--lock-wait-timeout={_LOCK_TIMEOUT_SECONDS}s",
    *(f"--exclude-table-data={table}" for table in TRANSIENT_TABLES),
)
_COUNT_OTHER_CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'movierating' AND pid <> pg_backend_pid()"
)


def create_dump(target: Path) -> None:
    """Write a dump of the application's database to the file `target`, replacing an older dump.

    Raise BackupError or OSError; then `target` is unchanged.
    """
    target = target.resolve()
    backup_files.require_replaceable(target, is_dump)
    if schema_revisions.get_current_revision() is None:
        raise BackupError("the database is empty; `movierating serve` creates its tables")
    part = target.with_name(f".{target.name}.part")
    with backup_files.record_backup(database.get_base_path()), backup_files.temporary_file(part):
        part.touch(mode=0o600)
        _run("pg_dump", *_DUMP_OPTIONS, f"--file={part}", _get_address_option())
        _require_tables(part, reported_as=target)
        backup_files.replace_file(part, target)


def is_dump(file: Path) -> bool:
    """Return True if a file begins like a dump of `create_dump`. Raise OSError."""
    with file.open("rb") as opened:
        return opened.read(len(_MAGIC)) == _MAGIC


def restore_dump(file: Path) -> str | None:
    """Replace the contents of the application's database by those of the dump `file`, at the newest revision.

    Return the revision of an older dump, or None. Runs in the application's context. Raise OSError, and BackupError
    if `file` can't be restored or migrated, or the database is in use; then the database is unchanged. If the process
    is killed, the database is the old or the restored one, which the next start migrates.
    """
    revision = _verify_dump(file)
    is_older = revision != schema_revisions.get_newest_revision()
    # An open connection of this process would count as one of another program.
    database.close()
    with pg_engine.advisory_lock(db.engine, pg_engine.START_LOCK) as connection:
        _require_unused(connection)
        old = _get_hidden_path("old.dump")
        with backup_files.temporary_file(old):
            if is_older:
                old.touch(mode=0o600)
                _run("pg_dump", *_DUMP_OPTIONS, f"--file={old}", _get_address_option())
            _replace_contents(file)
            if is_older:
                _upgrade(old, reported_as=file)
        # Dumps contain no statistics: the first requests would be planned as for empty tables.
        connection.exec_driver_sql("ANALYZE")
    return revision if is_older else None


def _replace_contents(file: Path) -> None:
    """Drop all tables of movierating and restore those of a dump, in one transaction.

    `pg_restore` by itself drops only tables that the dump has, and an older dump lacks some.
    """
    tables = {*db.metadata.tables, search_index.MOVIE_SEARCH.name, *_list_tables(file)}
    names = ", ".join(f'"{table}"' for table in sorted(tables))
    drop = f"SET lock_timeout = '{_LOCK_TIMEOUT_SECONDS}s'; DROP TABLE IF EXISTS {names}"
    script = _get_hidden_path("restore.sql")
    with backup_files.temporary_file(script):
        script.touch(mode=0o600)
        options = ("--clean", "--if-exists", "--no-owner", "--no-privileges")
        _run("pg_restore", *options, f"--file={script}", str(file))
        settings = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse")
        steps = ("--single-transaction", f"--command={drop}", f"--file={script}")
        _run("psql", *settings, *steps, _get_address_option())


def _upgrade(old: Path, reported_as: Path) -> None:
    try:
        schema_revisions.upgrade_schema(db.engine)
    except Exception as error:
        _replace_contents(old)
        raise BackupError(
            f"{reported_as} can't be migrated ({storage_errors.format_reason(error)})"
        ) from error


def _get_hidden_path(suffix: str) -> Path:
    base = database.get_base_path()
    return base.with_name(f".{base.name}.{suffix}")


def _verify_dump(file: Path) -> str | None:
    """Return the revision of a dump. Raise OSError, and BackupError if it is not one of movierating, or newer."""
    if not is_dump(file):
        raise BackupError(
            f"{file} is not a PostgreSQL backup; restore an SQLite backup into an SQLite instance, and move that "
            "with `movierating migrate-database`"
        )
    _require_tables(file, reported_as=file)
    revision = _read_revision(file)
    if not schema_revisions.is_known_revision(revision):
        raise BackupError(f"{file} is newer than this version of movierating")
    return revision


def _require_unused(connection: Connection) -> None:
    # PostgreSQL goes on listing a closed connection for a moment.
    for _ in range(20):
        if connection.exec_driver_sql(_COUNT_OTHER_CONNECTIONS).scalar_one() == 0:
            return
        time.sleep(0.1)
    raise BackupError("the database is in use; stop `serve` and other commands first")


def _require_tables(file: Path, reported_as: Path) -> None:
    if not _list_tables(file) >= backup_files.REQUIRED_TABLES:
        raise BackupError(f"{reported_as} is not a backup of movierating")


def _list_tables(file: Path) -> set[str]:
    # A line is `217; 1259 16390 TABLE public movie owner`; that of the table's rows has `TABLE DATA`.
    contents = _run("pg_restore", "--list", str(file))
    entries = [line.split() for line in contents.splitlines()]
    return {words[5] for words in entries if words[3:4] == ["TABLE"] and words[4] != "DATA"}


def _read_revision(file: Path) -> str | None:
    """Return the revision of a dump: in text form, the only row of its table follows the COPY line."""
    script = _run("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file))
    match = re.search(r"^COPY .+\n(\w+)$", script, re.MULTILINE)
    return match[1] if match else None


def _get_parameters() -> dict[str, Any]:
    """Return the connection's parameters as libpq names them; SQLAlchemy writes several hosts differently in a URL."""
    _, parameters = db.engine.dialect.create_connect_args(db.engine.url)
    # `context` is an object of the driver, and no parameter of libpq.
    return {name: value for name, value in parameters.items() if name != "context"}


def _get_address_option() -> str:
    """Return the option that names the database, without the password: other users can see a program's arguments."""
    # The driver is installed only with the extra.
    from psycopg.conninfo import make_conninfo

    return f"--dbname={make_conninfo(**{**_get_parameters(), 'password': None})}"


def _run(program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs and return its output. Raise BackupError."""
    path = shutil.which(program)
    if path is None:
        raise BackupError(f"{program} is not installed; it is one of PostgreSQL's client programs")
    password = _get_parameters().get("password")
    env = {**os.environ, "LC_ALL": "C", "PGCONNECT_TIMEOUT": str(CONNECT_TIMEOUT_SECONDS)}
    if password:
        env["PGPASSWORD"] = str(password)
    try:
        process = subprocess.run(  # noqa: S603
            [path, *arguments], env=env, capture_output=True, text=True, timeout=_PROGRAM_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise BackupError(f"{program} has not finished after {_PROGRAM_TIMEOUT_SECONDS} seconds") from error
    if process.returncode:
        # Other lines contain statements, or the contents of rows.
        lines = re.findall(
            rf"^(?:{program}: (?=error|detail)|(?:{program}:.*: )?(?=ERROR: ))(.+)", process.stderr, re.M
        )
        raise BackupError(f"{program} failed: {' '.join(lines) or f'exit code {process.returncode}'}")
    return process.stdout
