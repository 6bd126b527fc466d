"""The queue of writers: each transaction takes all jobs that wait, so that they share its wait for the disk.

There is no thread for it. The writer at the front runs the jobs of all who queue, commits, wakes them, and makes the
next one the leader. Writers of one process queue here; those of several processes take turns with `write_lock`.

While writers wait long, only some of a worker's threads wait with them, so that the others can serve reads.
"""

import threading
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine

from movierating.errors import Unavailable
from movierating.storage.cache_versions import Subject
from movierating.storage.sqlite.file_lock import BUSY
from movierating.storage.sqlite.write_batch import BatchWriter, Job, QueuedJob
from movierating.storage.sqlite.write_lock import WriteLock

# More would keep the first of them waiting without making the commit any cheaper for each.
MAX_BATCH_JOBS = 64

# A writer may queue behind a bulk import's chunk; beyond this the database counts as unavailable.
WRITE_TIMEOUT_SECONDS = 30

# Once the oldest writer is so old, only so many threads go on waiting; a worker has three more.
MAX_BURST_SECONDS = 0.5
MAX_WAITING_THREADS = 5
_CHECK_INTERVAL_SECONDS = 0.1


class WriteQueue:
    """The queue of one process for one database."""

    def __init__(self) -> None:
        self._queue: deque[QueuedJob] = deque()
        # Held for the writer that leads a transaction: passed on while others wait, and released by the last one.
        self._leader_lock = threading.Lock()
        self._batch_writer = BatchWriter()
        # One long transaction at a time queues with the other writers.
        self._long_lock = threading.Lock()
        # All threads that write, in the order of their calls.
        self._writers: list[QueuedJob] = []
        self._writers_lock = threading.Lock()
        self._thread = threading.local()

    @property
    def write_lock(self) -> WriteLock:
        """The lock that this process shares with others."""
        return self._batch_writer.write_lock

    def write(
        self, engine: Engine, job: Job, invalidates: Collection[Subject] | None, own_transaction: bool = False
    ) -> Any:
        """Run `job` in a transaction, commit, and return its result; if it raises, undo what it did and raise the same.

        It changes no responses about others than `invalidates`; None for any. With `own_transaction` it shares its
        transaction with no other job. Raises Unavailable if it waits too long, or too many wait already, and
        RuntimeError inside a job: the second transaction would wait for the first without end.
        """
        if getattr(self._thread, "is_leading", False):
            raise RuntimeError("a job must pass its connection on, and not call write()")
        queued = QueuedJob(job, invalidates, own_transaction)
        with self._writers_lock:
            self._writers.append(queued)
        try:
            if self._is_crowded_out(queued):
                raise Unavailable(BUSY)
            if own_transaction:
                self._run_long(queued, engine)
            else:
                self._run(queued, engine)
        finally:
            with self._writers_lock:
                self._writers.remove(queued)
        if queued.error is not None:
            raise queued.error
        return queued.result

    def _is_crowded_out(self, queued: QueuedJob) -> bool:
        """Return True if older writers have waited long, and there are so many that this one must not wait too."""
        with self._writers_lock:
            oldest = self._writers[0]
            return oldest.get_age() > MAX_BURST_SECONDS and (
                self._writers.index(queued) >= MAX_WAITING_THREADS
            )

    def _run_long(self, queued: QueuedJob, engine: Engine) -> None:
        if not self._acquire(self._long_lock, queued):
            raise Unavailable(BUSY)
        try:
            with self.write_lock.long.take(engine, self._leader_lock.locked, WRITE_TIMEOUT_SECONDS):
                self._run(queued, engine)
        finally:
            self._long_lock.release()

    def _run(self, queued: QueuedJob, engine: Engine) -> None:
        """Return when the job is done. Raises Unavailable."""
        self._queue.append(queued)
        # A leader that releases the lock looks at the queue once more, so that no job is left there.
        if self._leader_lock.acquire(blocking=False):
            self._wake_next()
        if not self._acquire(queued.woken, queued):
            with suppress(ValueError):
                self._queue.remove(queued)
                raise Unavailable(BUSY)
            # It is part of a transaction under way, which alone can tell how it ends.
            queued.woken.acquire()
        if not queued.done:
            self._lead(queued, engine)

    def _acquire(self, lock: threading.Lock, queued: QueuedJob) -> bool:
        """Acquire a lock; return False if the job has waited too long, or too many older ones wait."""
        while not lock.acquire(timeout=min(_CHECK_INTERVAL_SECONDS, WRITE_TIMEOUT_SECONDS)):
            if queued.get_age() > WRITE_TIMEOUT_SECONDS or self._is_crowded_out(queued):
                return False
        return True

    def _wake_next(self) -> None:
        """Make the next job the leader, holding the leader's lock; release it if there is none."""
        while True:
            with suppress(IndexError):
                self._queue.popleft().woken.release()
                return
            self._leader_lock.release()
            if not self._queue or not self._leader_lock.acquire(blocking=False):
                return

    def _lead(self, queued: QueuedJob, engine: Engine) -> None:
        self._thread.is_leading = True
        try:
            self._batch_writer.write(engine, queued, self._fill_batch)
        finally:
            self._thread.is_leading = False
            self._wake_next()

    def _fill_batch(self, batch: list[QueuedJob]) -> None:
        """Add the jobs that wait to a batch, up to one that wants its own transaction."""
        # A writer whose time is up leaves the queue at any moment.
        with suppress(IndexError):
            while (
                not batch[0].own_transaction
                and len(batch) < MAX_BATCH_JOBS
                and not self._queue[0].own_transaction
            ):
                batch.append(self._queue.popleft())

    def close(self) -> None:
        """Close the connection and the lock's files; they open again when needed."""
        self._leader_lock.acquire()
        try:
            self._batch_writer.close()
        finally:
            self._wake_next()
        if self._long_lock.acquire(blocking=False):
            self.write_lock.long.close()
            self._long_lock.release()
