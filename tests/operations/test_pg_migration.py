"""The move from SQLite to PostgreSQL: everything as it was, or nothing."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import psycopg
import pytest

import postgres
from movierating import create_app
from movierating.movies import service as movies
from movierating.ratings import service as ratings
from movierating.storage import database
from movierating.users import service as users

pytestmark = pytest.mark.postgresql

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def original(tmp_path_factory, environ):
    """An SQLite instance with the bundled movies, of which somebody rated the first three and one is gone."""
    folder = tmp_path_factory.mktemp("original") / "sqlite"
    app = create_app(environ(folder, DATABASE_URL=f"sqlite:///{folder}/movierating.sqlite3"))
    with app.app_context():
        user = users.sign_up("ada", "ada@example.org", PASSWORD, None)
        for movie_id in (1, 2, 3):
            ratings.rate_movie(user["id"], movie_id, movie_id + 5, None)
        gone = movies.create_movie({"title": "Gone \U0001f3ac", "year": 2012}).id
        ratings.delete_movie(gone, None, with_ratings=False)
        database.close()
    return folder


@pytest.fixture
def instance(original, tmp_path):
    """A copy of it."""
    return shutil.copytree(original, tmp_path / "sqlite")


@pytest.fixture
def url(tmp_path):
    """The address of an empty database."""
    return postgres.database_of(tmp_path / "target")


@pytest.fixture
def on(instance, environ):
    """`on("check", url)` runs a command of the instance, on that database rather than on its SQLite file."""

    def run(*arguments, database_url=f"sqlite:///{instance}/movierating.sqlite3"):
        command = [sys.executable, "-m", "movierating", *arguments]
        env = environ(instance, DATABASE_URL=database_url)
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)

    return run


def count(url, table="movie"):
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_every_row_is_there_and_the_instance_goes_on_with_it(on, url, instance, environ):
    moved = on("migrate-database", url)
    assert moved.returncode == 0, moved.stderr
    assert "both databases are equal" in moved.stdout
    assert on("check", database_url=url).stdout == "No problems found.\n"
    app = create_app(environ(instance, DATABASE_URL=url))
    with app.app_context():
        client = app.test_client()
        tokens = client.post("/v1/auth/login", json={"login": "ada", "password": PASSWORD}).json
        ada = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert client.get("/v1/movies/3").json["ratings"]["mean"] == 4.0
        assert client.put("/v1/movies/3/rating", json={"value": 9}, headers=ada).status_code == 200
        database.close()


def test_no_id_is_given_out_again(on, url, instance, environ):
    newest = count(f"{url}") if on("migrate-database", url).returncode == 0 else None
    app = create_app(environ(instance, DATABASE_URL=url))
    with app.app_context():
        # The one that is gone had the id behind the last.
        assert movies.create_movie({"title": "New", "year": 2012}).id == newest + 2
        database.close()


def test_a_database_that_holds_something_is_left_alone(on, url):
    assert on("migrate-database", url).returncode == 0
    again = on("migrate-database", url)
    assert (again.returncode, again.stderr) == (
        1,
        "Error: the PostgreSQL database contains data already; nothing was copied\n",
    )


def test_a_move_that_is_killed_left_nothing_and_can_be_repeated(on, url, instance, environ):
    command = [sys.executable, "-m", "movierating", "migrate-database", url]
    env = environ(instance, DATABASE_URL=f"sqlite:///{instance}/movierating.sqlite3")
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    assert "rows:" in process.stderr.readline()
    process.kill()
    process.communicate()
    moved = on("migrate-database", url)
    assert moved.returncode == 0, moved.stderr
    assert (count(url), count(url, "rating")) == (count(url, "movie_search"), 3)


def test_an_instance_in_use_is_not_moved(on, url, instance, serve):
    service = serve(instance, DATABASE_URL=f"sqlite:///{instance}/movierating.sqlite3")
    try:
        moved = on("migrate-database", url)
        assert (moved.returncode, moved.stderr) == (
            1,
            "Error: the instance is in use; stop `serve` and other commands first\n",
        )
    finally:
        assert service.stop() == 0


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE movie SET rating_sum = rating_sum + 1 WHERE id = 2",
            "`movierating check` reports: aggregates: movie 2 does not equal its ratings",
        ),
        (
            "DELETE FROM movie WHERE id = 3",
            "the SQLite database is damaged (a row of movie_facet has no movie)",
        ),
        (
            "UPDATE movie SET directors = printf('%.500c', 'x'), title = printf('%.501c', 'x') WHERE id = 4",
            "PostgreSQL rejects a row of movie: value too long for type character varying(500)",
        ),
        (
            "UPDATE user SET display_name = 'a' || char(0)",
            "rows of user differ after the copy; nothing was copied",
        ),
        (
            "UPDATE alembic_version SET version_num = '0001'",
            "the SQLite database is not there or not at the newest migration; start the service once",
        ),
    ],
    ids=["sums", "orphans", "too long", "other", "older"],
)
def test_what_is_not_sound_is_not_moved(on, url, instance, statement, said):
    with closing(sqlite3.connect(instance / "movierating.sqlite3")) as connection, connection:
        connection.execute(statement)
    moved = on("migrate-database", url)
    lines = [line for line in moved.stderr.splitlines() if not line.startswith("rows: ")]
    assert (moved.returncode, lines) == (1, [f"Error: {said}"])
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('movie')").fetchone() == (None,) or not count(url)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "CREATE TABLE alembic_version AS SELECT '9999' AS version_num",
            "the PostgreSQL database is newer than this version of movierating",
        ),
        ('CREATE TABLE "user" (id int)', 'PostgreSQL error: relation "user" already exists'),
    ],
    ids=["newer", "foreign"],
)
def test_a_database_that_can_not_take_it_is_refused_in_one_line(on, url, statement, said):
    with psycopg.connect(url) as connection:
        connection.execute(statement)
    moved = on("migrate-database", url)
    assert (moved.returncode, moved.stderr) == (1, f"Error: {said}\n")


def test_who_has_no_rights_is_told_in_one_line(on, url):
    with psycopg.connect(url) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
    try:
        moved = on("migrate-database", url.replace("movierating@", "guest@"))
    finally:
        with psycopg.connect(url) as connection:
            connection.execute("DROP ROLE guest")
    said = "Error: PostgreSQL error: permission denied for schema public\n"
    assert (moved.returncode, moved.stderr) == (1, said)


def test_a_database_of_another_encoding_is_refused(on, instance):
    with psycopg.connect(postgres.server().address("postgres"), autocommit=True) as connection:
        kind = "ENCODING LATIN1 LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
        connection.execute(f"CREATE DATABASE latin {kind}")
    try:
        moved = on("migrate-database", postgres.server().address("latin"))
    finally:
        postgres.server().drop("latin")
    said = "the PostgreSQL database must have the encoding UTF8, not LATIN1"
    assert (moved.returncode, moved.stderr) == (1, f"Error: {said}\n")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/films", "URL must be postgresql+psycopg://"),
        ("postgresql://ada:secret@127.0.0.1:1/films", "PostgreSQL error: "),
        ("sqlite:////tmp/films.sqlite3", "URL must be postgresql+psycopg://"),
    ],
)
def test_what_is_no_database_of_postgresql_is_said_in_one_line(on, url, said):
    moved = on("migrate-database", url)
    assert moved.returncode == 1
    assert said in moved.stderr
    assert moved.stderr.count("\n") == 1
    assert "secret" not in moved.stderr
