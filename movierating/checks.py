"""What `movierating check` looks at: settings, migration state, the SQLite file, aggregates."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from movierating import startup
from movierating.database import db, read, write
from movierating.problems import Problem
from movierating.ratings import aggregates


def run(repair: bool) -> tuple[list[str], list[str]]:
    """A line for each thing that is wrong, and for each that was and is repaired.

    Settings were checked by making the application.
    """
    wrong: list[str] = []
    repaired: list[str] = []
    file = Path(str(db.engine.url.database))
    if not file.exists():
        return [f"database: {file} is not there"], []
    try:
        revision, newest = startup.current_revision(), startup.newest_revision()
        if revision != newest:
            return [f"migrations: the database is at {revision or 'none'}, this version needs {newest}"], []
        wrong.extend(_integrity(read()))
        if repair:
            repaired.extend(f"{line}, repaired" for line in _aggregates(write(aggregates.repair)))
        else:
            wrong.extend(_aggregates(aggregates.wrong(read())))
    except DatabaseError as error:
        wrong.append(f"database: {error.orig}")
    except Problem as problem:
        wrong.append(f"database: {getattr(problem.__cause__, 'orig', problem.detail)}")
    return wrong, repaired


def _integrity(connection: Connection) -> Iterator[str]:
    """A line for each thing that SQLite finds; its own may be several. Raises DatabaseError where it gives up."""
    for (finding,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        yield from (f"database: {line}" for line in str(finding).splitlines() if line != "ok")
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"database: a row of {row[0]} has no {row[2]}"


def _aggregates(wrong: list[tuple[str, int]]) -> list[str]:
    return [f"aggregates: {name} {key} does not equal its ratings" for name, key in dict.fromkeys(wrong)]
