"""A start with a database that is damaged, lost or of another program."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from movierating import create_app
from movierating.config import SettingError
from movierating.movies import index_repair
from movierating.storage import database
from movierating.storage.database import read


def start(environ):
    """Create an application, and close its database."""
    with create_app(environ).app_context():
        database.close()


def junk(folder):
    (folder / "data").write_bytes(b"This is not a database. " * 400)


def foreign(folder):
    with closing(sqlite3.connect(folder / "data")) as connection:
        connection.execute('CREATE TABLE "user" (id)')


def torn(folder):
    with closing(sqlite3.connect(folder / "data")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num)")
    whole = (folder / "data").read_bytes()
    (folder / "data").write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: (folder / "data").mkdir(), "unable to open"),
        (lambda folder: (folder / "data").symlink_to(folder / "gone" / "data"), "No such file"),
        (junk, "not a database"),
        (torn, "malformed"),
        (foreign, "already exists"),
    ],
    ids=["folder", "no folder", "junk", "torn", "foreign"],
)
def test_database_that_can_not_be_opened_is_reported_with_the_reason(tmp_path, environ, make, reason):
    make(tmp_path)
    with pytest.raises(SettingError, match=reason) as error:
        create_app(environ(tmp_path / "instance", DATABASE_URL=f"sqlite:///{tmp_path / 'data'}"))
    assert error.value.message.startswith("MOVIERATING_DATABASE_URL: ")
    assert "\n" not in error.value.message


@pytest.mark.sqlite
def test_damaged_search_index_does_not_stop_the_start(tmp_path, environ, instance):
    with closing(sqlite3.connect(tmp_path / "instance" / "movierating.sqlite3")) as connection:
        connection.execute("INSERT INTO movie_search VALUES ('Amélie', '', 'Jean-Pierre Jeunet', '')")
        cut = connection.execute("UPDATE movie_search_data SET block = substr(block, 1, 20) WHERE id > 10")
        assert cut.rowcount == 1
        connection.commit()
    start(environ(tmp_path / "instance"))


@pytest.mark.sqlite
@pytest.mark.parametrize("index_version", [index_repair.INDEX_VERSION, 1], ids=["current", "older"])
@pytest.mark.parametrize(
    "statements",
    [
        ["DELETE FROM movie_search_config"],
        ["DELETE FROM movie_search_data"],
        [f"DELETE FROM movie_search_{name}" for name in ("config", "data", "idx", "docsize", "content")],
    ],
    ids=["configuration", "data", "everything"],
)
def test_lost_search_index_is_rebuilt_at_the_start(
    app, client, add_movie, environ, statements, index_version
):
    movie_id = add_movie(title="Amélie")
    file = Path(read().engine.url.database)
    database.close()
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(";".join([*statements, f"PRAGMA user_version = {index_version}"]))
    start(environ(file.parent))
    [movie] = client.get("/v1/movies?q=amelie").json["items"]
    assert movie["id"] == movie_id


@pytest.mark.sqlite
@pytest.mark.parametrize("lose", [Path.unlink, lambda file: file.write_bytes(b"")], ids=["gone", "empty"])
def test_lost_database_is_not_replaced_by_a_new_one(tmp_path, environ, instance, lose):
    file = instance / "movierating.sqlite3"
    create_app(environ(instance))
    lose(file)
    with pytest.raises(
        SettingError, match="is missing or empty; restore a backup with `movierating restore FILE`"
    ):
        create_app(environ(instance))
    assert not file.exists() or not file.stat().st_size
    (instance / ".movierating.sqlite3.made").unlink()
    start(environ(instance))
    assert file.stat().st_size
