"""The instance lock: shared, exclusive, and released when its process ends."""

import os
import signal
import subprocess
import sys

import pytest

from movierating.storage.sqlite.instance_lock import InstanceLock, LockHeld

pytestmark = pytest.mark.sqlite

HOLD_LOCK = """
import os, pathlib, sys, time
from movierating.storage.sqlite.instance_lock import InstanceLock
lock = InstanceLock(pathlib.Path(sys.argv[1]), exclusive=False)
"""


@pytest.fixture
def database(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def process(database):
    """`process("time.sleep(60)")` starts a process that holds the lock and then runs this code."""
    started = []

    def start(code):
        command = [sys.executable, "-c", f"{HOLD_LOCK}print('held', flush=True)\n{code}", database]
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
    ("first", "second", "is_allowed"),
    [(False, False, True), (False, True, False), (True, False, False), (True, True, False)],
)
def test_exclusive_lock_excludes_all_others(database, first, second, is_allowed):
    lock = InstanceLock(database, exclusive=first)
    if is_allowed:
        InstanceLock(database, exclusive=second).release()
    else:
        with pytest.raises(LockHeld):
            InstanceLock(database, exclusive=second)
    lock.release()
    assert is_free(database)


def test_lock_is_released_when_its_process_is_killed(database, process):
    holder = process("time.sleep(60)")
    assert not is_free(database)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert is_free(database)


def test_forked_process_holds_the_lock_after_its_parent_ended(database, process):
    holder = process("child = os.fork()\nif not child: time.sleep(60)\nprint(child, flush=True)")
    child = int(holder.stdout.readline())
    holder.wait()
    assert not is_free(database)
    os.kill(child, signal.SIGKILL)
    holder.stdout.read()  # until the child is gone
    assert is_free(database)


def test_only_an_exclusive_lock_needs_a_lock_file(tmp_path):
    InstanceLock(tmp_path / "gone" / "data", exclusive=False).release()
    with pytest.raises(FileNotFoundError):
        InstanceLock(tmp_path / "gone" / "data", exclusive=True)


def test_lock_that_is_not_shared_is_upgraded_and_downgraded(database):
    lock = InstanceLock(database, exclusive=False)
    assert lock.try_upgrade()
    with pytest.raises(LockHeld):
        InstanceLock(database, exclusive=False)
    lock.downgrade_shared()
    other = InstanceLock(database, exclusive=False)
    assert not lock.try_upgrade()
    other.release()
    assert not is_free(database)
    assert lock.try_upgrade()
    lock.release()
    assert is_free(database)
