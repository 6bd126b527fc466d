"""A read-only disk: writes and a start return an error, reads go on, and a backup can be made on another disk."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

pytestmark = pytest.mark.sqlite


@pytest.fixture
def read_only(small_disk):
    """`read_only(folder)` makes a folder of the small disk read-only; with `on=False` it is writable again."""
    mounted = []

    def bind(folder, on=True):
        if on:
            subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
            mounted.append(folder)
        subprocess.run(["mount", "-o", f"remount,{'ro' if on else 'rw'},bind", str(folder)], check=True)

    yield bind
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_writes_return_503_while_the_folder_is_read_only(
    folder, read_only, serve, populate, client_of, unsound
):
    ids = populate(folder, "ada")
    token = client_of(first := serve(folder), "ada").headers
    assert first.stop() == 0
    service = serve(folder)
    # Nothing was written yet: a file that is open for writing could be written further.
    read_only(folder)
    ada = client_of(service)
    ada.headers.update(token)
    for _ in range(3):
        failure = ada.rate(ids[0], 7)
        assert failure.status == 503
        assert failure.body["detail"] == "A file can't be written; try again shortly."
        assert ada.send("GET", "/v1/users/me").status == 200
        assert ada.send("GET", f"/v1/movies/{ids[0]}").status == 200
    read_only(folder, on=False)
    assert ada.rate(ids[0], 7).status == 201
    assert ada.rating_of(ids[0]) == 7
    assert service.stop() == 0
    assert unsound(folder) == []


def test_worker_is_replaced_while_the_folder_is_read_only(folder, read_only, serve, client_of, eventually):
    service = serve(folder)
    [worker] = service.list_worker_pids()
    read_only(folder)
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: client_of(service).send("GET", "/readyz").status == 200)
    assert client_of(service).send("GET", "/v1/movies").status == 200
    assert service.stop() == 0


def test_start_in_a_read_only_folder_fails_with_one_line(folder, read_only, environ):
    read_only(folder)
    command = [sys.executable, "-m", "movierating", "serve"]
    done = subprocess.run(command, env=environ(folder), capture_output=True, text=True, timeout=180)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: MOVIERATING_INSTANCE_PATH: {folder} is not a writable folder (Read-only file system)\n"
    )


@pytest.fixture
def run_command(environ, folder):
    """`run_command("check")` returns the exit code and the output of a command on the folder."""

    def run(*arguments):
        command = [sys.executable, "-m", "movierating", *arguments]
        done = subprocess.run(command, env=environ(folder), capture_output=True, text=True, timeout=180)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
def test_database_on_a_read_only_disk_is_backed_up(
    folder, read_only, serve, populate, client_of, run_command, tmp_path, is_killed
):
    ids = populate(folder, "ada")
    service = serve(folder)
    assert client_of(service, "ada").rate(ids[0], 7).status == 201
    if is_killed:
        # All at once: a worker that notices the end of the main process closes the database, which removes the log.
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()
        assert (folder / "movierating.sqlite3-wal").stat().st_size > 0
    else:
        assert service.stop() == 0
    read_only(folder)
    backup = tmp_path / "backup"
    assert run_command("backup", str(backup)) == (0, f"backup written to {backup}\n")
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT movie_id, value FROM rating").fetchall() == [(ids[0], 14)]


def test_command_that_needs_a_writable_disk_says_so(folder, read_only, run_command, tmp_path):
    read_only(folder)
    reason = (
        f"the disk of {folder} is read-only; copy the folder to a writable disk and run the command there"
    )
    assert run_command("check") == (1, f"database: {reason}\n")
    read_only(folder, on=False)
    (folder / "movierating.sqlite3-wal").touch()
    read_only(folder)
    message = f"can't copy {folder}/movierating.sqlite3 to {tmp_path} ({reason})"
    assert run_command("backup", str(tmp_path / "backup")) == (1, f"Error: {message}\n")
