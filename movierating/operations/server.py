"""The production server: Granian, with a main process that restarts workers that fail."""

import errno
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
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

from movierating.config import PREFIX
from movierating.errors import ApiError
from movierating.http import upload_slots
from movierating.monitoring import logs
from movierating.movies import seed
from movierating.operations import (
    catalogue_loader,
    child_process,
    key_fingerprint,
    pg_backup,
    process_tuning,
    startup,
)
from movierating.operations.background import running_in_background
from movierating.operations.backup_schedule import BackupSchedule, making_backups
from movierating.operations.draining import DrainingApplication
from movierating.operations.prediction_training import training_predictions
from movierating.storage import database

try:
    import resource
except ImportError:  # pragma: no cover  # Windows
    resource = None  # type: ignore[assignment]

# Hashing a password and waiting for the disk release the interpreter lock, so that many writers share a commit. Twice
# as many threads make reads no slower; four times as many need memory and speed up ratings little.
THREADS_PER_WORKER = 8
# Less than the ten seconds after which Docker kills a process.
DRAIN_TIMEOUT_SECONDS = 8

# How often the main process tries whether a worker accepts connections, and how long it waits for one.
_CONNECT_INTERVAL_SECONDS = 0.1
_CONNECT_TIMEOUT_SECONDS = 1

# Within this time, a connection must send the headers of its next request.
HEADER_TIMEOUT_SECONDS = 10
# The limit of a request's line and headers. They are read in parts, so up to twice as many bytes may be accepted.
MAX_HEADER_BYTES = 64 * 1024
# An idle connection takes about 10 KB.
MAX_CONNECTIONS_PER_WORKER = 8192
# Open files that are not connections: the databases, the log and temporary files.
RESERVED_FILES = 128


