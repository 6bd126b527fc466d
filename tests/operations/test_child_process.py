"""Worker processes: how their threads are scheduled."""

import os
import shutil
from pathlib import Path

import pytest

from service_process import MOVIERATING

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has these policies"),
]


def list_policies(service):
    """Return the policies of the threads of a service's workers."""
    threads = [thread for pid in service.list_worker_pids() for thread in Path(f"/proc/{pid}/task").iterdir()]
    return {os.sched_getscheduler(int(thread.name)) for thread in threads}


def test_threads_of_a_worker_do_not_interrupt_each_other(instance, serve):
    service = serve(instance)
    assert list_policies(service) == {os.SCHED_BATCH}
    assert os.sched_getscheduler(service.process.pid) == os.sched_getscheduler(0)


@pytest.mark.skipif(shutil.which("chrt") is None, reason="chrt is missing")
def test_worker_keeps_the_policy_that_an_administrator_chose(instance, serve):
    service = serve(instance, program=("chrt", "--idle", "0", *MOVIERATING))
    assert list_policies(service) == {os.SCHED_IDLE}
