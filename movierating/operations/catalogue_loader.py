"""The process that loads the bundled movies while the service runs."""

import multiprocessing
import os
import pkgutil
import threading
import time
from contextlib import AbstractContextManager, suppress
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from movierating.errors import ApiError
from movierating.monitoring import logs
from movierating.movies import seed
from movierating.operations import child_process, process_tuning
from movierating.operations.background import running_in_background
from movierating.storage import database, storage_errors

RETRY_INTERVAL_SECONDS = 10
# How many times the process is started, and the pause after it was killed or failed.
MAX_STARTS = 5
RESTART_INTERVAL_SECONDS = 10
_CHECK_INTERVAL_SECONDS = 0.5
_STOP_TIMEOUT_SECONDS = 2
# The workers have priority.
_NICENESS = 10


def record_load_start() -> None:
    """Let imports know from now on that the bundled movies are being loaded."""
    # The database may be locked. Then imports know of the load as soon as its first batch is stored.
    with suppress(ApiError, SQLAlchemyError):
        seed.record_load_start()


def loading_catalogue() -> AbstractContextManager[None]:
    """Return a context in which a separate process loads the bundled movies; it is stopped at the end of the block.

    The next start of the service continues where it stopped.
    """
    return running_in_background(_run_processes, "catalogue", _STOP_TIMEOUT_SECONDS)


def _run_processes(stopping: threading.Event) -> None:
    """Run a process that loads the movies. Restart it if it fails, until it succeeds or `stopping` is set.

    Start it at most MAX_STARTS times.
    """
    context: Any = multiprocessing.get_context("spawn")
    for _ in range(MAX_STARTS):
        process = context.Process(target=load_in_process, daemon=True)
        process.start()
        while process.is_alive() and not stopping.wait(_CHECK_INTERVAL_SECONDS):
            pass
        if stopping.is_set():
            process.terminate()
            process.join(_STOP_TIMEOUT_SECONDS)
            return
        if process.exitcode == 0:
            return
        # A signal to all processes of the service (Ctrl-C, systemd) may end this process before the service stops.
        if stopping.wait(RESTART_INTERVAL_SECONDS):
            return
        fields = {"exit_code": process.exitcode}
        logs.logger.warning("the process that loads the catalogue failed", extra={"fields": fields})


def load_in_process() -> None:
    """Load the bundled movies. Retry after errors of the database."""
    child_process.follow_parent()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    app = pkgutil.resolve_name("movierating:create_app")(prepared=False)
    process_tuning.reduce_garbage_collections()
    with app.app_context():
        database.hold_instance()
        while not _load():
            time.sleep(RETRY_INTERVAL_SECONDS)


def _load() -> bool:
    started_at = time.monotonic()
    try:
        report = seed.load_catalogue()
    except (ApiError, SQLAlchemyError, OSError) as error:
        logs.logger.warning(
            "loading the catalogue failed", extra={"fields": {"reason": storage_errors.format_reason(error)}}
        )
        return False
    counts = {"added": report.added, "present": report.present, "rejected": report.rejected}
    seconds = round(time.monotonic() - started_at, 2)
    logs.logger.info("catalogue loaded", extra={"fields": {**counts, "seconds": seconds}})
    return True
