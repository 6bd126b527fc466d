"""How long writers wait for a closed queue, other writers, and other processes."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from movierating.errors import Unavailable
from movierating.storage.database import write
from movierating.storage.sqlite import write_queue
from storage.sqlite.conftest import add_row, count_rows

pytestmark = pytest.mark.sqlite


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
        writers.append(write_in_thread(add_row("after closing")))
        while not queue._queue:
            pass

    monkeypatch.setattr(queue._write_lock, "close", close)
    queue.close()
    assert writers[0].result(60) is None
    assert count_rows("after closing") == 1


def test_writer_that_waits_too_long_gets_an_error_and_leaves_the_queue(queue, write_in_thread, monkeypatch):
    monkeypatch.setattr(write_queue, "WRITE_TIMEOUT_SECONDS", 0.05)
    started, release = threading.Event(), threading.Event()
    holder = write_in_thread(lambda _connection: started.set() or release.wait(60))
    started.wait(60)
    with pytest.raises(Unavailable, match="busy"):
        write(add_row("too late"))
    release.set()
    assert holder.result(60) is None
    assert not queue._queue
    write(add_row("in time"))
    assert (count_rows("too late"), count_rows("in time")) == (0, 1)


def test_writers_are_not_delayed_after_a_lock_that_was_held_long(foreign_lock, write_in_thread):
    waiting = [write_in_thread(add_row(f"waiting {number}")) for number in range(4)]
    time.sleep(4)
    foreign_lock.rollback()
    assert [each.result(60) for each in waiting] == [None] * 4
    started = time.monotonic()
    write(add_row("afterwards"))
    assert time.monotonic() - started < 1.5


STOPPED_WRITER = """
import os, signal
from sqlalchemy import insert
from movierating import create_app
from movierating.movies.models import DataMigration
from movierating.storage import database


def job(connection):
    connection.execute(insert(DataMigration).values(name="of the stopped process", applied_at=0))
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
    write(add_row("acknowledged"))
    command, env = [sys.executable, "-c", STOPPED_WRITER], environ(tmp_path / "instance")
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "inside\n"
        for _ in range(2):
            with pytest.raises(Unavailable):
                write(add_row("meanwhile"))
        assert (count_rows("acknowledged"), count_rows("of the%")) == (1, 0)
        process.send_signal(signal.SIGCONT)
    assert process.returncode == 0
    write(add_row("afterwards"))
    assert (count_rows("acknowledged"), count_rows("meanwhile")) == (1, 0)
    assert (count_rows("of the%"), count_rows("afterwards")) == (1, 1)


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
        write(add_row(f"small {number}"))
    assert log.stat().st_size <= 32 << 20
