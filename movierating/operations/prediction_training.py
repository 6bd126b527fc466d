"""Training of predicted ratings while the service runs: when it is due, in a process that the server watches."""

import functools
import threading
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from movierating.errors import ApiError
from movierating.monitoring import counters, logs
from movierating.operations.background import running_in_background
from movierating.operations.child_process import run_module
from movierating.predictions.training_status import BUSY, read_status
from movierating.storage import database

CHECK_INTERVAL_SECONDS = 60.0
# After a start: the first requests come first.
FIRST_CHECK_SECONDS = 5.0
# After a training, the server starts no other for this many times as long as the training took.
PAUSE_FACTOR = 20
RETRY_INTERVAL_SECONDS = 600.0
# Training on 10 million ratings takes minutes.
TRAINING_TIMEOUT_SECONDS = 3600.0
_STOP_TIMEOUT_SECONDS = 6.0
_MODULE = "movierating.predictions.training"


def run_training(instance: Path, stopping: threading.Event, *, cold: bool = False) -> tuple[int, str]:
    """Train the model of an instance in a process; return its exit code and message."""
    command = (_MODULE, "--cold") if cold else (_MODULE,)
    return run_module(command, instance, stopping, timeout_seconds=TRAINING_TIMEOUT_SECONDS)


def training_predictions(app: Flask) -> AbstractContextManager[None]:
    """Train the model of the application's instance when it is due, until the end of the block."""
    return running_in_background(functools.partial(_run, app), "predictions", _STOP_TIMEOUT_SECONDS)


def _run(app: Flask, stopping: threading.Event) -> None:
    wait = FIRST_CHECK_SECONDS
    while not stopping.wait(wait):
        try:
            is_due = _is_due(app)
            wait = max(CHECK_INTERVAL_SECONDS, _train(app.config["INSTANCE_PATH"], stopping) if is_due else 0)
        except Exception as error:
            # For example, if no process can be started: the thread must survive.
            wait = _record_failure(None, f"{type(error).__name__}: {error}")


def _is_due(app: Flask) -> bool:
    with app.app_context(), suppress(SQLAlchemyError, ApiError, OSError):
        try:
            return read_status(database.read()).is_due()
        finally:
            # The server goes on holding the instance lock.
            database.close_connections()
    return False


def _train(instance: Path, stopping: threading.Event) -> float:
    """Train once; return the seconds to wait after it."""
    started = time.monotonic()
    exit_code, message = run_training(instance, stopping)
    seconds = time.monotonic() - started
    if exit_code == 0:
        logs.logger.info("predictions trained", extra={"fields": {"seconds": round(seconds, 2)}})
    elif exit_code != BUSY and not stopping.is_set():
        return _record_failure(exit_code, message)
    return PAUSE_FACTOR * seconds


def _record_failure(exit_code: int | None, reason: str) -> float:
    """Count and log a failed training; return the seconds to wait after it."""
    counters.increment(counters.FAILED_TRAININGS)
    counters.flush()
    fields = {"exit_code": exit_code, "reason": reason}
    logs.logger.warning("training of predictions failed", extra={"fields": fields})
    return RETRY_INTERVAL_SECONDS
