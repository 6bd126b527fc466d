"""Databases of every release, with data in them, come up under today's code; what can't come up stays as it was."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from movierating import create_app
from movierating.operations import checks, startup
from movierating.storage import database

pytestmark = pytest.mark.sqlite

REVISIONS = {file.stem: file for file in (Path(__file__).parent / "revisions").glob("*.sql")}
PASSWORD = "correct horse battery"


@pytest.fixture
def at(tmp_path):
    """`at("0001")` is a database of that revision, as an instance's."""
    (tmp_path / "instance").mkdir()

    def make(revision):
        file = tmp_path / "instance" / "movierating.sqlite3"
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(REVISIONS[revision].read_text(encoding="utf-8"))
        return file

    return make


def content(file):
    """Everything that a database holds: its schema, and the rows of each table."""
    with closing(sqlite3.connect(file)) as connection:
        schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
        tables = [name for kind, name, _, sql in schema if kind == "table"]
        return schema, {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}


def test_every_revision_has_its_data():
    scripts = ScriptDirectory(str(startup.MIGRATIONS_FOLDER))
    assert REVISIONS.keys() == {script.revision for script in scripts.walk_revisions()}


@pytest.fixture(params=sorted(REVISIONS))
def upgraded(request, at, environ):
    """The database of each revision, what was in it before, and a client of the application that came up with it."""
    file = at(request.param)
    before = content(file)
    app = create_app(environ(file.parent))
    with app.app_context():
        yield file, before, app.test_client(), request.param
        database.close()


def test_a_database_of_any_release_comes_up_with_a_copy_aside(upgraded):
    file, before, _, revision = upgraded
    assert startup.get_current_revision() == startup.get_newest_revision()
    assert checks.run_checks(repair=False) == ([], [])
    copy = file.with_name(f"movierating.before-{revision}-upgrade.sqlite3")
    if revision == startup.get_newest_revision():
        assert not copy.exists()
    else:
        assert content(copy) == before


def test_what_was_in_it_is_there(upgraded):
    _, _, client, _ = upgraded
    tokens = client.post("/v1/auth/login", json={"login": "ada", "password": PASSWORD}).json
    ada = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.get("/v1/users/me", headers=ada).json["ratings"]["count"] == 3
    assert client.get("/v1/movies/1/rating", headers=ada).json["value"] == 9.5
    assert [token["name"] for token in client.get("/v1/auth/tokens", headers=ada).json["items"]] == ["script"]
    [found] = client.get("/v1/movies?q=cleo%20varda").json["items"]
    assert (found["id"], found["ratings"]["count"], found["ratings"]["mean"]) == (1, 2, 8.25)
    dramas = client.get("/v1/movies?genre=Drama&sort=-score").json["items"]
    assert [movie["title"] for movie in dramas] == ["Cléo from 5 to 7", "Moon"]
    added = client.post("/v1/movies", json={"title": "New", "year": 2024}, headers=ada)
    # The removed movie's id, 4, never names another one.
    assert added.json["id"] == 5


def test_an_upgrade_that_fails_leaves_everything_and_says_so(at, run):
    file = at("0001")
    with closing(sqlite3.connect(file)) as connection:
        # The migration's last step makes one of this name.
        connection.execute("CREATE INDEX ix_movie_facet_facet ON movie_facet (facet)")
    before = content(file)
    done = run("serve")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"Error: MOVIERATING_DATABASE_URL: {file} can't be migrated and is as it was "
        "(index ix_movie_facet_facet already exists)\n"
    )
    assert content(file) == before


def test_a_newer_database_stops_the_start_in_one_line_and_stays(at, run):
    file = at(startup.get_newest_revision())
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = content(file)
    done = run("serve")
    assert done.returncode == 1
    assert (
        done.stderr
        == "Error: MOVIERATING_DATABASE_URL: the database is newer than this version of movierating\n"
    )
    assert content(file) == before
