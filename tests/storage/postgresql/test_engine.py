"""PostgreSQL: locks, connections, differences of its driver, plans of statements, and the start."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

import postgres
from movierating import create_app
from movierating.auth.models import User
from movierating.config import SettingError
from movierating.errors import Unavailable
from movierating.movies import search
from movierating.movies.models import DataMigration, Movie
from movierating.storage import database
from movierating.storage.database import db, read, write
from movierating.storage.postgresql import connections as pg_connections
from movierating.storage.postgresql import engine as pg_engine
from movierating.users import rating_history

pytestmark = pytest.mark.postgresql

TAKE_EXCLUSIVE_LOCK = f"SELECT pg_advisory_xact_lock({pg_engine._WRITERS})"
_movie = Movie.__table__.c


def count_waiting():
    """Return the number of sessions that wait for a lock."""
    return read().exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar_one()


@pytest.fixture
def threads(app):
    """`threads(write, job)` calls a function in another thread and returns its future."""

    def inside(function, *arguments):
        with app.app_context():
            return function(*arguments)

    with ThreadPoolExecutor(4) as pool:
        yield lambda function, *arguments: pool.submit(inside, function, *arguments)


@pytest.fixture
def held(threads):
    """`held(invalidates)` starts a job in another thread that ends when `held.end` is set, at last after the test."""
    end = threading.Event()

    def begin(invalidates):
        begun = threading.Event()

        def job(_connection):
            begun.set()
            assert end.wait(30)

        threads(write, job, invalidates)
        assert begun.wait(30)

    begin.end = end
    yield begin
    end.set()


def test_jobs_that_name_what_they_invalidate_run_concurrently(held):
    held([("movie", 1)])
    assert write(lambda _connection: "done", [("movie", 2)]) == "done"


@pytest.mark.parametrize(("first", "second"), [((1,), None), (None, (1,)), (None, None)])
def test_job_that_invalidates_everything_runs_alone(held, threads, eventually, first, second):
    held(first)
    after = threads(write, lambda _connection: held.end.is_set(), second)
    eventually(lambda: count_waiting() == 1)
    held.end.set()
    assert after.result() is True


def test_write_that_waits_too_long_for_a_lock_returns_503(
    monkeypatch, tmp_path, outside, member, add_movie, problem
):
    rating = f"/v1/movies/{add_movie()}/rating"
    monkeypatch.setattr(pg_connections, "LOCK_TIMEOUT_SECONDS", 0.05)
    database.close()
    with outside(tmp_path / "instance") as other:
        other.exec_driver_sql(TAKE_EXCLUSIVE_LOCK)
        response = member.put(rating, json={"value": 8})
        problem(response, 503)
        assert response.headers["Retry-After"]
    assert member.put(rating, json={"value": 8}).status_code == 201


def test_read_with_a_personal_token_does_not_wait_for_a_lock(tmp_path, outside, member, client):
    token = member.post("/v1/auth/tokens", json={"name": "script", "scope": "read"}).json["token"]
    with outside(tmp_path / "instance") as other:
        other.exec_driver_sql(TAKE_EXCLUSIVE_LOCK)
        started_at = time.monotonic()
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/v1/users/me", headers=headers).status_code == 200
        assert time.monotonic() - started_at < pg_connections.LOCK_TIMEOUT_SECONDS / 3


def test_job_runs_again_after_a_deadlock(app, add_movie, threads):
    one, two = add_movie(), add_movie()
    barrier, runs = threading.Barrier(2), []

    def job(first, second):
        def change(connection):
            connection.exec_driver_sql("SET LOCAL deadlock_timeout = '20ms'")
            runs.append(first)
            for movie_id in (first, second):
                connection.execute(update(Movie).where(_movie.id == movie_id).values(edit=_movie.edit + 1))
                if movie_id == first and len(runs) <= 2:
                    barrier.wait(30)

        return change

    for outcome in [threads(write, job(*pair), pair) for pair in ((one, two), (two, one))]:
        outcome.result()
    assert len(runs) == 3
    assert read().scalars(select(_movie.edit)).all() == [3, 3]


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_job_fails_after_the_last_attempt(app, state):
    runs = []

    def job(connection):
        runs.append(connection)
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'ended' USING ERRCODE = '{state}'; END $$")

    with pytest.raises(Unavailable):
        write(job)
    assert len(runs) == pg_engine.MAX_ATTEMPTS


def test_job_that_suppresses_an_error_raises_one(app, add_movie):
    def job(connection):
        connection.execute(update(Movie).values(edit=7))
        with suppress(DBAPIError):
            connection.exec_driver_sql("SELECT 1 / 0")

    add_movie()
    with pytest.raises(RuntimeError):
        write(job)
    assert read().scalars(select(_movie.edit)).all() == [1]


@pytest.mark.parametrize("after", [1, 2], ids=["at the end", "in the middle"])
def test_job_whose_connection_was_lost_is_rolled_back(app, add_movie, outside, tmp_path, after):
    def job(connection):
        for turn in range(2):
            with suppress(SQLAlchemyError):
                pg_engine.execute(connection, "UPDATE movie SET edit = edit + 1")
            if turn + 1 == 3 - after:
                pid = pg_engine.execute(connection, "SELECT pg_backend_pid()").fetchone()[0]
                with outside(tmp_path / "instance") as other:
                    other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 1000)")

    add_movie()
    with pytest.raises(Unavailable):
        write(job)
    assert read().scalars(select(_movie.edit)).all() == [1]
    write(lambda connection: connection.execute(update(Movie).values(edit=2)))
    assert read().scalars(select(_movie.edit)).all() == [2]


def test_idle_transaction_is_ended(monkeypatch, app, add_movie):
    monkeypatch.setattr(pg_connections, "IDLE_TRANSACTION_TIMEOUT_SECONDS", 0.1)
    database.close()
    with pytest.raises(Unavailable):
        write(lambda _connection: time.sleep(0.5))
    assert write(lambda _connection: "done") == "done"


def test_lost_client_is_detected_within_half_a_minute(app):
    names = ("idle", "interval", "count")
    idle, interval, count = (
        int(read().exec_driver_sql(f"SHOW tcp_keepalives_{name}").scalar_one()) for name in names
    )
    assert 0 < idle + interval * count <= 30


def test_requests_succeed_after_a_restart_of_the_server(app, client, member, add_movie):
    url = f"/v1/movies/{add_movie()}"
    assert client.get("/readyz").status_code == 200
    for _ in range(2):
        postgres.server().stop()
        postgres.server().start()
        assert client.get(url).status_code == 200
        postgres.server().stop()
        postgres.server().start()
        assert member.put(f"{url}/rating", json={"value": 8}).status_code in (200, 201)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/movies?director=a%00b", None, 422),
        ("GET", "/v1/movies?q=a%00b&sort=relevance", None, 422),
        ("POST", "/v1/auth/login", {"login": "ada\0", "password": "correct horse battery"}, 401),
        ("POST", "/v1/auth/login", {"login": "ada", "password": "correct\0horse"}, 401),
        ("POST", "/v1/auth/refresh", {"refresh_token": "\0"}, 401),
    ],
)
def test_nul_in_a_request_is_no_server_error(client, method, path, body, status):
    assert client.open(path, method=method, json=body).status_code == status


def test_text_with_nul_matches_nothing(app):
    write(lambda connection: connection.execute(insert(DataMigration).values(name="ab", reached_at=0)))
    for name in ("a\0b", "ab\0", "\0"):
        assert read().scalar(select(func.count()).where(DataMigration.name == name)) == 0


SECRET = "ada@example.org"


@pytest.mark.parametrize("number", [1, 2], ids=["one row", "many"])
def test_error_names_the_constraint_without_values(app, number):
    row = {"username": "ada", "username_key": "ada", "display_name": "Ada", "created_at": 0, "updated_at": 0}
    rows = [{**row, "username_key": f"ada{each}", "email_key": SECRET} for each in range(number)]
    write(lambda connection: connection.execute(insert(User).values({**row, "email_key": SECRET})))
    with pytest.raises(IntegrityError) as raised:
        write(lambda connection: connection.execute(insert(User), rows))
    assert "uq_user_email_key" in str(raised.value)
    assert SECRET not in str(raised.value)
    assert not any("ada0" in str(each) for each in (raised.value, raised.value.orig, raised.value.__cause__))


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
    ],
    ids=["foreign", "newer", "nobody there", "no host", "no database"],
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


def test_next_page_by_title_uses_the_index(app):
    driver = read().connection.dbapi_connection
    driver.execute("SET enable_sort = off")
    (statement,) = rating_history._pages("title", frozenset())._next
    values = {"user": 1, "start_0": "emma", "start_1": 7, "max_rows": 3}
    plan = "\n".join(
        row[0] for row in driver.execute(f"EXPLAIN {statement.compile(read().dialect).sql}", values)
    )
    assert "Index Cond: (ROW(title_key, id) > ROW(" in plan


def list_prepared_statements():
    """Return the prepared statements of this connection."""
    return read().exec_driver_sql("SELECT statement FROM pg_prepared_statements").scalars().all()


def test_list_by_title_is_planned_for_each_user(app):
    for sort in ["title", "-rated_at"] * 8:
        rating_history._pages(sort, frozenset()).page(None, 3, user=1)
    assert any("ORDER BY rating.rated_at DESC" in statement for statement in list_prepared_statements())
    assert not any("ORDER BY movie.title_key" in statement for statement in list_prepared_statements())


def test_next_page_of_movies_is_read_by_one_statement(app, add_movie):
    for _ in range(3):
        add_movie()
    _, cursor = search.search_movies({}, "-score", None, 1)
    for _ in range(8):
        search.search_movies({}, "-score", cursor, 1)
    (statement,) = [each for each in list_prepared_statements() if "sort_0" in each]
    assert "(movie.score, movie.prominence, movie.id) < (" in statement


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
    assert identity == database.get_version(db.engine, None)[1]
    assert len(identity.split("/")) == 5


def test_version_is_unknown_without_a_database_id(app, read_only_url, add_movie, environ, tmp_path):
    movie_id = add_movie()
    execute(
        postgres.database_of(tmp_path / "instance"),
        "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
    )
    with create_app(environ(tmp_path / "other", DATABASE_URL=read_only_url), prepared=False).app_context():
        assert [database.get_version(db.engine, each) for each in (("movie", movie_id), None)] == [None, None]
        assert database.read().scalar(select(Movie.id)) == movie_id
        database.close()


def test_start_that_waits_too_long_for_another_ends_with_one_line(app, tmp_path, environ, monkeypatch):
    monkeypatch.setattr(pg_engine, "START_TIMEOUT_SECONDS", 0.2)
    with pg_engine.advisory_lock(db.engine, pg_engine.START):
        with pytest.raises(
            SettingError, match="Another process has been preparing the database for too long"
        ):
            create_app(environ(tmp_path / "instance"))
        with pytest.raises(Unavailable), pg_engine.advisory_lock(db.engine, pg_engine.START):
            pass
    with pg_engine.advisory_lock(db.engine, pg_engine.START):
        pass
