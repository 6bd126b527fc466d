"""The queue of those who write: each transaction takes everyone who waits, so that they share its wait for the disk.

There is no thread for it. Who comes to the front runs the jobs of all who queue, commits, wakes them, and calls the
next one, who first waits a moment for those who may soon write again. One process's writers take turns here, and those
of several processes as `turns` says.
"""

import errno
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from movierating.errors import Unavailable
from movierating.monitoring import counters
from movierating.storage import storage_errors
from movierating.storage.cache_versions import Subject
from movierating.storage.sqlite.database_file import OPENED, Opened
from movierating.storage.sqlite.write_lock import WriteLock

Job = Callable[[Connection], Any]

# More would keep the first of them waiting without making the commit any cheaper for each.
MAX_BATCH_JOBS = 64

# With so many in a transaction there is little to gain from waiting for more.
ENOUGH_JOBS = 8

# A writer may queue behind a bulk import's chunk; beyond this the database counts as unavailable.
WRITE_TIMEOUT_SECONDS = 30


class _Waiting:
    """A job, and what became of it once its transaction has ended."""

    __slots__ = ("called_at", "done", "error", "invalidates", "job", "own_transaction", "result", "woken")

    def __init__(self, job: Job, invalidates: Collection[Subject] | None, own_transaction: bool) -> None:
        self.job = job
        self.invalidates = invalidates
        self.own_transaction = own_transaction
        self.called_at = time.perf_counter()
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        # Released once: when it is done, or is to lead the next transaction.
        self.woken = threading.Lock()
        self.woken.acquire()


class WriteQueue:
    """The queue of one process for one database."""

    def __init__(self) -> None:
        self._queue: deque[_Waiting] = deque()
        # Held for whoever leads a transaction: passed on while somebody waits, and released by the last one.
        self._front = threading.Lock()
        # How many writers there were lately, and for how long the next one waits for as many, in seconds.
        self._company, self._pause = 1, 0.0
        self._gathering: _Waiting | None = None
        self._in_job = threading.local()
        self._connection: Connection | None = None
        self.write_lock = WriteLock()

    def write(
        self, engine: Engine, job: Job, invalidates: Collection[Subject] | None, own_transaction: bool = False
    ) -> Any:
        """Run `job` in a transaction that is committed when this returns; raises what it raises, and then it is undone.

        It changes no answers about others than `invalidates`; None for any. One with
        `own_transaction` is a transaction by itself.
        Raises RuntimeError inside a job: the second transaction would wait for the first without end.
        """
        if getattr(self._in_job, "now", False):
            raise RuntimeError("a job must pass its connection on, and not call write()")
        own = _Waiting(job, invalidates, own_transaction)
        if own_transaction:
            with self.write_lock.long.take(engine, self._front.locked, WRITE_TIMEOUT_SECONDS):
                self._take_part(own, engine)
        else:
            self._take_part(own, engine)
        if own.error is not None:
            raise own.error
        return own.result

    def _take_part(self, own: _Waiting, engine: Engine) -> None:
        """Return when `own` is done, or raise Unavailable."""
        self._queue.append(own)
        gathering = self._gathering
        if gathering is not None and not self._lacks_company():
            with suppress(RuntimeError):  # another one was the last to come, too
                gathering.woken.release()
        # Who leaves the front looks at the queue once more, so that nobody is left standing there.
        if self._front.acquire(blocking=False):
            self._call_next()
        self._wait_for(own)
        if not own.done:
            self._lead(own, engine)

    def _wait_for(self, own: _Waiting) -> None:
        """Return when `own` is done or is to lead; it is no more in the queue then."""
        if not own.woken.acquire(timeout=WRITE_TIMEOUT_SECONDS):
            with suppress(ValueError):
                self._queue.remove(own)
                raise Unavailable("The database is busy; try again shortly.")
            # It is part of a transaction under way, which alone can tell how it ends.
            own.woken.acquire()

    def _call_next(self) -> None:
        """Pass the front, which the caller has, to the next one who waits; if nobody does, leave it."""
        while True:
            with suppress(IndexError):
                self._queue.popleft().woken.release()
                return
            self._front.release()
            if not self._queue or not self._front.acquire(blocking=False):
                return

    def _lead(self, own: _Waiting, engine: Engine) -> None:
        try:
            if not own.own_transaction:
                self._gather(own)
            timed = self._write_together(own, engine)
        finally:
            self._call_next()
        counters.add(timed, start=False)

    def _gather(self, own: _Waiting) -> None:
        """Wait a moment for as many as there were lately: a commit costs the same for all of them."""
        self._gathering = own
        if self._lacks_company():
            own.woken.acquire(timeout=self._pause)
        self._gathering = None

    def _lacks_company(self) -> bool:
        return len(self._queue) + 1 < self._company

    def _write_together(self, first: _Waiting, engine: Engine) -> dict[tuple[str, ...], float]:
        """Run a transaction of `first` and who waits; returns how long it and those in it took, to be counted."""
        batch = [first]
        began_at = time.perf_counter()
        self._in_job.now = True
        try:
            with self.write_lock.take(engine):
                began_at = time.perf_counter()
                self._take_along(batch)
                changes = self.write_lock.invalidating(engine, _subjects(batch))
                with changes, self._open(engine).begin() as transaction:
                    _run(transaction.connection, batch)
                    _refuse_if_lost(transaction.connection)
        except BaseException as error:
            # Whatever it is, nothing of this transaction is there, and everybody in it has to know.
            for waiting in batch:
                waiting.error = waiting.error or error
        finally:
            self._in_job.now = False
            try:
                self._forget_what_failed(batch)
                _put_in_words(batch, engine)
            finally:
                for waiting in batch:
                    waiting.done = True
                    if waiting is not first:
                        waiting.woken.release()
        waits = [began_at - waiting.called_at for waiting in batch]
        held = time.perf_counter() - began_at
        if not first.own_transaction:
            self._company = min(len(batch) + len(self._queue), ENOUGH_JOBS)
            self._pause = held / 2
        return {
            **counters.to_histogram((counters.WRITE_WAIT,), waits),
            **counters.to_histogram((counters.WRITE_TRANSACTION,), [held]),
        }

    def _take_along(self, batch: list[_Waiting]) -> None:
        """Let those who wait into the transaction of `batch`, up to one who wants it alone."""
        # Who loses patience leaves at any moment.
        with suppress(IndexError):
            while (
                not batch[0].own_transaction
                and len(batch) < MAX_BATCH_JOBS
                and not self._queue[0].own_transaction
            ):
                batch.append(self._queue.popleft())

    def _open(self, engine: Engine) -> Connection:
        """The connection that writes; to open one each time takes as long as a write does."""
        if self._connection is not None and not _is_good(self._connection):
            self._drop_connection()
        if self._connection is None:
            self._connection = engine.connect().execution_options(writes=True)
            # Imports come back to the same pages.
            self._connection.connection.cursor().execute("PRAGMA cache_size = -4096")
        return self._connection

    def _forget_what_failed(self, batch: list[_Waiting]) -> None:
        """Let the next transaction look anew at a file or disk that has failed."""
        if any(
            waiting.error is not None and storage_errors.must_reconnect(waiting.error) for waiting in batch
        ):
            self._drop_connection()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            with suppress(SQLAlchemyError):
                connection.close()

    def close(self) -> None:
        """Let go of the connection and of the files of the turns; they open again when needed."""
        self._front.acquire()
        try:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self.write_lock.close()
        finally:
            self._call_next()


