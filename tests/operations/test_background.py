"""Threads of the server's main process."""

import threading

import pytest

from movierating.operations.background import running_in_background


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_work_ends_with_the_block(error):
    done = []

    def work(stopping: threading.Event) -> None:
        stopping.wait()
        done.append(threading.current_thread().name)

    try:
        with running_in_background(work, "backups", 60):
            assert not done
            if error:
                raise error
    except RuntimeError:
        pass
    assert done == ["backups"]
