"""Worker processes: how their threads are scheduled."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from movierating.operations import process_tuning

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


@pytest.mark.any_database
def test_policy_that_an_administrator_chose_is_kept():
    def limit_preemption_under_another_policy():
        # Of this thread only. A whole service under this policy could not start beside other programs.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        process_tuning.limit_preemption()
        return os.sched_getscheduler(0)

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(limit_preemption_under_another_policy).result() == os.SCHED_IDLE
