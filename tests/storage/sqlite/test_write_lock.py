"""The locks that writers of several processes take in turn."""

import threading
from contextlib import closing

import pytest

from movierating.errors import Unavailable
from movierating.storage.sqlite import write_lock
from movierating.storage.sqlite.write_lock import FileLock

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize("timeout", [0.05, 0.2])
def test_writer_that_waits_long_for_another_one_logs_a_warning(tmp_path, monkeypatch, caplog, timeout):
    monkeypatch.setattr(write_lock, "LOCK_WARNING_SECONDS", 0.1)
    path = tmp_path / "writers"
    with closing(FileLock(path)) as held, held.hold(1):
        with pytest.raises(Unavailable), FileLock(path).hold(timeout):
            pytest.fail("the lock was free")
        waiters = [thread for thread in threading.enumerate() if thread.name == "write lock"]
    for waiter in waiters:
        waiter.join()
    warnings = ["Another process is writing to the database; waiting until it has finished."]
    assert caplog.messages == (warnings if timeout > write_lock.LOCK_WARNING_SECONDS else [])
