"""Those who wait share one transaction, and each has its own outcome."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, insert, select

from movierating import clock
from movierating.errors import InsufficientStorage, Unavailable
from movierating.movies.models import DataMigration
from movierating.storage.database import db, read, write
from movierating.storage.sqlite.write_queue import WriteQueue

pytestmark = pytest.mark.sqlite


def reach(name):
    return lambda connection: connection.execute(
        insert(DataMigration).values(name=name, reached_at=clock.now())
    )


def reached(pattern):
    return read().scalar(select(func.count()).where(DataMigration.name.like(pattern)))


@pytest.fixture
def held_back(app):
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
            writer = db.engine.get_execution_options()["database"].write_queue
            outcomes = []
            for number, job in enumerate(jobs, 1):
                outcomes.append(pool.submit(outcome, job, number <= long))
                while len(writer._queue) < number - max(0, min(number, long) - 1):
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


def test_behind_a_long_job_others_come_before_the_long_one_of_another_process(app):
    # A second writer takes its turns with the first as one of another process does.
    engine = db.engine
    ours, theirs = engine.get_execution_options()["database"].write_queue, WriteQueue()
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
        outcomes.append(pool.submit(theirs.write, engine, lambda _: order.append("later"), ()))
        while not theirs._queue:
            pass

    with ThreadPoolExecutor(4) as pool:
        outcomes = [pool.submit(ours.write, engine, first, (), True)]
        began.wait(10)
        outcomes.append(pool.submit(theirs.write, engine, lambda _: order.append("long"), (), True))
        while not theirs.write_lock.long._among_threads.locked():
            pass
        outcomes.append(pool.submit(theirs.write, engine, short, ()))
        while not theirs._front.locked():
            pass
        release.set()
        for outcome in outcomes:
            outcome.result(10)
    theirs.close()
    assert order == ["short", "later", "long"]


def test_who_comes_while_the_connection_is_closed_writes_after_that(app, monkeypatch):
    writer = db.engine.get_execution_options()["database"].write_queue

    def late():
        with app.app_context():
            write(reach("after closing"))

    with ThreadPoolExecutor(1) as pool:
        coming = []

        def close():
            coming.append(pool.submit(late))
            while not writer._queue:
                pass

        monkeypatch.setattr(writer.write_lock, "close", close)
        writer.close()
        coming[0].result(10)
    assert reached("after closing") == 1


def test_who_waits_too_long_is_told_and_leaves_the_queue(app, monkeypatch):
    monkeypatch.setattr("movierating.storage.sqlite.write_queue.WRITE_TIMEOUT_SECONDS", 0.05)
    writer = db.engine.get_execution_options()["database"].write_queue
    inside, refused = threading.Event(), threading.Event()

    def hold():
        with app.app_context():
            write(lambda _connection: inside.set() or refused.wait(10))

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(10)
    with pytest.raises(Unavailable, match="busy"):
        write(reach("too late"))
    refused.set()
    holder.join()
    assert not writer._queue
    write(reach("in time"))
    assert (reached("too late"), reached("in time")) == (0, 1)
