"""PostgreSQL: jobs that run concurrently or one after another, and how long they wait."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from movierating.errors import Unavailable
from movierating.movies.models import Movie
from movierating.storage import database
from movierating.storage.database import read, write
from movierating.storage.postgresql import connections as pg_connections
from movierating.storage.postgresql import engine as pg_engine

pytestmark = pytest.mark.postgresql

TAKE_EXCLUSIVE_LOCK = f"SELECT pg_advisory_xact_lock({pg_engine._WRITERS_LOCK})"

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
            # A job that waits for this one fails before.
            assert end.wait(2 * pg_connections.LOCK_TIMEOUT_SECONDS)

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
        assert time.monotonic() - started_at < pg_connections.LOCK_TIMEOUT_SECONDS


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
