"""The production server: granian, with one process to watch the workers."""

import ctypes
import gc
import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server
from sqlalchemy.exc import SQLAlchemyError

from movierating.errors import ApiError
from movierating.http import upload_slots
from movierating.monitoring import logs
from movierating.operations import backup_schedule, key_fingerprint, pg_backup
from movierating.operations.backup_schedule import BackupSchedule
from movierating.storage import database

try:
    import resource
except ImportError:  # pragma: no cover  # Windows
    resource = None  # type: ignore[assignment]

# Hashing a password and waiting for the disk leave the interpreter free for other threads, and so many writers share a
# commit. Twice as many make reads no slower; four times as many cost memory and bring ratings little.
THREADS_PER_WORKER = 8
# A supervisor that gives ten seconds, as Docker does, must not end what would have ended by itself.
DRAIN_TIMEOUT_SECONDS = 8

_OBJECTS_A_COLLECTION = 20_000

# The headers of a connection's next request must be there in this time, or it is closed.
HEADER_TIMEOUT_SECONDS = 10
# Of a request's line and headers, in bytes. More is refused, twice as much for certain: it is judged as it is read.
MAX_HEADER_BYTES = 64 * 1024
# A worker takes no more; idle ones cost some 10 KB each.
MAX_CONNECTIONS_PER_WORKER = 8192
# The databases, the log and what comes and goes.
RESERVED_FILES = 128


def run_server(app: Flask, host: str, port: int, workers: int, backups: BackupSchedule | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in progress and return; make `backups` meanwhile.

    Raise ClickException if the address or the backup folder cannot be used.
    """
    with app.app_context():
        place = database.get_base_path()
        if database.get_sqlite_file() is not None:
            # Until this process and its workers are gone, nobody puts another database in its place.
            database.hold_instance()
        else:
            _compare_keys(app.config["SECRET_KEY"])
            if backups:
                backups = replace(backups, ending=pg_backup.DUMP_SUFFIX)
    if backups:
        _require_folder(backups.folder)
    address = _free_address(host, port)
    server = _server(address, port, workers)
    shown = f"[{address}]" if ":" in address else address
    facts = {"address": f"http://{shown}:{port}", "instance": app.config["INSTANCE_PATH"]}
    logs.logger.info("serving", extra={"fields": facts})
    # Forking would copy locks that other threads hold: Granian has a thread for each worker, and backups have one.
    multiprocessing.set_start_method("spawn", force=True)
    try:
        with backup_schedule.run_backups(backups, place, app.config["INSTANCE_PATH"]):
            server.serve()
    except SystemExit:
        # Granian's word for workers that ended before it told them, as those do whose whole group gets the signal.
        if not server.interrupt_signal:
            raise


def _compare_keys(secret_key: str) -> None:
    """Tell the operator where hosts that have one database each sign with a key of their own."""
    # It is no reason not to serve.
    with suppress(SQLAlchemyError, ApiError):
        if key_fingerprint.record_key(secret_key):
            logs.logger.warning(
                "the database was last served with another MOVIERATING_SECRET_KEY; hosts that share it must have the "
                "same, or none knows the tokens of the others"
            )
    database.close()


def _server(address: str, port: int, workers: int) -> Any:
    """Granian's, whose class is another one for each build of Python."""
    return Server(
        "movierating.app:create_worker",
        factory=True,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS_PER_WORKER,
        backpressure=_connections_a_worker(),
        workers_kill_timeout=DRAIN_TIMEOUT_SECONDS,
        respawn_failed_workers=True,
        websockets=False,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_TIMEOUT_SECONDS * 1000, max_buffer_size=MAX_HEADER_BYTES
        ),
        log_level=LogLevels.warning,
        log_dictconfig=logs.GRANIAN_LOG_CONFIG,
    )


def _require_folder(folder: Path) -> None:
    try:
        # Only here: a disk that is gone later must not be taken for an empty folder.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise click.ClickException(f"backups can't be written to {folder} ({error.strerror})") from error


def _connections_a_worker() -> int:
    """As many as fit into the number of open files, which is raised as far as it goes."""
    if resource is None:  # pragma: no cover
        return MAX_CONNECTIONS_PER_WORKER
    wanted = MAX_CONNECTIONS_PER_WORKER + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    now, possible = (
        wanted if limit == resource.RLIM_INFINITY else min(limit, wanted) for limit in (soft, hard)
    )
    if now < possible:
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
    return max(1, possible - RESERVED_FILES)


def _free_address(host: str, port: int) -> str:
    """The address of `host`. Raises ClickException unless this process can listen there."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # The server shares its port with whoever asks as it does, so a second one would take half the requests.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        raise click.ClickException(f"can't listen on {host}:{port} ({error.strerror})") from error
    return str(place[0])


def start_worker(create_app: Callable[[], Flask]) -> Flask:
    """Return the application of a worker process, which exits when its parent process does."""
    _block_sigint()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _share_arenas()
    app = create_app()
    with app.app_context():
        database.hold_instance()
        # A process that opened a file before it was replaced knows that the log beside it is not the new file's.
        with suppress(SQLAlchemyError):
            database.read()
    if app.extensions["redis"]:
        app.extensions["redis"].check_in_background()
    app.wsgi_app = upload_slots.limit_slow_clients(app.wsgi_app, THREADS_PER_WORKER - 1)  # type: ignore[assignment, method-assign]
    # All that was made so far lives as long as the process; looking through it for garbage, as each full collection
    # would, takes some 70 ms in which nobody is answered.
    gc.collect()
    gc.freeze()
    # Ten thousand rows of an upload are no garbage, and looking for it after every 700 takes an eighth of its time.
    gc.set_threshold(_OBJECTS_A_COLLECTION, 10, 10)
    return app


def _block_sigint() -> None:
    """Leave Ctrl-C, which signals the whole process group, to the main process: it sends SIGTERM to its workers.

    Granian's worker does not stop if it gets both signals. Threads started after this call inherit the mask.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _share_arenas() -> None:
    """Let threads share the allocator's memory: glibc gives each its own, and what one frees no other can use."""
    with suppress(OSError, AttributeError):
        # M_ARENA_MAX of malloc.h; other C libraries don't know it.
        ctypes.CDLL(None).mallopt(-8, 2)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    logging.getLogger(__name__).error("the server's main process is gone")
    os.kill(os.getpid(), signal.SIGTERM)
