"""Holds on an instance: shared by all who use it, or one's alone, and never left behind."""

import os
import signal
import subprocess
import sys

import pytest

from movierating.storage.sqlite.instance_lock import InstanceLock, LockHeld

pytestmark = pytest.mark.sqlite

HOLD = """
import os, pathlib, sys, time
from movierating.storage.sqlite.instance_lock import InstanceLock
hold = InstanceLock(pathlib.Path(sys.argv[1]), exclusive=False)
"""


@pytest.fixture
def database(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def process(database):
    """`process("time.sleep(60)")` holds the database, says so, and goes on with that."""
    started = []

    def start(then):
        command = [sys.executable, "-c", f"{HOLD}print('held', flush=True)\n{then}", database]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


def is_free(database):
    try:
        InstanceLock(database, exclusive=True).release()
    except LockHeld:
        return False
    return True


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [(False, False, True), (False, True, False), (True, False, False), (True, True, False)],
)
def test_who_has_it_alone_has_it_alone(database, first, second, both):
    hold = InstanceLock(database, exclusive=first)
    if both:
        InstanceLock(database, exclusive=second).release()
    else:
        with pytest.raises(LockHeld):
            InstanceLock(database, exclusive=second)
    hold.release()
    assert is_free(database)


def test_a_hold_ends_with_its_process_however_that_ends(database, process):
    holder = process("time.sleep(60)")
    assert not is_free(database)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert is_free(database)


def test_a_forked_process_holds_on_when_its_parent_is_gone(database, process):
    holder = process("child = os.fork()\nif not child: time.sleep(60)\nprint(child, flush=True)")
    child = int(holder.stdout.readline())
    holder.wait()
    assert not is_free(database)
    os.kill(child, signal.SIGKILL)
    holder.stdout.read()  # until the child is gone
    assert is_free(database)


def test_where_nothing_can_be_locked_only_alone_is_refused(tmp_path):
    InstanceLock(tmp_path / "gone" / "data", exclusive=False).release()
    with pytest.raises(FileNotFoundError):
        InstanceLock(tmp_path / "gone" / "data", exclusive=True)


def test_a_hold_that_nobody_shares_is_taken_alone_and_shared_again(database):
    hold = InstanceLock(database, exclusive=False)
    assert hold.upgrade_exclusive()
    with pytest.raises(LockHeld):
        InstanceLock(database, exclusive=False)
    hold.downgrade_shared()
    other = InstanceLock(database, exclusive=False)
    assert not hold.upgrade_exclusive()
    other.release()
    assert not is_free(database)
    assert hold.upgrade_exclusive()
    hold.release()
    assert is_free(database)
