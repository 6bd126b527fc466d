"""What `movierating check` looks at: settings, migration state, the SQLite file, aggregates."""

import sqlite3
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from movierating import copies, startup
from movierating.database import read, write
from movierating.ratings import aggregates


def run(repair: bool) -> tuple[list[str], list[str]]:
    """A line for each thing that is wrong, and for each that was and is repaired.

    Settings were checked by making the application.
    """
    try:
        revision, newest = startup.current_revision(), startup.newest_revision()
        if revision != newest:
            return [f"migrations: the database is at {revision or 'none'}, this version needs {newest}"], []
        damage = _integrity(read())
        if repair:
            return damage, [f"{line}, repaired" for line in _aggregates(write(aggregates.repair))]
        return damage + _aggregates(aggregates.wrong(read())), []
    except DatabaseError as error:
        return [f"database: {error.orig}"], []


def _integrity(connection: Connection) -> list[str]:
    driver: Any = connection.connection.dbapi_connection
    try:
        found = copies.damage(driver, "integrity_check") + copies.orphans(driver)
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    return [f"database: {line}" for line in found]


def _aggregates(wrong: list[tuple[str, int]]) -> list[str]:
    return [f"aggregates: {name} {key} does not equal its ratings" for name, key in dict.fromkeys(wrong)]
