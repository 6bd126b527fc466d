"""Backups of a PostgreSQL database by its own programs, `pg_dump` and `pg_restore`.

A dump is one snapshot, made while others write. Source of its format's first bytes:
https://www.postgresql.org/docs/current/app-pgdump.html and pg_backup_archiver.c.
"""

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from flask import Flask
from sqlalchemy import URL, Connection

from movierating.operations import last_backup, sqlite_backup, startup
from movierating.operations.sqlite_backup import BackupError
from movierating.storage import database
from movierating.storage.database import db
from movierating.storage.postgresql import engine as pg_engine

DUMP_SUFFIX = ".dump"
_MAGIC = b"PGDMP"
# Whoever changes tables meanwhile is not waited for without end.
_LOCK_SECONDS = 30
# Of every revision; what has them is ours.
_TABLES = frozenset({"alembic_version", "movie", "rating", "user"})
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'movierating' AND pid <> pg_backend_pid()"
)


def create_dump(target: Path) -> None:
    """Write a dump of the application's database to the file `target`, replacing an older dump there.

    Raises BackupError and leaves `target` as it was.
    """
    target = target.resolve()
    _refuse_what_is_no_dump(target)
    if startup.get_current_revision() is None:
        raise BackupError("the database holds nothing yet; `serve` makes it ready")
    started = time.time()
    part = target.with_name(f".{target.name}.part")
    with sqlite_backup.hold_backup_lock(database.get_base_path()), sqlite_backup.temporary_file(part):
        part.touch(mode=0o600)
        options = (
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--lock-wait-timeout={_LOCK_SECONDS}s",
        )
        _run("pg_dump", *options, f"--file={part}", *_address())
        _require_ours(part, called=target)
        sqlite_backup.replace_file(part, target)
    with suppress(OSError):
        # The backup is good, whether the metric learns of it or not.
        last_backup.record_backup_time(database.get_base_path(), started)


def _refuse_what_is_no_dump(target: Path) -> None:
    try:
        if not target.exists():
            return
        if not target.is_file():
            raise BackupError(f"{target} is not a file")
        if target.stat().st_size and not is_dump(target):
            raise BackupError(f"{target} is there and is not a backup; it was left alone")
    except OSError as error:
        raise BackupError(f"{target} can't be read ({error.strerror})") from error


def is_dump(file: Path) -> bool:
    """Whether a file begins as one that `back_up` wrote. Raises OSError."""
    with file.open("rb") as opened:
        return opened.read(len(_MAGIC)) == _MAGIC


def restore_dump(app: Flask, file: Path) -> str | None:
    """Put what the dump `file` holds in the place of what is in the application's database, at the newest migration.

    Returns the migration that it came from if that was an older one. Inside the application's context. Raises
    BackupError where `file` can't be taken or somebody uses the database; then that is as it was.
    """
    revision = _checked(file)
    # This thread's own would be taken for somebody else's.
    database.close()
    with pg_engine.first_start_lock(db.engine) as connection:
        _refuse_while_in_use(connection)
        options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction")
        _run("pg_restore", *options, *_address(), str(file))
        startup.upgrade_schema(app, db.engine)
        # Dumps hold no statistics, and the first requests would be planned as for empty tables.
        connection.exec_driver_sql("ANALYZE")
    return None if revision == startup.get_newest_revision() else revision


def _checked(file: Path) -> str | None:
    """The migration that the dump is at. Raises BackupError where it is none of ours, or newer."""
    try:
        is_ours = is_dump(file)
    except OSError as error:
        raise BackupError(f"{file} can't be read ({error.strerror})") from error
    if not is_ours:
        raise BackupError(
            f"{file} is no backup of PostgreSQL; one of SQLite is restored into an SQLite instance, which "
            "`migrate-database` then moves here"
        )
    _require_ours(file, called=file)
    revision = _revision(file)
    if not startup.is_known_revision(revision):
        raise BackupError(f"{file} is newer than this version of movierating")
    return revision


def _refuse_while_in_use(connection: Connection) -> None:
    # PostgreSQL goes on listing for a moment who has just left.
    for _ in range(20):
        if connection.exec_driver_sql(_OTHERS).scalar_one() == 0:
            return
        time.sleep(0.1)
    raise BackupError("the database is in use; stop `serve` and other commands first")


def _require_ours(file: Path, called: Path) -> None:
    listed = _run("pg_restore", "--list", str(file))
    names = {words[5] for line in listed.splitlines() if (words := line.split())[3:4] == ["TABLE"]}
    if not names >= _TABLES:
        raise BackupError(f"{called} is no backup of movierating")


def _revision(file: Path) -> str | None:
    """The migration that the dump's database was at; as text, its only row follows the line of the COPY."""
    lines = iter(
        _run("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file)).splitlines()
    )
    for line in lines:
        if line.startswith("COPY "):
            return next(lines, None)
    return None


def _address() -> list[str]:
    """Options that name the database, without the password, which others on this machine would see."""
    url = db.engine.url.difference_update_query(["password"])
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return [f"--dbname={plain.render_as_string()}"]


def _run(program: str, *arguments: str) -> str:
    """What it says. Raises BackupError."""
    path = shutil.which(program)
    if path is None:
        raise BackupError(f"{program} is not installed; it comes with PostgreSQL's client programs")
    url = db.engine.url
    password = url.password or url.query.get("password")
    env = {**os.environ, "LC_ALL": "C", **({"PGPASSWORD": str(password)} if password else {})}
    done = subprocess.run([path, *arguments], env=env, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        # Other lines hold statements, or what is in the rows.
        marks = tuple(f"{program}: {kind}: " for kind in ("error", "detail"))
        lines = [line.partition(": ")[2] for line in done.stderr.splitlines() if line.startswith(marks)]
        raise BackupError(f"{program} failed: {' '.join(lines) or f'it ended with {done.returncode}'}")
    return done.stdout
