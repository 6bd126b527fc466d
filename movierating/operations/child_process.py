"""Processes that the server starts: its workers, the one that loads the catalogue, backups, training."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from movierating.config import PREFIX

_STOP_INTERVAL_SECONDS = 0.1
_END_TIMEOUT_SECONDS = 5.0
_MAX_MESSAGE_LENGTH = 10_000
# numpy would use all processors.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def follow_parent() -> None:
    """Make this process stop when the server's main process stops, however that ends."""
    _block_terminal_signals()
    threading.Thread(target=_stop_with_parent, daemon=True).start()


def _block_terminal_signals() -> None:
    """Leave the signals of Ctrl-C and of a closed terminal to the main process: it sends SIGTERM to its workers.

    A terminal sends them to the whole process group. Granian's worker does not stop if it gets SIGINT too. Threads
    started after this call inherit the mask.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    logging.getLogger(__name__).error("the server's main process has ended")
    os.kill(os.getpid(), signal.SIGTERM)


def run_module(
    command: Sequence[str],
    instance: Path,
    stopping: threading.Event,
    *,
    timeout_seconds: float = float("inf"),
) -> tuple[int, str]:
    """Run `python -m` with a module and its arguments on an instance; return the exit code and the messages.

    The process is terminated when `stopping` is set, or after the timeout. Its standard input is a pipe that closes
    when this process ends, so that the module can notice and end too.
    """
    deadline = time.monotonic() + timeout_seconds
    # A file, because a full pipe would block the process.
    with tempfile.TemporaryFile("w+") as messages, _start_module(command, instance, messages) as process:
        while process.poll() is None:
            if stopping.wait(_STOP_INTERVAL_SECONDS) or time.monotonic() > deadline:
                _terminate(process)
        messages.seek(0)
        message = messages.read(_MAX_MESSAGE_LENGTH)
    return process.returncode, " ".join(message.split()).removeprefix("Error: ")


def _start_module(command: Sequence[str], instance: Path, messages: IO[str]) -> subprocess.Popen[bytes]:
    # The same package, wherever it is.
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {"PYTHONPATH": os.pathsep.join(paths), f"{PREFIX}INSTANCE_PATH": str(instance)}
    return subprocess.Popen(  # noqa: S603  (a command of ours)
        # With -P, a folder `movierating` in the working directory is ignored.
        [sys.executable, "-P", "-m", *command],
        env={**os.environ, **_ONE_THREAD, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=messages,
        # Ctrl-C in a terminal does not reach a group of its own: the server ends the process.
        process_group=0,
    )


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM to a process, and kill it after _END_TIMEOUT_SECONDS."""
    process.terminate()
    try:
        process.wait(_END_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
