"""Reads and writes of the database by several threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from movierating.movies.models import DataMigration, MovieFacet
from movierating.storage import database
from movierating.storage.database import db, read, write

_name, _count = DataMigration.__table__.c.name, DataMigration.__table__.c.applied_at


@pytest.fixture
def counter(app):
    """Insert a row that counts from 0; return a function that reads it."""
    write(lambda connection: connection.execute(insert(DataMigration).values(name="counter", applied_at=0)))
    return lambda: read().scalar(select(_count).where(_name == "counter"))


def increment(connection):
    value = connection.scalar(select(_count).where(_name == "counter"))
    connection.execute(update(DataMigration).where(_name == "counter").values(applied_at=value + 1))


def test_concurrent_threads_lose_no_write(app, counter):
    def work(_):
        with app.app_context():
            for _ in range(30):
                write(increment)

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(work, range(5)))
    assert counter() == 5 * 30


def test_job_that_raises_is_rolled_back(counter):
    def job(connection):
        increment(connection)
        raise KeyError("no")

    with pytest.raises(KeyError):
        write(job)
    assert counter() == 0
    write(increment)
    assert counter() == 1


def test_write_inside_a_job_raises_an_error(counter):
    def job(connection):
        increment(connection)
        write(increment)

    with pytest.raises(RuntimeError, match="pass its connection on"):
        write(job)
    assert counter() == 0
    write(increment)
    assert counter() == 1


def test_read_shows_a_commit_of_another_program(counter, outside, tmp_path):
    assert counter() == 0
    with outside(tmp_path / "instance") as other:
        other.execute(update(DataMigration).where(_name == "counter").values(applied_at=5))
    assert counter() == 5


def test_read_shows_nothing_uncommitted(counter):
    seen = []

    def job(connection):
        increment(connection)
        seen.append(counter())

    write(job)
    assert [*seen, counter()] == [0, 1]


def test_read_does_not_wait_for_a_writer(app, counter):
    started, done = threading.Event(), threading.Event()

    def slow(connection):
        increment(connection)
        started.set()
        assert done.wait(30)

    def work():
        with app.app_context():
            write(slow)

    writer = threading.Thread(target=work)
    writer.start()
    assert started.wait(30)
    assert counter() == 0
    done.set()
    writer.join()
    assert counter() == 1


def test_thread_keeps_its_connection_and_returns_it_to_the_pool(app):
    assert read() is read()

    def work():
        with app.app_context():
            assert read() is read()
            read().scalar(select(func.count()).select_from(DataMigration))

    for _ in range(20):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    # The connection of this thread, and the one that all other threads used in turn.
    assert (db.engine.pool.checkedout(), db.engine.pool.checkedin()) == (1, 1)


def test_closed_connections_open_again(app, counter):
    first = read()
    database.close()
    assert first.closed
    assert counter() == 0


@pytest.mark.sqlite
def test_synchronous_is_full_by_default(app, make_app):
    def synchronous():
        return read().exec_driver_sql("PRAGMA synchronous").scalar()

    assert synchronous() == 2
    with make_app(SQLITE_SYNCHRONOUS="NORMAL").app_context():
        assert synchronous() == 1


def test_foreign_keys_are_enforced(app):
    row = {"movie_id": 1, "facet": "year:2001"}
    with pytest.raises(IntegrityError):
        write(lambda connection: connection.execute(insert(MovieFacet).values(row)))
