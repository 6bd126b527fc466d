"""The queue of writers: each transaction takes all jobs that wait, so that they share its wait for the disk.

There is no thread for it. The writer at the front, the leader, runs the jobs of all who queue, commits, wakes them, and
makes the next one the leader. Writers of one process queue here; those of several processes take turns with
`write_lock`. Each job has a savepoint, so that one that fails undoes only what it did.

While writers wait long, only some of a worker's threads wait with them, so that the others can serve reads.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine

from movierating.errors import Unavailable
from movierating.monitoring import counters
from movierating.storage import storage_errors
from movierating.storage.cache_versions import CacheVersions, Change
from movierating.storage.sqlite.database_file import DatabaseFile, WriteConnection
from movierating.storage.sqlite.write_lock import FileLock, LongWriteLock

Job = Callable[[Connection], Any]

# More would keep the first of them waiting without making the commit any cheaper for each.
MAX_BATCH_JOBS = 64

# A writer may queue behind a bulk import's chunk; beyond this the database counts as unavailable.
WRITE_TIMEOUT_SECONDS = 30
# How long a writer waits while another process holds the lock. Like WRITE_TIMEOUT_SECONDS it is counted from the call,
# and for a long job from its turn among the long ones.
LOCK_TIMEOUT_SECONDS = 10.0

# Once the oldest writer has waited MAX_BURST_SECONDS, at most MAX_WAITING_THREADS of a worker's threads go on
# waiting; the others serve reads.
MAX_BURST_SECONDS = 0.5
MAX_WAITING_THREADS = 5
_CHECK_INTERVAL_SECONDS = 0.1


@dataclass(slots=True, eq=False)
class QueuedJob:
    """A job, and its outcome once its transaction has ended."""

    job: Job
    invalidates: Collection[Change] | None
    own_transaction: bool
    timeout: float
    called_at: float = field(default_factory=time.perf_counter)
    # A long job has first to wait for its turn among the long ones. Its timeouts are counted from then on.
    has_turn: bool = field(init=False)
    waits_since: float = field(init=False)
    done: bool = False
    result: Any = None
    error: BaseException | None = None
    # Released once: when it is done, or is to lead the next transaction.
    woken: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.woken.acquire()
        self.has_turn, self.waits_since = not self.own_transaction, self.called_at

    def get_age(self) -> float:
        """Return the seconds since `waits_since`."""
        return time.perf_counter() - self.waits_since


class WriteQueue:
    """The queue of one process for one database."""

    def __init__(self, engine: Engine, file: DatabaseFile, versions: CacheVersions) -> None:
        self._connection = WriteConnection(engine, file)
        self._versions = versions
        self._write_lock = FileLock(file.path.with_name(f".{file.path.name}.writers"))
        self._long_write_lock = LongWriteLock(file.path.with_name(f".{file.path.name}.long-writers"))
        self._queue: deque[QueuedJob] = deque()
        # Held for the writer that leads a transaction: passed on while others wait, and released by the last one.
        self._leader_lock = threading.Lock()
        # One long transaction at a time queues with the other writers.
        self._long_lock = threading.Lock()
        # All threads that write, in the order of their calls.
        self._writers: list[QueuedJob] = []
        self._thread = threading.local()

    def write(
        self,
        job: Job,
        invalidates: Collection[Change] | None,
        own_transaction: bool = False,
        timeout_seconds: float | None = None,
    ) -> Any:
        """Run `job` in a transaction and return its result, as `database.write` does.

        Raise Unavailable also if too many wait already.
        """
        if getattr(self._thread, "is_leading", False):
            raise RuntimeError("a job must pass its connection on, and not call write()")
        queued = QueuedJob(job, invalidates, own_transaction, timeout_seconds or WRITE_TIMEOUT_SECONDS)
        self._writers.append(queued)
        try:
            if own_transaction:
                self._run_long(queued)
            else:
                self._run(queued)
        finally:
            self._writers.remove(queued)
        if queued.error is not None:
            raise queued.error
        return queued.result

    def _run_long(self, queued: QueuedJob) -> None:
        self._acquire(self._long_lock, queued)
        try:
            with self._long_write_lock.hold_after_pause(self._leader_lock.locked, queued.timeout):
                queued.has_turn, queued.waits_since = True, time.perf_counter()
                self._run(queued)
        finally:
            self._long_lock.release()

    def _run(self, queued: QueuedJob) -> None:
        """Return when the job is done. Raise Unavailable."""
        self._queue.append(queued)
        # A leader that releases the lock looks at the queue once more, so that no job is left there.
        if self._leader_lock.acquire(blocking=False):
            self._wake_next()
        try:
            self._acquire(queued.woken, queued)
        except Unavailable:
            with suppress(ValueError):
                self._queue.remove(queued)
                raise
            # The job is part of a transaction under way, and its outcome is known only when that ends.
            queued.woken.acquire()
        if not queued.done:
            self._lead(queued)

    def _acquire(self, lock: threading.Lock, queued: QueuedJob) -> None:
        """Acquire a lock. Raise Unavailable if the job has waited too long, or too many older ones wait."""
        timeout = 0.0
        while not lock.acquire(timeout=timeout):
            timeout = _CHECK_INTERVAL_SECONDS
            oldest = next((writer for writer in self._writers if writer.has_turn), queued)
            is_burst_over = oldest.get_age() > MAX_BURST_SECONDS
            is_crowded = is_burst_over and self._writers.index(queued) >= MAX_WAITING_THREADS
            if is_crowded or queued.get_age() > queued.timeout:
                raise Unavailable(storage_errors.DATABASE_BUSY)

    def _wake_next(self) -> None:
        """Make the next job the leader, holding the leader's lock; release it if there is none."""
        while True:
            with suppress(IndexError):
                self._queue.popleft().woken.release()
                return
            self._leader_lock.release()
            if not self._queue or not self._leader_lock.acquire(blocking=False):
                return

    def _lead(self, first: QueuedJob) -> None:
        """Run this job and those that wait in one transaction, and wake them and the next leader; raise nothing."""
        self._thread.is_leading = True
        batch, began_at, waited = [first], time.perf_counter(), first.get_age()
        try:
            with self._write_lock.hold(max(0.0, min(LOCK_TIMEOUT_SECONDS, first.timeout) - waited)):
                began_at = time.perf_counter()
                self._run_transaction(batch, max(0.0, first.timeout - waited))
        except BaseException as error:
            # Nothing of this transaction is stored, and each of its jobs has to know.
            for queued in batch:
                queued.error = queued.error or error
        try:
            for queued in batch:
                if queued.error is not None:
                    queued.error = self._connection.convert_error(queued.error)
        finally:
            self._thread.is_leading = False
            for queued in batch:
                queued.done = True
                if queued is not first:
                    queued.woken.release()
            self._wake_next()
        waits, held = [began_at - queued.called_at for queued in batch], time.perf_counter() - began_at
        counters.observe({(counters.WRITE_WAIT,): waits, (counters.WRITE_TRANSACTION,): [held]})

    def _run_transaction(self, batch: list[QueuedJob], begin_timeout: float) -> None:
        """Run the jobs of the batch, which begins with one, and of those who wait once the transaction has begun."""
        connection = self._connection.open(begin_timeout)
        with connection.begin() as transaction:
            # Not before the BEGIN, which waits while another program holds SQLite's lock.
            self._fill_batch(batch)
            if len(batch) == 1:
                # Its transaction is its savepoint.
                batch[0].result = batch[0].job(connection)
            else:
                _run_with_savepoints(connection, batch)
            self._connection.require_current_file()
            try:
                with self._versions.invalidating([queued.invalidates for queued in batch]):
                    transaction.commit()
            except OSError as error:
                raise storage_errors.from_os_error(error) from error

    def _fill_batch(self, batch: list[QueuedJob]) -> None:
        """Add the jobs that wait to a batch, up to one that wants its own transaction."""
        # A writer whose time is up may leave the queue at any moment, and make it empty.
        with suppress(IndexError):
            while not batch[0].own_transaction and len(batch) < MAX_BATCH_JOBS:
                queued = self._queue.popleft()
                if queued.own_transaction:
                    self._queue.appendleft(queued)
                    break
                batch.append(queued)

    def close(self) -> None:
        """Close the connection and the lock files; they open again when needed."""
        self._leader_lock.acquire()
        try:
            self._connection.close()
            self._write_lock.close()
        finally:
            self._wake_next()
        if self._long_lock.acquire(blocking=False):
            self._long_write_lock.close()
            self._long_lock.release()


def _run_with_savepoints(connection: Connection, batch: list[QueuedJob]) -> None:
    # The driver's own: SQLAlchemy would take as long for them as SQLite for a rating.
    execute = connection.connection.cursor().execute
    for queued in batch:
        execute("SAVEPOINT job")
        try:
            queued.result = queued.job(connection)
        except Exception as error:
            queued.error = error
            if connection.invalidated or not getattr(connection.connection, "in_transaction", True):
                # A full disk, say, made SQLite undo the whole transaction.
                raise
            execute("ROLLBACK TO SAVEPOINT job")
        execute("RELEASE SAVEPOINT job")