def _subjects(batch: list[_Waiting]) -> set[Subject] | None:
    """About whom those in a transaction change answers; None for anybody."""
    if any(waiting.invalidates is None for waiting in batch):
        return None
    return {each for waiting in batch for each in waiting.invalidates or ()}


def _is_good(connection: Connection) -> bool:
    if connection.closed or connection.invalidated:
        return False
    opened: Opened | None = connection.info.get(OPENED)
    return opened is None or opened.is_there()


def _is_under_way(connection: Connection) -> bool:
    return not connection.invalidated and bool(getattr(connection.connection, "in_transaction", True))


def _refuse_if_lost(connection: Connection) -> None:
    """Raises Unavailable where a commit would go into a file that nobody finds again."""
    opened: Opened | None = connection.info.get(OPENED)
    if opened is not None and not opened.is_there():
        raise Unavailable(storage_errors.DATABASE_UNAVAILABLE) from FileNotFoundError(
            errno.ENOENT, "the database's file is gone"
        )


def _put_in_words(batch: list[_Waiting], engine: Engine) -> None:
    """What a failing file or disk is called in front of a client, with the error as its cause."""
    for waiting in batch:
        error = waiting.error
        if error is not None and (
            refusal := storage_errors.to_api_error(error, Path(str(engine.url.database)).parent)
        ):
            refusal.__cause__ = error
            waiting.error = refusal


def _run(connection: Connection, batch: list[_Waiting]) -> None:
    if len(batch) == 1:
        # Its transaction is its savepoint.
        batch[0].result = batch[0].job(connection)
        return
    # The driver's own: SQLAlchemy would take as long for them as SQLite for a rating.
    execute = connection.connection.cursor().execute
    for waiting in batch:
        execute("SAVEPOINT job")
        try:
            waiting.result = waiting.job(connection)
        except Exception as error:
            waiting.error = error
            if not _is_under_way(connection):
                # A full disk, say, made SQLite undo the whole transaction.
                raise
            execute("ROLLBACK TO SAVEPOINT job")
        execute("RELEASE SAVEPOINT job")
