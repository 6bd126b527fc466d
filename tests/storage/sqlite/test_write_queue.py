"""Those who wait share one transaction, and each has its own outcome."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import func, insert, select

from movierating import clock
from movierating.errors import InsufficientStorage, Unavailable
from movierating.movies.models import DataMigration
from movierating.storage.database import db, read, write
from movierating.storage.sqlite import write_queue
from movierating.storage.sqlite.engine import Database

pytestmark = pytest.mark.sqlite


@pytest.fixture
def queue(app):
    return db.engine.get_execution_options()["database"].write_queue


def reach(name):
    return lambda connection: connection.execute(
        insert(DataMigration).values(name=name, reached_at=clock.now())
    )


def reached(pattern):
    return read().scalar(select(func.count()).where(DataMigration.name.like(pattern)))


@pytest.fixture
def held_back(app, queue):
    """Jobs given while the queue is held: `held_back(jobs)` is each one's result or error, after one transaction.

    The first `long` of them are long ones, of which one at a time queues with the others.
    """

    def run(jobs, long=0):
        started, release = threading.Event(), threading.Event()

        def hold(_connection):
            started.set()
            release.wait(10)

        def outcome(job, own_transaction=False):
            with app.app_context():
                try:
                    return write(job, own_transaction=own_transaction)
                except Exception as error:
                    return error

        with ThreadPoolExecutor(len(jobs) + 1) as pool:
            holder = pool.submit(outcome, hold)
            started.wait(10)
            outcomes = []
            for number, job in enumerate(jobs, 1):
                outcomes.append(pool.submit(outcome, job, number <= long))
                while len(queue._queue) < number - max(0, min(number, long) - 1):
                    pass
            release.set()
            holder.result()
            return [future.result() for future in outcomes]

    return run


def test_all_who_wait_are_committed_together(held_back, app):
    transactions = []
    outcomes = held_back([lambda connection: transactions.append(id(connection.get_transaction()))] * 20)
    assert outcomes == [None] * 20
    assert len(transactions) == 20
    assert len(set(transactions)) == 1


def test_a_job_that_fails_undoes_itself_alone(held_back, app):
    def fail(connection):
        reach("together failed")(connection)
        raise LookupError("mine alone")

    outcomes = held_back([reach("together one"), fail, reach("together two")])
    assert [type(outcome) for outcome in outcomes].count(LookupError) == 1
    assert reached("together%") == 2
    assert reached("together failed") == 0


def test_a_transaction_that_is_lost_fails_everybody_in_it(held_back, app):
    def lose(connection):
        reach("lost zero")(connection)
        connection.exec_driver_sql("ROLLBACK")
        raise OSError("the disk went away")

    outcomes = held_back([reach("lost one"), lose, reach("lost two")])
    # Nobody is told of what followed from it, and an error of a job's own files stays what it is.
    assert [type(outcome) for outcome in outcomes] == [OSError] * 3
    assert reached("lost%") == 0
    write(reach("lost and found"))
    assert reached("lost%") == 1


def test_who_finds_no_room_is_told_and_keeps_nobody_from_writing(held_back, app):
    def outgrow(connection):
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("CREATE TABLE large AS SELECT zeroblob(10000000)")

    outcomes = held_back([reach("full one"), outgrow, reach("full two")])
    # The others' rows fit, unless SQLite has undone the transaction.
    assert isinstance(outcomes[1], InsufficientStorage)
    stored = [not isinstance(outcome, Exception) for outcome in outcomes]
    assert reached("full%") == sum(stored)
    # The next one has another connection, which finds room.
    write(reach("full no more"))
    assert reached("full no more") == 1


def test_a_long_job_is_alone_and_others_come_between_it_and_the_next(held_back):
    order = []

    def seen(name):
        def job(connection):
            # Who shares a transaction sees what the one before has not committed.
            committed = read().scalar(select(func.count()).where(DataMigration.name.like("seen %")))
            connection.execute(insert(DataMigration).values(name=f"seen {name}", reached_at=0))
            order.append((name, committed))
            if name == "long 1":
                time.sleep(0.3)

        return job

    held_back([seen(name) for name in ("long 1", "long 2", "short 1", "short 2")], long=2)
    assert order == [("long 1", 0), ("short 1", 1), ("short 2", 1), ("long 2", 3)]


def test_behind_a_long_job_others_come_before_the_long_one_of_another_process(queue):
    # A second queue waits for the locks of the first as one of another process does.
    ours, theirs = queue, Database(db.engine).write_queue
    order, began, release = [], threading.Event(), threading.Event()

    def first(_connection):
        began.set()
        release.wait(10)
        time.sleep(0.3)

    def short(_connection):
        order.append("short")
        # A long one that left no room would queue now.
        until = time.monotonic() + 0.1
        while time.monotonic() < until and not theirs._queue:
            pass
        outcomes.append(pool.submit(theirs.write, lambda _: order.append("later"), ()))
        while not theirs._queue:
            pass

    with ThreadPoolExecutor(4) as pool:
        outcomes = [pool.submit(ours.write, first, (), True)]
        began.wait(10)
        outcomes.append(pool.submit(theirs.write, lambda _: order.append("long"), (), True))
        while not theirs._long_lock.locked():
            pass
        outcomes.append(pool.submit(theirs.write, short, ()))
        while not theirs._leader_lock.locked():
            pass
        release.set()
        for outcome in outcomes:
            outcome.result(10)
    theirs.close()
    assert order == ["short", "later", "long"]


@pytest.fixture
def foreign_lock(app, tmp_path):
    """Another program's connection that holds SQLite's write lock until it is closed."""
    connection = sqlite3.connect(tmp_path / "instance" / "movierating.sqlite3", check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


@pytest.fixture
def write_in_thread(app):
    """`write_in_thread(job)` runs a job in a thread; its result is the error, or None."""

    def work(job):
        with app.app_context():
            try:
                write(job)
            except Unavailable as error:
                return error

    with ThreadPoolExecutor(20) as pool:
        yield lambda job: pool.submit(work, job)


def test_writer_that_comes_while_the_queue_closes_writes_afterwards(queue, write_in_thread, monkeypatch):
    writers = []

    def close():
        monkeypatch.undo()
        writers.append(write_in_thread(reach("after closing")))
        while not queue._queue:
            pass

    monkeypatch.setattr(queue._write_lock, "close", close)
    queue.close()
    assert writers[0].result(10) is None
    assert reached("after closing") == 1


def test_writer_that_waits_too_long_gets_an_error_and_leaves_the_queue(queue, write_in_thread, monkeypatch):
    monkeypatch.setattr(write_queue, "WRITE_TIMEOUT_SECONDS", 0.05)
    started, release = threading.Event(), threading.Event()
    holder = write_in_thread(lambda _connection: started.set() or release.wait(10))
    started.wait(10)
    with pytest.raises(Unavailable, match="busy"):
        write(reach("too late"))
    release.set()
    assert holder.result(10) is None
    assert not queue._queue
    write(reach("in time"))
    assert (reached("too late"), reached("in time")) == (0, 1)


def test_writers_are_not_delayed_after_a_lock_that_was_held_long(foreign_lock, write_in_thread):
    waiting = [write_in_thread(reach(f"waiting {number}")) for number in range(4)]
    time.sleep(4)
    foreign_lock.rollback()
    assert [each.result(10) for each in waiting] == [None] * 4
    started = time.monotonic()
    write(reach("afterwards"))
    assert time.monotonic() - started < 1.5


STOPPED_WRITER = """
import os, signal
from sqlalchemy import insert
from movierating import create_app
from movierating.movies.models import DataMigration
from movierating.storage import database


