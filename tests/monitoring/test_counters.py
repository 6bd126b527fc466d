"""Counters: exact across threads and processes."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from movierating.monitoring import counters, request_log


@pytest.fixture
def file(tmp_path):
    # Requests of another test are counted before.
    request_log.flush()
    counters.set_file(tmp_path / "counts")
    return tmp_path / "counts"


COUNT = """
import sys, pathlib, os, signal
from movierating.monitoring import counters
counters.set_file(pathlib.Path(sys.argv[1]))
for _ in range(100):
    counters.increment("hits", "a")
"""


def run(file, then=""):
    return subprocess.run([sys.executable, "-c", COUNT + then, file], timeout=180).returncode


def test_no_count_of_many_threads_is_lost(file):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: counters.increment("hits", "a"), range(4000)))
    assert counters.read_totals() == {("hits", "a"): 4000}


def test_counts_of_ended_processes_add_up(file):
    counters.increment("hits", "a")
    assert [run(file), run(file)] == [0, 0]
    assert counters.read_totals() == {("hits", "a"): 201}


def test_totals_that_were_read_survive_a_kill(file):
    assert run(file, "counters.read_totals(); os.kill(os.getpid(), signal.SIGKILL)") == -signal.SIGKILL
    assert counters.read_totals() == {("hits", "a"): 100}


def test_amounts_add_up(file):
    counters.increment("seconds", amount=0.25)
    counters.increment("seconds", amount=0.5)
    assert counters.read_totals() == {("seconds",): 0.75}


def test_counts_wait_for_a_file_that_cannot_be_written(file):
    file.mkdir()
    counters.increment("hits", "a")
    with pytest.raises(sqlite3.Error):
        counters.read_totals()
    file.rmdir()
    assert counters.read_totals() == {("hits", "a"): 1}


def test_counts_of_a_removed_file_are_lost_and_later_ones_are_not(file):
    counters.increment("hits", "a")
    counters.flush()
    for each in file.parent.glob("counts*"):
        each.unlink()
    counters.increment("hits", "a")
    assert counters.read_totals() == {("hits", "a"): 1}


@pytest.mark.parametrize("is_counting", [True, False])
def test_damaged_file_is_set_aside_and_counts_start_again(file, caplog, is_counting):
    file.write_bytes(b"no database" * 1000)
    if is_counting:
        counters.increment("hits", "a")
        counters.flush()
    else:
        with pytest.raises(sqlite3.DatabaseError):
            counters.read_totals()
    counters.increment("hits", "a")
    assert counters.read_totals() == {("hits", "a"): 1 + is_counting}
    assert file.with_name("counts.damaged").read_bytes() == b"no database" * 1000
    assert caplog.messages == ["the counters of the metrics are damaged and start again"]


def test_counts_do_not_wait_for_the_disk(file):
    counters.increment("hits", "a")
    counters.flush()
    modes = [
        counters._connect().execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous")
    ]
    # With the write-ahead log, NORMAL (1) waits for the disk only at checkpoints.
    assert modes == ["wal", 1]


def test_process_waits_while_another_one_creates_the_file(file):
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = threading.Timer(0.1, other.execute, ["ROLLBACK"])
        end.start()
        assert counters.read_totals() == {}
        end.join()


def test_another_file_starts_without_counts(file, tmp_path):
    counters.increment("hits", "a")
    counters.set_file(tmp_path / "other")
    assert counters.read_totals() == {}
    counters.set_file(file)
    assert counters.read_totals() == {("hits", "a"): 1}


def test_totals_include_counts_that_another_thread_is_writing(file):
    counters.read_totals()  # creates the file
    counters.increment("hits", "a")
    with closing(sqlite3.connect(file, isolation_level=None)) as other, ThreadPoolExecutor(2) as threads:
        other.execute("CREATE TABLE slow (x)")
        other.execute("BEGIN IMMEDIATE")
        threads.submit(counters.flush)
        while counters._pending:  # until that thread has taken the counts and waits for the file
            time.sleep(0.001)
        totals = threads.submit(counters.read_totals)
        time.sleep(0.1)
        other.execute("COMMIT")
        assert totals.result() == {("hits", "a"): 1}


def test_counts_rejected_by_a_full_file_are_written_later(tmp_path):
    file = tmp_path / "counts.sqlite3"
    counters.set_file(file)
    counters.increment("first")
    assert counters.read_totals() == {("first",): 1}
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON counts BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        counters.increment("second")
        assert counters.read_totals() == {("first",): 1}
        connection.execute("DROP TRIGGER full")
    assert counters.read_totals() == {("first",): 1, ("second",): 1}
