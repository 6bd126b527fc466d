"""Connections of threads."""

import gc
import os
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from movierating.storage import database

pytestmark = pytest.mark.sqlite


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux lists the open files of a process")
def test_thread_that_ends_after_close_closes_its_connection(app):
    opened, closed = threading.Event(), threading.Event()

    def read_and_wait():
        with app.app_context():
            database.read()
        opened.set()
        closed.wait(30)

    thread = threading.Thread(target=read_and_wait)
    thread.start()
    assert opened.wait(30)
    path = str(database.get_sqlite_file())
    gc.disable()
    try:
        database.close()
        closed.set()
        thread.join(30)
        links = [file for file in Path("/proc/self/fd").iterdir() if os.path.lexists(file)]
        assert path not in [os.path.realpath(file) for file in links]
    finally:
        gc.enable()


def test_a_failed_connection_leaves_no_error_behind(app, monkeypatch):
    ignored = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    database.get_sqlite_file().unlink()
    database.close()
    with pytest.raises(OperationalError):
        database.read()
    gc.collect()
    assert ignored == []