def job(connection):
    connection.execute(insert(DataMigration).values(name="of the stopped process", reached_at=0))
    print("inside", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)


with create_app().app_context():
    database.write(job)
    database.close()
"""


def test_writers_do_not_wait_for_a_stopped_process_longer_than_the_timeout(
    app, environ, tmp_path, monkeypatch
):
    monkeypatch.setattr(write_queue, "LOCK_TIMEOUT_SECONDS", 0.3)
    write(reach("acknowledged"))
    command, env = [sys.executable, "-c", STOPPED_WRITER], environ(tmp_path / "instance")
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "inside\n"
        for _ in range(2):
            with pytest.raises(Unavailable):
                write(reach("meanwhile"))
        assert (reached("acknowledged"), reached("of the%")) == (1, 0)
        process.send_signal(signal.SIGCONT)
    assert process.returncode == 0
    write(reach("afterwards"))
    assert (reached("acknowledged"), reached("meanwhile")) == (1, 0)
    assert (reached("of the%"), reached("afterwards")) == (1, 1)


def test_log_that_grew_behind_a_snapshot_shrinks_again(app, tmp_path):
    file = tmp_path / "instance" / "movierating.sqlite3"
    log = file.with_name(f"{file.name}-wal")
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM user").fetchone()
        write(
            lambda connection: connection.exec_driver_sql("CREATE TABLE large AS SELECT zeroblob(50000000)")
        )
        assert log.stat().st_size > 50_000_000
    for number in range(3):
        write(reach(f"small {number}"))
    assert log.stat().st_size <= 32 << 20
