"""`migrate-database`: it copies every row to PostgreSQL, or nothing."""

import io
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import psycopg
import pytest
from flask import current_app

import postgres
from movierating import create_app
from movierating.movies import retired_movies
from movierating.movies import service as movies
from movierating.operations import schema_revisions
from movierating.ratings import merging, stored_files
from movierating.ratings import service as ratings
from movierating.storage import database
from movierating.users import service as users

pytestmark = pytest.mark.postgresql

PASSWORD = "correct horse battery"
TWIN = "tt9999999"
GONE = {"title": "Gone \U0001f3ac", "year": 2012}
NEWEST = schema_revisions.get_newest_revision()


@pytest.fixture(scope="module")
def original(tmp_path_factory, environ):
    """An SQLite instance with the bundled movies, three ratings, a merged movie and a deleted one."""
    folder = tmp_path_factory.mktemp("original") / "sqlite"
    app = create_app(environ(folder, DATABASE_URL=f"sqlite:///{folder}/movierating.sqlite3"))
    with app.app_context():
        user = users.sign_up("ada", "ada@example.org", PASSWORD, None)
        for movie_id in (1, 2, 3):
            ratings.rate_movie(user["id"], movie_id, movie_id + 5, None)
        twin = {"title": "Émile, a twin", "year": 2012, "imdb_id": TWIN, "tmdb_id": 10**9}
        merging.merge_movies(movies.create_movie(twin).id, 3)
        deleted = movies.create_movie(GONE).id
        ratings.delete_movie(deleted, None, with_ratings=False)
        stored_files.store_file(user["id"], "upload", "ratings.csv", io.BytesIO(b"title"))
        database.close()
    return folder


@pytest.fixture
def instance(original, tmp_path):
    """A copy of `original`."""
    # The journal of the metrics may go away meanwhile.
    return shutil.copytree(original, tmp_path / "sqlite", ignore=shutil.ignore_patterns("metrics.*-journal"))


@pytest.fixture
def url(tmp_path):
    """The URL of an empty PostgreSQL database."""
    return postgres.database_of(tmp_path / "target")


@pytest.fixture
def on(instance, environ):
    """`on("check", database_url=url)` runs a command on the instance, by default with its SQLite file."""

    def run(*arguments, database_url=f"sqlite:///{instance}/movierating.sqlite3"):
        command = [sys.executable, "-m", "movierating", *arguments]
        env = environ(instance, DATABASE_URL=database_url)
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture
def rejected(on):
    """`rejected(url, message)` asserts that nothing is copied to `url`, with one line of error."""

    def check(url, message):
        done = on("migrate-database", url)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("rows: ")]
        assert (done.returncode, lines) == (1, [f"Error: {message}"])

    return check


def count(url, table="movie"):
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_instance_continues_with_the_copy(on, url, instance, environ, rejected):
    copied = on("migrate-database", url)
    assert copied.returncode == 0, copied.stderr
    assert "both databases are equal" in copied.stdout
    assert on("check", database_url=url).stdout == "No problems found.\n"
    movie_count = count(url)
    assert count(url, "stored_file") == 0
    with create_app(environ(instance, DATABASE_URL=url)).app_context():
        client = current_app.test_client()
        tokens = client.post("/v1/auth/login", json={"login": "ada", "password": PASSWORD}).json
        ada = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert client.get("/v1/movies/3").json["ratings"]["mean"] == 4.0
        assert client.put("/v1/movies/3/rating", json={"value": 9}, headers=ada).status_code == 200
        # The ids after the last one were those of the merged and the deleted movie.
        assert movies.create_movie({"title": "New", "year": 2012}).id == movie_count + 3
        assert client.get(f"/v1/movies/{movie_count + 1}").headers["Location"] == "/v1/movies/3"
        assert client.get(f"/v1/movies/by-imdb/{TWIN}").json["id"] == 3
        gone = {**dict.fromkeys(("imdb_id", "tmdb_id", "wikidata_id")), **GONE}
        assert gone in retired_movies.RetiredMovies(database.read(), [gone])
        database.close()
    rejected(url, "the PostgreSQL database contains data already; nothing was copied")