def run_server(app: Flask, host: str, port: int, workers: int, backups: BackupSchedule | None = None) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP, then finish the requests in progress; make `backups` meanwhile.

    Raise ClickException if the address or the backup folder cannot be used, or too few files can be open.
    """
    instance = app.config["INSTANCE_PATH"]
    with app.app_context():
        database_path = database.get_base_path()
        is_loaded = seed.is_catalogue_loaded()
        if not is_loaded:
            catalogue_loader.record_load_start()
        training = training_predictions(app) if app.config["PREDICTIONS"] else nullcontext()
        _compare_keys(app.config["SECRET_KEY"])
        if database.get_sqlite_file() is not None:
            # While this process runs, a restore fails, even if a worker is being replaced.
            database.hold_instance()
        elif backups:
            backups = replace(backups, suffix=pg_backup.DUMP_SUFFIX)
    if backups:
        # Only at the start: if the disk of the folder is missing later, a new folder would hide that.
        _create_backup_folder(backups.folder)
    address = _find_address(host, port)
    server = _make_server(address, port, workers)
    _export_secret_key(app.config["SECRET_KEY"])
    logs.logger.info("starting", extra={"fields": {"instance": instance}})
    loading = nullcontext() if is_loaded else catalogue_loader.loading_catalogue()
    backing_up = making_backups(backups, database_path, instance) if backups else nullcontext()
    _stop_at_signals(server)
    with backing_up, loading, training, _announcing(address, port):
        _serve(server)


def _announcing(address: str, port: int) -> AbstractContextManager[None]:
    """Log the address as soon as a worker accepts connections, which is seconds after the start."""
    url = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    # Windows has no connections to the address that stands for all.
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104

    def announce(stopping: threading.Event) -> None:
        while not _accepts_connections(target, port):
            if stopping.wait(_CONNECT_INTERVAL_SECONDS):
                return
        logs.logger.info("serving", extra={"fields": {"address": url}})

    return running_in_background(announce, "announcement", _CONNECT_TIMEOUT_SECONDS)


def _accepts_connections(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port), _CONNECT_TIMEOUT_SECONDS):
        return True
    return False


def _serve(server: Any) -> None:
    """Start the workers, and return after SIGTERM, SIGINT or SIGHUP."""
    # Forking would copy locks that other threads hold: Granian has a thread for each worker, and backups have one.
    multiprocessing.set_start_method("spawn", force=True)
    try:
        server.serve()
    except SystemExit:
        # Granian exits with 1 if its workers end before it stops them, as they may if the whole group gets SIGTERM.
        if not server.interrupt_signal:
            raise


def _stop_at_signals(server: Any) -> None:
    """Let SIGTERM and SIGINT stop the server and its processes. An immediate exit could interrupt the start of one.

    Once the server has workers, SIGHUP does the same, unless it is ignored, as under `nohup`. A terminal sends SIGHUP
    when it is closed. Granian would start new workers, although the terminal ended the old ones, and give up.
    """
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, server.signal_handler_interrupt)
    number = getattr(signal, "SIGHUP", None)  # Windows has none
    is_ignored = number is not None and signal.getsignal(number) is signal.SIG_IGN
    server.signal_handler_reload = signal.SIG_IGN if is_ignored else server.signal_handler_interrupt


def _compare_keys(secret_key: str) -> None:
    """Log a warning if another host, or an earlier start, used the database with another secret key."""
    # The server can run without this check.
    with suppress(SQLAlchemyError, ApiError):
        if key_fingerprint.record_key(secret_key):
            logs.logger.warning(
                "the database was last served with another secret key: all users have to log in again; hosts that "
                "share a database need the same MOVIERATING_SECRET_KEY, or they reject each other's tokens"
            )
    database.close()


def _export_secret_key(secret_key: str) -> None:
    """Set the key in the environment, so that new workers use it even if the key file was removed or replaced."""
    # Only users who may read the key file can read the environment of a process. A variable can't contain a NUL.
    with suppress(ValueError):
        os.environ[f"{PREFIX}SECRET_KEY"] = secret_key


def _create_backup_folder(folder: Path) -> None:
    try:
        startup.create_private_folder(folder)
    except OSError as error:
        raise click.ClickException(f"backups can't be written to {folder} ({error.strerror})") from error


def _make_server(address: str, port: int, workers: int) -> Any:
    """Return a Granian server; its class depends on the build of Python."""
    return Server(
        "movierating:create_worker",
        factory=True,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS_PER_WORKER,
        backpressure=_raise_connection_limit(),
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


def _raise_connection_limit() -> int:
    """Raise the limit of open files as far as needed and possible; return how many connections a worker may have.

    Raise ClickException if none is left.
    """
    if resource is None:  # pragma: no cover
        return MAX_CONNECTIONS_PER_WORKER
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_CONNECTIONS_PER_WORKER + RESERVED_FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    if files <= RESERVED_FILES:
        raise click.ClickException(
            f"a process may open {files} files here (`ulimit -Hn`); the server needs more than {RESERVED_FILES}"
        )
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files - RESERVED_FILES


def _find_address(host: str, port: int) -> str:
    """Return the address of `host`. Raise ClickException unless this process can listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # Granian sets SO_REUSEPORT, so a second server on the port would take half of its requests.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        hint = "; choose another port with --port" if error.errno == errno.EADDRINUSE else ""
        raise click.ClickException(f"can't listen on {host}:{port} ({error.strerror}{hint})") from error
    return str(address[0])


def start_worker(create_app: Callable[[], Flask]) -> Flask:
    """Return the application of a worker process, which exits when its parent process does."""
    process_tuning.limit_preemption()
    child_process.follow_parent()
    process_tuning.limit_arenas()
    app = create_app()
    with app.app_context():
        database.hold_instance()
        # Open the file now: if it is replaced later, this process can tell that the log beside it is of the old file.
        with suppress(SQLAlchemyError):
            database.read()
    if app.extensions["redis"]:
        app.extensions["redis"].check_in_background()
    limited = upload_slots.limit_slow_clients(app.wsgi_app, THREADS_PER_WORKER - 1)
    app.wsgi_app = DrainingApplication(limited)  # type: ignore[method-assign]
    process_tuning.reduce_garbage_collections()
    return app
