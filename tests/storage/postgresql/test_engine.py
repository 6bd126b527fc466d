"""PostgreSQL: transactions that are rolled back, and connections that are lost."""

import time
from contextlib import suppress

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

import postgres
from movierating.errors import Unavailable
from movierating.movies.models import Movie
from movierating.storage import database
from movierating.storage.database import read, write
from movierating.storage.postgresql import connections as pg_connections
from movierating.storage.postgresql import engine as pg_engine

pytestmark = pytest.mark.postgresql

_movie = Movie.__table__.c


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
    # The next connection has a timeout that a busy machine does not reach between two statements.
    monkeypatch.undo()
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