def test_killed_migration_copies_nothing_and_can_be_repeated(on, url, instance, environ):
    command = [sys.executable, "-m", "movierating", "migrate-database", url]
    env = environ(instance, DATABASE_URL=f"sqlite:///{instance}/movierating.sqlite3")
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    assert "rows:" in process.stderr.readline()
    process.kill()
    process.communicate()
    copied = on("migrate-database", url)
    assert copied.returncode == 0, copied.stderr
    assert (count(url), count(url, "rating")) == (count(url, "movie_search"), 3)


def test_instance_in_use_is_not_copied(rejected, url, instance, serve):
    service = serve(instance, DATABASE_URL=f"sqlite:///{instance}/movierating.sqlite3")
    rejected(url, "the instance is in use; stop `serve` and other commands first")
    assert service.stop() == 0


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE movie SET rating_sum = rating_sum + 1 WHERE id = 2",
            "`movierating check` reports: aggregates: movie 2 does not equal its ratings",
        ),
        (
            "DELETE FROM movie WHERE id = 2",
            "`movierating check` reports: database: a row of movie_facet has no movie",
        ),
        (
            "UPDATE user SET display_name = printf('%.500c', 'x')",
            "PostgreSQL rejects a row of user: value too long for type character varying(100)",
        ),
        (
            "UPDATE user SET display_name = 'a' || char(0)",
            "rows of user differ after the copy; nothing was copied",
        ),
        (
            "UPDATE alembic_version SET version_num = '0001'",
            f"`movierating check` reports: migrations: the database is at 0001, this version needs {NEWEST}; "
            "a start migrates it",
        ),
    ],
    ids=["aggregate", "orphan", "too long", "other characters", "older"],
)
def test_invalid_database_is_not_copied(rejected, url, instance, statement, message):
    with closing(sqlite3.connect(instance / "movierating.sqlite3")) as connection, connection:
        connection.execute(statement)
    rejected(url, message)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('movie')").fetchone() == (None,) or not count(url)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "CREATE TABLE alembic_version AS SELECT '9999' AS version_num",
            "the PostgreSQL database is newer than this version of movierating",
        ),
        ('CREATE TABLE "user" (id int)', 'PostgreSQL error: relation "user" already exists'),
    ],
    ids=["newer", "other tables"],
)
def test_unsuitable_target_is_rejected(rejected, url, statement, message):
    with psycopg.connect(url) as connection:
        connection.execute(statement)
    rejected(url, message)


def test_user_without_permissions_is_rejected(rejected, url):
    with psycopg.connect(url) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
    try:
        guest_url = url.replace("movierating@", "guest@")
        rejected(guest_url, "PostgreSQL error: permission denied for schema public")
    finally:
        with psycopg.connect(url) as connection:
            connection.execute("DROP ROLE guest")


def test_target_with_another_encoding_is_rejected(rejected):
    with psycopg.connect(postgres.server().address("postgres"), autocommit=True) as connection:
        options = "ENCODING LATIN1 LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
        connection.execute(f"CREATE DATABASE latin {options}")
    try:
        message = "the PostgreSQL database must have the encoding UTF8, not LATIN1"
        rejected(postgres.server().address("latin"), message)
    finally:
        postgres.server().drop("latin")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/films", "URL must be postgresql+psycopg://"),
        ("postgresql://ada:secret@127.0.0.1:1/films", "PostgreSQL error: "),
        ("sqlite:////tmp/films.sqlite3", "URL must be postgresql+psycopg://"),
    ],
)
def test_invalid_url_is_rejected_without_its_password(on, url, message):
    done = on("migrate-database", url)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr
