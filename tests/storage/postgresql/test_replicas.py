"""Reads from a running replica: which requests use it, and what happens when it fails or is behind."""

import os
import signal
import time
from functools import partial

import psycopg
import pytest

import postgres
from movierating.http import compression
from movierating.storage import database
from movierating.storage.database import db
from movierating.storage.postgresql import replicas
from service_process import wait_until

pytestmark = pytest.mark.postgresql

PAUSE, RESUME = "SELECT pg_wal_replay_pause()", "SELECT pg_wal_replay_resume()"


@pytest.fixture(scope="module")
def follower():
    """A running replica of this process's server."""
    server = postgres.server().replica()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def replica(follower):
    """`replica(statement)` runs a statement on the replica, which is started and resumed after the test."""

    def run(statement):
        with psycopg.connect(follower.address("postgres"), autocommit=True) as connection:
            return connection.execute(statement).fetchone()

    yield run
    if follower.process.poll() is not None:
        follower.start()
    run(RESUME)


@pytest.fixture
def app(make_app, instance, follower, replica):
    wait_for_replica(replica)
    app = make_app(DATABASE_REPLICA_URL=follower.address(postgres.database_of(instance).rpartition("/")[2]))
    with app.app_context():
        yield app


def wait_for_replica(replica):
    """Wait until the replica has replayed what the primary has committed.

    The wait is for a record that this function commits. The primary's insert position will not do: records that
    belong to no commit, such as those of vacuum, stay in the primary's memory until something else is committed.
    """
    with psycopg.connect(postgres.server().address("postgres"), autocommit=True) as connection:
        (now,) = connection.execute("SELECT pg_logical_emit_message(true, 'tests', '')").fetchone()
    wait_for_position(replica, now)


def wait_for_position(replica, position):
    wait_until(lambda: replica(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")[0])


@pytest.fixture
def stopped_flushes(replica):
    """A connection to the primary, which keeps in memory what is not committed; the replica has the rest."""
    with psycopg.connect(postgres.server().address("postgres"), autocommit=True) as connection:
        writer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"
        (pid,) = connection.execute(writer).fetchone()
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_for_position(replica, *connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone())
            yield connection
        finally:
            os.kill(pid, signal.SIGCONT)


def get_replica():
    return db.engine.get_execution_options()["database"].replica


def count(client, movie_id):
    return client.get(f"/v1/movies/{movie_id}").json["ratings"]["count"]


def test_authenticated_reads_use_the_primary_and_anonymous_reads_the_replica(
    client, member, add_movie, replica, monkeypatch
):
    monkeypatch.setattr(replicas, "MAX_LAG_SECONDS", 600.0)
    movie_id = add_movie()
    wait_for_replica(replica)
    assert count(client, movie_id) == 0
    replica(PAUSE)
    assert member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8}).status_code == 201
    assert (count(member, movie_id), count(client, movie_id)) == (1, 0)
    replica(RESUME)
    wait_for_replica(replica)
    assert count(client, movie_id) == 1


@pytest.mark.parametrize("path", ["/v1/movies", "/v1/movies/1", "/v1/movies/1/ratings", "/v1/users/1"])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_stored_response_is_as_new_as_the_replica(
    path, coding, client, member, add_movie, replica, monkeypatch
):
    monkeypatch.setattr(compression, "MAX_UNCOMPRESSED_BYTES", 1)
    movie_id = add_movie()
    wait_for_replica(replica)
    read = partial(client.get, path, headers={"Accept-Encoding": coding})
    before = read()
    assert before.headers.get("Content-Encoding", "identity") == coding
    assert read().data == before.data
    member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8})
    wait_for_replica(replica)
    after = read()
    assert after.data != before.data
    assert after.headers["ETag"] != before.headers["ETag"]


def test_replica_serves_every_public_read(client, member, add_movie, replica):
    movie_id = add_movie(imdb_id="tt0111161", tmdb_id=278)
    member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8})
    wait_for_replica(replica)
    names = {
        "movie_id": movie_id,
        "user_id": member.id,
        "username": "member",
        "imdb_id": "tt0111161",
        "tmdb_id": 278,
    }
    document = client.get("/openapi.json").json
    paths = [path.format(**names) for path, item in document["paths"].items() if "get" in item]
    statuses = {path: client.get(path).status_code for path in paths if path.startswith("/v1/")}
    assert {200, 401} <= set(statuses.values()) <= {200, 308, 401}, statuses
    assert client.get("/readyz").json == {"status": "ok"}


