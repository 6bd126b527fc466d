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
from sqlalchemy import URL

from movierating import database, last_backup, startup
from movierating.copies import CopyError, removed_at_the_end, replace
from movierating.database import db, read

SUFFIX = ".dump"
_MAGIC = b"PGDMP"
# Whoever uses the database meanwhile, be it from elsewhere, is not waited for without end.
_LOCK_SECONDS = 30
# Of every revision; what has them is ours.
_TABLES = frozenset({"alembic_version", "movie", "rating", "user"})
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'movierating' AND pid <> pg_backend_pid()"
)


def back_up(target: Path) -> None:
    """Write a dump of the application's database to the file `target`, replacing an older dump there.

    Raises CopyError and leaves `target` as it was.
    """
    target = target.resolve()
    if target.exists() and not (target.is_file() and (not target.stat().st_size or is_dump(target))):
        raise CopyError(f"{target} is there and is not a backup; it was left alone")
    started = time.time()
    part = target.with_name(f".{target.name}.part")
    with removed_at_the_end(part):
        part.touch(mode=0o600)
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={part}", *_address())
        _require_ours(part, called=target)
        replace(part, target)
    with suppress(OSError):
        # The backup is good, whether the metric learns of it or not.
        last_backup.note(database.place(), started)


def is_dump(file: Path) -> bool:
    """Whether a file begins as one that `back_up` wrote. Raises OSError."""
    with file.open("rb") as opened:
        return opened.read(len(_MAGIC)) == _MAGIC


def restore(app: Flask, file: Path) -> None:
    """Put what the dump `file` holds in the place of what is in the application's database, at the newest migration.

    Inside the application's context. Raises CopyError where `file` can't be taken or somebody uses the database; then
    that is as it was.
    """
    try:
        is_ours = is_dump(file)
    except OSError as error:
        raise CopyError(f"{file} can't be read ({error.strerror})") from error
    if not is_ours:
        raise CopyError(
            f"{file} is no backup of PostgreSQL; `migrate-database` brings an SQLite database there"
        )
    _require_ours(file, called=file)
    if not startup.is_known(_revision(file)):
        raise CopyError(f"{file} is newer than this version of movierating")
    _refuse_while_in_use()
    database.close()
    options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction")
    _run("pg_restore", *options, *_address(), str(file))
    startup.upgrade(app, db.engine)


def _refuse_while_in_use() -> None:
    # PostgreSQL goes on listing for a moment who has just left.
    for _ in range(20):
        if read().exec_driver_sql(_OTHERS).scalar_one() == 0:
            return
        time.sleep(0.1)
    raise CopyError("the database is in use; stop `serve` and other commands first")


def _require_ours(file: Path, called: Path) -> None:
    listed = _run("pg_restore", "--list", str(file))
    names = {words[5] for line in listed.splitlines() if (words := line.split())[3:4] == ["TABLE"]}
    if not names >= _TABLES:
        raise CopyError(f"{called} is no backup of movierating")


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
    url = db.engine.url
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return [f"--dbname={plain.render_as_string()}"]


def _run(program: str, *arguments: str) -> str:
    """What it says. Raises CopyError."""
    path = shutil.which(program)
    if path is None:
        raise CopyError(f"{program} is not installed; it comes with PostgreSQL's client programs")
    password = db.engine.url.password
    env = {**os.environ, "PGOPTIONS": f"-c lock_timeout={_LOCK_SECONDS}s"}
    if password:
        env["PGPASSWORD"] = str(password)
    done = subprocess.run([path, *arguments], env=env, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise CopyError(f"{program} failed: {' '.join(done.stderr.split())}")
    return done.stdout
