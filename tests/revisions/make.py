"""Prints a small database of the migration that this code needs, as SQL; each release keeps its own beside this file.

python tests/revisions/make.py > tests/revisions/0003.sql
"""

import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from movierating import create_app
from movierating.operations import schema_revisions
from movierating.storage.database import db

PASSWORD = "correct horse battery"
MOVIES: tuple[dict[str, Any], ...] = (
    {"title": "Cléo from 5 to 7", "original_title": "Cléo de 5 à 7", "year": 1962, "directors": ["Agnès Varda"],
     "genres": ["Comedy", "Drama"], "language": "fr", "country": "FR", "imdb_id": "tt0055852", "tmdb_id": 499},
    {"title": "Moon", "year": 2009, "directors": ["Duncan Jones"], "genres": ["Drama"], "language": "en"},
    {"title": "It's a Gift", "year": 1934, "runtime_minutes": 68, "imdb_id": "tt0025318"},
    {"title": "Gone", "year": 2012},
)  # fmt: skip
RATINGS = {"ada": (9.5, 8, 10), "eve": (7, 0.5)}


def fill(folder: Path) -> None:
    """Accounts, movies and ratings, by the calls that any release has."""
    os.environ |= {"MOVIERATING_INSTANCE_PATH": str(folder), "MOVIERATING_LOG_LEVEL": "ERROR"}
    app = create_app(prepared=False)
    commands, client = app.test_cli_runner(), app.test_client()
    with app.app_context():
        schema_revisions.upgrade_schema(db.engine)
    with closing(sqlite3.connect(folder / "movierating.sqlite3")) as connection, connection:
        # The bundled movies would fill the file.
        connection.execute("INSERT INTO data_migration VALUES ('seeded', 1735689600000000)")
    logged_in = {}
    for name in ("ada", "eve"):
        options = ["--admin"] if name == "ada" else []
        arguments = ["user", "create", name, f"{name}@example.org", *options, "--password-stdin"]
        commands.invoke(args=arguments, input=PASSWORD)
        tokens = client.post("/v1/auth/login", json={"login": name, "password": PASSWORD}).json
        logged_in[name] = {"Authorization": f"Bearer {tokens['access_token']}"}
    made = [client.post("/v1/movies", json=movie, headers=logged_in["ada"]) for movie in MOVIES]
    for name, values in RATINGS.items():
        for response, value in zip(made, values, strict=False):
            address = f"{response.headers['Location']}/rating"
            client.put(address, json={"value": value}, headers=logged_in[name])
    client.post("/v1/auth/tokens", json={"name": "script", "scope": "read"}, headers=logged_in["ada"])
    place = made[-1].headers["Location"]
    edition = {"If-Match": client.get(place).headers["ETag"]}
    assert client.delete(place, headers={**edition, **logged_in["ada"]}).status_code == 204


def dump(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield the statements that make the database again.

    A full-text index is filled by its rows, not by the tables under it.
    """
    schema = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    virtual = tuple(f"{name}_" for _, name, sql in schema if sql.startswith("CREATE VIRTUAL"))
    own = [each for each in schema if not each[1].startswith(("sqlite_", *virtual))]
    yield from (f"{sql};" for kind, _, sql in own if kind == "table")
    for kind, name, _ in own:
        if kind == "table":
            yield from _rows(connection, name, "rowid, " if f"{name}_" in virtual else "")
    # The rows above have set it to their own highest ids.
    yield "DELETE FROM sqlite_sequence;"
    yield from _rows(connection, "sqlite_sequence", "")
    yield from (f"{sql};" for kind, _, sql in own if kind == "index")


def _rows(connection: sqlite3.Connection, name: str, more: str) -> Iterator[str]:
    stored = [f'"{row[1]}"' for row in connection.execute(f'PRAGMA table_xinfo("{name}")') if not row[6]]
    columns = more + ", ".join(stored)
    for row in connection.execute(f'SELECT {columns} FROM "{name}"'):
        values = [connection.execute("SELECT quote(?)", [value]).fetchone()[0] for value in row]
        yield f'INSERT INTO "{name}" ({columns}) VALUES ({", ".join(values)});'


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder))
        with closing(sqlite3.connect(Path(folder) / "movierating.sqlite3")) as connection:
            sys.stdout.writelines(f"{line}\n" for line in dump(connection))
