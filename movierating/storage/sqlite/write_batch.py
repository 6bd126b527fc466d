"""One transaction for several jobs (group commit), on the connection that writes.

Each job has a savepoint, so that one that fails undoes only what it did.
"""

import errno
import threading
import time
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

# How long a writer waits for another process that holds the lock, from when it was called.
LOCK_TIMEOUT_SECONDS = 10.0


class QueuedJob:
    """A job, and its outcome once its transaction has ended."""

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

    def get_age(self) -> float:
        """Return the seconds since the writer was called."""
        return time.perf_counter() - self.called_at


class BatchWriter:
    """Runs batches of jobs; one thread of the process uses it at a time."""

    def __init__(self) -> None:
        self.write_lock = WriteLock()
        self._connection: Connection | None = None

    def write(self, engine: Engine, first: QueuedJob, fill: Callable[[list[QueuedJob]], None]) -> None:
        """Run `first` and the jobs that `fill` adds to its batch in one transaction, and wake them; raises nothing."""
        batch = [first]
        began_at = time.perf_counter()
        try:
            with self.write_lock.take(engine, max(0.0, LOCK_TIMEOUT_SECONDS - first.get_age())):
                began_at = time.perf_counter()
                self._run_transaction(engine, batch, fill)
        except BaseException as error:
            # Nothing of this transaction is stored, and each of its jobs has to know.
            for queued in batch:
                queued.error = queued.error or error
        finally:
            try:
                self._handle_failures(batch, engine)
            finally:
                for queued in batch:
                    queued.done = True
                    if queued is not first:
                        queued.woken.release()
        _count(batch, began_at)

    def _run_transaction(
        self, engine: Engine, batch: list[QueuedJob], fill: Callable[[list[QueuedJob]], None]
    ) -> None:
        connection = self._open(engine)
        with connection.begin() as transaction:
            # Not before the BEGIN, which waits while another program holds SQLite's lock.
            fill(batch)
            _run_jobs(connection, batch)
            _require_file(connection)
            with self.write_lock.invalidating(engine, _merge_invalidates(batch)):
                transaction.commit()

    def _open(self, engine: Engine) -> Connection:
        """Return the connection that writes; to open one each time takes as long as a write does."""
        if self._connection is not None and not _is_usable(self._connection):
            self._drop_connection()
        if self._connection is None:
            self._connection = engine.connect().execution_options(writes=True)
            # Imports come back to the same pages.
            self._connection.connection.cursor().execute("PRAGMA cache_size = -4096")
        return self._connection

    def _handle_failures(self, batch: list[QueuedJob], engine: Engine) -> None:
        """Replace errors of the database by what clients are told; open it again after those of its file or disk."""
        errors = [queued.error for queued in batch if queued.error is not None]
        if any(storage_errors.must_reconnect(error) for error in errors):
            self._drop_connection()
        for queued in batch:
            error = queued.error
            if error is not None and (
                api_error := storage_errors.to_api_error(error, Path(str(engine.url.database)).parent)
            ):
                api_error.__cause__ = error
                queued.error = api_error

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            with suppress(SQLAlchemyError):
                connection.close()

    def close(self) -> None:
        """Close the connection and the lock's files; they open again when needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.write_lock.close()


def _run_jobs(connection: Connection, batch: list[QueuedJob]) -> None:
    if len(batch) == 1:
        # Its transaction is its savepoint.
        batch[0].result = batch[0].job(connection)
        return
    # The driver's own: SQLAlchemy would take as long for them as SQLite for a rating.
    execute = connection.connection.cursor().execute
    for queued in batch:
        execute("SAVEPOINT job")
        try:
            queued.result = queued.job(connection)
        except Exception as error:
            queued.error = error
            if not _is_in_transaction(connection):
                # A full disk, say, made SQLite undo the whole transaction.
                raise
            execute("ROLLBACK TO SAVEPOINT job")
        execute("RELEASE SAVEPOINT job")


def _merge_invalidates(batch: list[QueuedJob]) -> set[Subject] | None:
    if any(queued.invalidates is None for queued in batch):
        return None
    return {subject for queued in batch for subject in queued.invalidates or ()}


def _is_usable(connection: Connection) -> bool:
    if connection.closed or connection.invalidated:
        return False
    opened: Opened | None = connection.info.get(OPENED)
    return opened is None or opened.identity == opened.file.look()


def _is_in_transaction(connection: Connection) -> bool:
    return not connection.invalidated and bool(getattr(connection.connection, "in_transaction", True))


def _require_file(connection: Connection) -> None:
    """Raise Unavailable if a commit would go into a file that was removed or replaced."""
    opened: Opened | None = connection.info.get(OPENED)
    if opened is not None and not opened.is_there():
        raise Unavailable(storage_errors.DATABASE_UNAVAILABLE) from FileNotFoundError(
            errno.ENOENT, "the database's file is gone"
        )


def _count(batch: list[QueuedJob], began_at: float) -> None:
    waits = [began_at - queued.called_at for queued in batch]
    held = time.perf_counter() - began_at
    counters.observe({(counters.WRITE_WAIT,): waits, (counters.WRITE_TRANSACTION,): [held]})
