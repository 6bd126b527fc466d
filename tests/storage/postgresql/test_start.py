"""PostgreSQL: databases that can't be used, roles that may only read, and starts that wait."""

import random

import psycopg
import pytest
from sqlalchemy import select

import postgres
from movierating import create_app
from movierating.config import SettingError
from movierating.errors import Unavailable
from movierating.movies.models import Movie
from movierating.storage import database
from movierating.storage.database import db
from movierating.storage.postgresql import connections as pg_connections
from movierating.storage.postgresql import engine as pg_engine

pytestmark = pytest.mark.postgresql


def make_foreign_database(url):
    execute(url, 'CREATE TABLE "user" (id integer)')


def make_newer_database(url):
    execute(url, "CREATE TABLE alembic_version (version_num text)")
    execute(url, "INSERT INTO alembic_version VALUES ('9999')")


def execute(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("make", "other_url", "why"),
    [
        (make_foreign_database, None, r"can't be migrated and is unchanged \(.*already exists"),
        (make_newer_database, None, "newer than this version"),
        (None, "movierating:secret@127.0.0.1:1/x", r"can't be opened \(.*refused"),
        (None, "movierating:secret@no.such.host.invalid/x", r"can't be opened \(.*resolve"),
        (None, "movierating:secret@127.0.0.1:{port}/none", r"can't be opened \(.*does not exist"),
        (None, "movierating@127.0.0.1:1/x?password=secret", r"can't be opened \(.*refused"),
    ],
    ids=["foreign", "newer", "no server", "no host", "no database", "password in the query"],
)
def test_unusable_database_stops_the_start_with_its_reason(tmp_path, environ, make, other_url, why):
    url = postgres.database_of(tmp_path / "instance").replace("movierating@", "movierating:secret@")
    if make is None:
        url = f"postgresql://{other_url.format(port=postgres.server().port)}"
    else:
        make(url)
    with pytest.raises(SettingError, match=why) as raised:
        create_app(environ(tmp_path / "instance", DATABASE_URL=url))
    assert raised.value.message.startswith("MOVIERATING_DATABASE_URL: ")
    assert "\n" not in raised.value.message
    assert "secret" not in raised.value.message


@pytest.fixture
def read_only_url(app, tmp_path):
    """The URL of the application's database for a role that may only read."""
    name, own = f"reader{random.getrandbits(40)}", postgres.database_of(tmp_path / "instance")
    execute(own, f"CREATE ROLE {name} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    yield own.replace("movierating@", f"{name}@")
    execute(own, f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_read_only_role_may_read_the_database_id(app, read_only_url):
    with psycopg.connect(read_only_url, autocommit=True) as connection:
        (identity,) = connection.execute(pg_connections._DATABASE_ID).fetchone()
    assert identity == database.get_version(None)[1]
    assert len(identity.split("/")) == 5


def test_version_is_unknown_without_a_database_id(app, read_only_url, add_movie, environ, tmp_path):
    movie_id = add_movie()
    execute(
        postgres.database_of(tmp_path / "instance"),
        "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
    )
    with create_app(environ(tmp_path / "other", DATABASE_URL=read_only_url), prepared=False).app_context():
        assert [database.get_version(each) for each in (("movie", movie_id), None)] == [None, None]
        assert database.read().scalar(select(Movie.id)) == movie_id
        database.close()


def test_start_that_waits_too_long_for_another_ends_with_one_line(app, tmp_path, environ, monkeypatch):
    monkeypatch.setattr(pg_engine, "START_TIMEOUT_SECONDS", 0.2)
    with pg_engine.advisory_lock(db.engine, pg_engine.START_LOCK):
        with pytest.raises(
            SettingError, match="Another process has been preparing the database for too long"
        ):
            create_app(environ(tmp_path / "instance"))
        with pytest.raises(Unavailable), pg_engine.advisory_lock(db.engine, pg_engine.START_LOCK):
            pass
    with pg_engine.advisory_lock(db.engine, pg_engine.START_LOCK):
        pass
