"""What `movierating check` looks at: settings, migration state, the SQLite file, aggregates."""

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from movierating import startup
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
    damage = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
    orphans = [
        f"a row of {row[0]} has no {row[2]}" for row in connection.exec_driver_sql("PRAGMA foreign_key_check")
    ]
    return [f"database: {line}" for line in damage + orphans]


def _aggregates(wrong: list[tuple[str, int]]) -> list[str]:
    return [f"aggregates: {name} {key} does not equal its ratings" for name, key in dict.fromkeys(wrong)]
