"""Jobs that wait share one transaction, and each has its own result or error."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import func, insert, select

from movierating.errors import InsufficientStorage
from movierating.movies.models import DataMigration
from movierating.storage.database import db, read, write
from movierating.storage.sqlite import write_queue
from movierating.storage.sqlite.engine import SqliteDatabase
from storage.sqlite.conftest import add_row, count_rows

pytestmark = pytest.mark.sqlite


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """Let as many threads as there are wait for a writer, however long a busy machine takes to start them."""
    monkeypatch.setattr(write_queue, "MAX_BURST_SECONDS", 60)


@pytest.fixture
def run_together(app, queue):
    """`run_together(jobs)` queues jobs while another one runs, and returns the result or error of each.

    Those whose numbers, from 1, are in `long` have their own transactions, and one of these at a time queues with the
    others.
    """

    def run(jobs, long=()):
        started, release = threading.Event(), threading.Event()

        def hold(_connection):
            started.set()
            release.wait(60)

        def outcome(job, own_transaction=False):
            with app.app_context():
                try:
                    return write(job, own_transaction=own_transaction)
                except Exception as error:
                    return error

        with ThreadPoolExecutor(len(jobs) + 1) as pool:
            holder = pool.submit(outcome, hold)
            started.wait(60)
            outcomes = []
            for number, job in enumerate(jobs, 1):
                outcomes.append(pool.submit(outcome, job, number in long))
                others = max(0, sum(each <= number for each in long) - 1)
                while len(queue._queue) < number - others:
                    pass
            release.set()
            holder.result()
            return [future.result() for future in outcomes]

    return run


def test_waiting_jobs_share_one_transaction(run_together, app):
    transactions = []
    outcomes = run_together([lambda connection: transactions.append(id(connection.get_transaction()))] * 20)
    assert outcomes == [None] * 20
    assert len(transactions) == 20
    assert len(set(transactions)) == 1


def test_long_job_shares_its_transaction_neither_with_earlier_nor_with_later_jobs(run_together):
    transactions = []
    run_together([lambda connection: transactions.append(connection.get_transaction())] * 4, long=(2,))
    before, long, *after = transactions
    assert before is not long
    assert after[0] is after[1] is not long


def test_job_that_fails_undoes_only_its_own_changes(run_together, app):
    def fail(connection):
        add_row("together failed")(connection)
        raise LookupError("mine alone")

    outcomes = run_together([add_row("together one"), fail, add_row("together two")])
    assert [type(outcome) for outcome in outcomes].count(LookupError) == 1
    assert count_rows("together%") == 2
    assert count_rows("together failed") == 0


def test_lost_transaction_fails_all_of_its_jobs(run_together, app):
    def lose(connection):
        add_row("lost zero")(connection)
        connection.exec_driver_sql("ROLLBACK")
        raise OSError("the disk went away")

    outcomes = run_together([add_row("lost one"), lose, add_row("lost two")])
    # All get the first error; an OSError of a job is not converted.
    assert [type(outcome) for outcome in outcomes] == [OSError] * 3
    assert count_rows("lost%") == 0
    write(add_row("lost and found"))
    assert count_rows("lost%") == 1


def test_job_without_disk_space_fails_alone(run_together, app):
    def outgrow(connection):
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("CREATE TABLE large AS SELECT zeroblob(10000000)")

    outcomes = run_together([add_row("full one"), outgrow, add_row("full two")])
    # The rows of the others are stored, unless SQLite has rolled the transaction back.
    assert isinstance(outcomes[1], InsufficientStorage)
    stored = [not isinstance(outcome, Exception) for outcome in outcomes]
    assert count_rows("full%") == sum(stored)
    # The next job has another connection, without the limit.
    write(add_row("full no more"))
    assert count_rows("full no more") == 1


def test_other_writers_run_between_two_long_jobs(run_together):
    order = []

    def make_job(name):
        def job(connection):
            # Reads show what earlier transactions committed.
            committed = read().scalar(select(func.count()).where(DataMigration.name.like("job %")))
            connection.execute(insert(DataMigration).values(name=f"job {name}", applied_at=0))
            order.append((name, committed))
            if name == "long 1":
                time.sleep(0.3)

        return job

    run_together([make_job(name) for name in ("long 1", "long 2", "short 1", "short 2")], long=(1, 2))
    assert order == [("long 1", 0), ("short 1", 1), ("short 2", 1), ("long 2", 3)]


def test_other_writers_run_between_long_jobs_of_two_processes(queue):
    # A second queue waits for the locks of the first as one of another process does.
    ours, theirs = queue, SqliteDatabase(db.engine).write_queue
    order, started, release = [], threading.Event(), threading.Event()

    def first(_connection):
        started.set()
        release.wait(60)
        # The next long job pauses as long, while others write.
        time.sleep(2)

    def short(_connection):
        order.append("short")
        # A long job that did not pause would queue now.
        until = time.monotonic() + 0.1
        while time.monotonic() < until and not theirs._queue:
            pass
        outcomes.append(pool.submit(theirs.write, lambda _: order.append("later"), ()))
        while not theirs._queue:
            pass

    with ThreadPoolExecutor(4) as pool:
        outcomes = [pool.submit(ours.write, first, (), True)]
        started.wait(60)
        outcomes.append(pool.submit(theirs.write, lambda _: order.append("long"), (), True))
        while not theirs._long_lock.locked():
            pass
        outcomes.append(pool.submit(theirs.write, short, ()))
        while not theirs._leader_lock.locked():
            pass
        release.set()
        for outcome in outcomes:
            outcome.result(60)
    theirs.close()
    assert order == ["short", "later", "long"]


def test_long_job_that_waits_for_its_turn_does_not_make_other_writers_fail(queue, monkeypatch):
    monkeypatch.setattr(write_queue, "MAX_BURST_SECONDS", 30)
    waiting = write_queue.QueuedJob(lambda _: None, (), True, 60)
    waiting.waits_since -= 60
    queue._writers.append(waiting)
    assert queue._leader_lock.acquire(blocking=False)
    with ThreadPoolExecutor(8) as pool:
        outcomes = [pool.submit(queue.write, lambda _: "done", ()) for _ in range(8)]
        time.sleep(0.5)
        queue._wake_next()
        assert [outcome.result(60) for outcome in outcomes] == ["done"] * 8
    queue._writers.remove(waiting)


def test_long_job_that_waited_for_other_long_ones_still_waits_for_its_leader(queue, monkeypatch):
    @contextmanager
    def hold_after_a_minute(*_):
        queue._writers[0].waits_since -= 60
        yield

    monkeypatch.setattr(queue._long_write_lock, "hold_after_pause", hold_after_a_minute)
    assert queue._leader_lock.acquire(blocking=False)
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(queue.write, lambda _: "done", (), True)
        time.sleep(0.5)
        queue._wake_next()
        assert outcome.result(60) == "done"


def test_long_job_that_waited_for_another_one_still_waits_for_the_write_lock(queue, monkeypatch):
    monkeypatch.setattr(write_queue, "LOCK_TIMEOUT_SECONDS", 2)
    theirs = SqliteDatabase(db.engine).write_queue
    with ThreadPoolExecutor(1) as pool:
        with ExitStack() as write_lock:
            with queue._long_write_lock.hold_after_pause(lambda: False, 1):
                outcome = pool.submit(theirs.write, lambda _: "done", (), True)
                time.sleep(2.2)
                write_lock.enter_context(queue._write_lock.hold(1))
            time.sleep(0.2)
        assert outcome.result(60) == "done"
    theirs.close()
