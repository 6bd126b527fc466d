"""What `movierating check` looks at: settings, migration state, the SQLite file, aggregates."""

import sqlite3
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from movierating import copies, startup
from movierating.database import file as database_file
from movierating.database import read, write
from movierating.problems import Problem
from movierating.ratings import aggregates


def run(repair: bool) -> tuple[list[str], list[str]]:
    """A line for each thing that is wrong, and for each that was and is repaired.

    Settings were checked by making the application.
    """
    wrong: list[str] = []
    repaired: list[str] = []
    file = database_file()
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
        if not isinstance(problem.__cause__, DatabaseError | OSError):
            raise
        wrong.append(f"database: {getattr(problem.__cause__, 'orig', problem.detail)}")
    return wrong, repaired


def _integrity(connection: Connection) -> list[str]:
    driver: Any = connection.connection.dbapi_connection
    try:
        found = copies.damage(driver, "integrity_check") + copies.orphans(driver)
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    return [f"database: {line}" for line in found]


def _aggregates(wrong: list[tuple[str, int]]) -> list[str]:
    return [f"aggregates: {name} {key} does not equal its ratings" for name, key in dict.fromkeys(wrong)]