def test_replica_that_stopped_is_used_again_after_its_start(
    client, add_movie, follower, monkeypatch, eventually
):
    monkeypatch.setattr(replicas, "CHECK_INTERVAL_SECONDS", 0.0)
    movie_id = add_movie()
    follower.stop()
    assert [client.get(f"/v1/movies/{movie_id}").status_code for _ in range(3)] == [200] * 3
    assert client.get("/readyz").json == {"status": "degraded", "degraded": ["replica"]}
    follower.start()
    eventually(lambda: client.get("/readyz").json == {"status": "ok"})


def test_replica_that_is_too_far_behind_is_not_read(
    client, member, add_movie, replica, monkeypatch, eventually
):
    monkeypatch.setattr(replicas, "MAX_LAG_SECONDS", 600.0)
    monkeypatch.setattr(replicas, "CHECK_INTERVAL_SECONDS", 0.0)
    movie_id = add_movie()
    wait_for_replica(replica)
    replica(PAUSE)
    member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8})
    assert count(client, movie_id) == 0
    monkeypatch.setattr(replicas, "MAX_LAG_SECONDS", 0.2)
    eventually(lambda: count(client, movie_id) == 1)
    assert client.get("/readyz").json["degraded"] == ["replica"]
    # Another thread has begun the next check, which takes a while.
    with get_replica()._check_lock:
        time.sleep(1.1)
        assert count(client, movie_id) == 1


def test_replica_is_read_although_the_primary_has_records_that_belong_to_no_commit(
    client, stopped_flushes, monkeypatch
):
    monkeypatch.setattr(replicas, "MAX_LAG_SECONDS", 0.0)
    monkeypatch.setattr(replicas, "CHECK_INTERVAL_SECONDS", 0.0)
    stopped_flushes.execute("SELECT pg_logical_emit_message(false, 'tests', '')")
    for _ in range(3):
        assert client.get("/v1/genres").status_code == 200
    assert client.get("/readyz").json == {"status": "ok"}


@pytest.fixture
def promoted(make_app, instance):
    """A client of an application whose replica has been promoted and is ahead of the primary, and a movie's id."""
    name = postgres.database_of(instance).rpartition("/")[2]
    server = postgres.server().replica()
    server.start()
    server.run("pg_ctl", "promote", "-D", str(server.folder), "--wait")
    server.stop()
    server.start()
    with psycopg.connect(server.address(name)) as connection:
        connection.execute("SELECT pg_logical_emit_message(true, 'tests', repeat('x', 1000000))")
    yield make_app(DATABASE_REPLICA_URL=server.address(name)).test_client()
    server.remove()


def test_replica_that_was_promoted_is_not_read(promoted, add_movie):
    movie_id = add_movie()
    assert count(promoted, movie_id) == 0
    assert promoted.get("/readyz").json["degraded"] == ["replica"]


def test_query_that_needs_a_newer_migration_than_the_replica_has_is_repeated_on_the_primary(
    client, add_movie, outside, instance, replica
):
    movie_id = add_movie()
    with outside(instance) as connection:
        connection.exec_driver_sql("ALTER TABLE movie RENAME edit TO former_edit")
    wait_for_replica(replica)
    replica(PAUSE)
    with outside(instance) as connection:
        connection.exec_driver_sql("ALTER TABLE movie RENAME former_edit TO edit")
    assert count(client, movie_id) == 0


def test_query_that_fails_on_the_replica_is_repeated_on_the_primary(client, app, add_movie, monkeypatch):
    movie_id = add_movie()
    connections = db.engine.get_execution_options()["database"]
    with connections.reading_from_replica() as is_from_replica:
        assert is_from_replica
        pid = database.read().exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    # As a conflict with replay does, between the check of the connection and its use.
    monkeypatch.setattr(
        "movierating.storage.postgresql.connections.PgReader.is_usable",
        lambda self: not self.connection.invalidated,
    )
    with psycopg.connect(
        connections.replica._engine.url.render_as_string().replace("+psycopg", ""), autocommit=True
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    response = client.get(f"/v1/movies/{movie_id}", headers={"X-Request-ID": "mine"})
    assert (response.status_code, response.headers["X-Request-ID"]) == (200, "mine")


def test_replica_is_read_while_the_primary_fails(app, monkeypatch, caplog):
    monkeypatch.setattr(replicas, "CHECK_INTERVAL_SECONDS", 0.0)
    with db.engine.connect() as primary:
        assert get_replica().get_connection(primary) is not None
    # The connection is closed now.
    assert get_replica().get_connection(primary) is not None
    assert caplog.messages == []


def test_replica_needs_a_postgresql_database(make_app):
    with pytest.raises(Exception, match="DATABASE_REPLICA_URL: needs MOVIERATING_DATABASE_URL"):
        make_app(DATABASE_URL="sqlite:////tmp/x.sqlite3", DATABASE_REPLICA_URL="postgresql://localhost/x")
