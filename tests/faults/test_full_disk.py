"""A full or read-only disk: writes return an error, reads go on, and writes work again afterwards."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from movierating import create_app
from movierating.config import SettingError
from movierating.monitoring import counters
from movierating.operations import sqlite_backup
from movierating.operations.backup_files import BackupError
from movierating.storage import database

pytestmark = pytest.mark.sqlite


@pytest.fixture
def folder(small_disk, empty_instance):
    """An instance folder on the small disk."""
    return shutil.copytree(empty_instance, small_disk / "instance")


@pytest.fixture
def on_small_disk(folder, small_disk, serve, populate, client_of, monkeypatch):
    """A service whose database, counts, log and temporary files share a small disk: it, ada's client, and movies."""
    ids = populate(folder, "ada")
    monkeypatch.setenv("TMPDIR", str(small_disk))
    service = serve(folder, workers=2, LOG_LEVEL="INFO")
    yield service, client_of(service, "ada"), ids
    service.stop()


def fill(disk):
    """Fill the disk to the last byte, and return the file that did."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    return filler


def rate_until_failure(ada, ids):
    """Rate movies until a write fails; return its response and the ratings before it by movie."""
    stored = {}
    for number in range(200):
        movie_id, value = ids[number % len(ids)], 1 + number % 9
        response = ada.rate(movie_id, value)
        if response.status >= 300:
            return response, stored
        stored[movie_id] = value
    pytest.fail("no write failed")


def test_writes_return_507_while_the_disk_is_full_and_reads_go_on(
    on_small_disk, small_disk, unsound, client_of
):
    service, ada, ids = on_small_disk
    workers = service.list_worker_pids()
    assert ada.rate(ids[0], 7).status == 201
    filler = fill(small_disk)
    failure, stored = rate_until_failure(ada, ids[1:])
    assert failure.status == 507
    assert failure.body["detail"] == "There is no room left to store this."
    for _ in range(20):
        assert ada.rate(ids[0], 1).status == 507
        assert ada.rating_of(ids[0]) == 7
        assert ada.send("GET", "/v1/users/me").body["ratings"]["count"] == 1 + len(stored)
    assert ada.send("GET", "/v1/users/me/ratings/export?format=csv").status == 200
    assert ada.send("POST", "/v1/auth/tokens", {"name": "x", "scope": "read"}).status == 507
    # Many at once share a transaction.
    many = [client_of(service, **ada.headers) for _ in range(16)]
    with ThreadPoolExecutor(len(many)) as threads:
        assert {response.status for response in threads.map(lambda client: client.rate(ids[0], 1), many)} == {
            507
        }
    filler.unlink()
    assert ada.rate(ids[0], 9).status == 200
    assert [client.rating_of(ids[0]) for client in many] == [9] * len(many)
    assert {movie_id: ada.rating_of(movie_id) for movie_id in stored} == stored
    assert service.list_worker_pids() == workers
    assert service.stop() == 0
    assert unsound(service.folder) == []


@pytest.mark.parametrize("room", [1 << 14, 1 << 19, 1 << 21])
def test_first_start_on_a_full_disk_fails_with_one_line_and_can_be_repeated(small_disk, environ, room):
    folder = small_disk / "new"
    filler = fill(small_disk)
    os.truncate(filler, filler.stat().st_size - room)
    with pytest.raises(SettingError) as raised:
        create_app(environ(folder))
    assert "\n" not in raised.value.message
    assert re.search("no room left|disk is full|No space left", raised.value.message)
    filler.unlink()
    # 8 MiB are too few for the movies and the log beside them.
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    with create_app(environ(folder)).app_context():
        database.close()


def test_full_disk_is_named_as_the_reason(folder, small_disk, tmp_path, populate, environ, unsound):
    populate(folder, "ada")
    # A thread writes this process's counts. Were they on the small disk, it could fill or free some of it meanwhile.
    counters.set_file(tmp_path / "metrics.sqlite3")
    fill(small_disk)
    file, reason = folder / "movierating.sqlite3", f"there is no room left in {folder}"
    with pytest.raises(SettingError) as raised:
        create_app(environ(folder))
    assert raised.value.message == f"MOVIERATING_DATABASE_URL: {file} can't be opened ({reason})"
    assert unsound(folder) == [f"database: {reason}"]
    with pytest.raises(BackupError, match=reason):
        sqlite_backup.copy_database(file, tmp_path / "backup")


def test_worker_survives_if_there_is_no_room_for_the_versions_file(
    folder, small_disk, serve, populate, client_of
):
    ids = populate(folder, "ada")
    service = serve(folder)
    workers = service.list_worker_pids()
    # No request has used the versions file yet.
    (folder / ".movierating.sqlite3.versions").unlink()
    filler = fill(small_disk)
    anonymous = client_of(service)
    account = {"username": "eve", "email": "eve@example.org", "password": "correct horse battery"}
    for _ in range(3):
        assert anonymous.send("GET", f"/v1/movies/{ids[0]}").status == 200
        assert anonymous.send("POST", "/v1/users", account).status == 507
    filler.unlink()
    assert anonymous.send("POST", "/v1/users", account).status == 201
    assert service.list_worker_pids() == workers


def test_upload_returns_507_while_the_disk_is_full(on_small_disk, small_disk):
    _, ada, _ = on_small_disk
    rows = b"imdb_id,value\n" + b"tt0000001,5\n" * 100_000
    # Python looks for a folder for temporary files once.
    assert ada.upload(rows).status == 200
    filler = fill(small_disk)
    assert ada.upload(rows).status == 507
    assert ada.send("GET", "/v1/users/me").status == 200
    filler.unlink()
    assert ada.upload(rows).status == 200


def test_counters_and_limits_cause_no_errors_on_a_full_disk(
    folder, small_disk, serve, populate, client_of, eventually
):
    populate(folder, "ada")
    service = serve(folder, RATELIMIT_ENABLED="true")
    filler = fill(small_disk)
    anonymous = client_of(service)
    # Limits are counted in the process meanwhile.
    login = {"login": "ada", "password": "wrong horse battery"}
    statuses = {anonymous.send("POST", "/v1/auth/login", login).status for _ in range(8)}
    assert statuses == {401, 429}
    assert anonymous.send("GET", "/metrics").status in (200, 503)
    filler.unlink()
    eventually(lambda: anonymous.send("GET", "/metrics").status == 200)
    metrics = anonymous.send("GET", "/metrics").body.decode()
    assert 'route="/v1/auth/login",status="401"} 5.0' in metrics
    assert service.stop() == 0


def test_writes_fail_while_a_file_size_limit_is_reached(instance, serve, populate, client_of, unsound):
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system has no limits on other processes")
    ids = populate(instance, "ada")
    service = serve(instance)
    ada = client_of(service, "ada")
    assert ada.rate(ids[0], 7).status == 201
    [worker] = service.list_worker_pids()
    _, hard = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    size = (instance / "movierating.sqlite3-wal").stat().st_size
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (size, hard))
    failure, stored = rate_until_failure(ada, ids[1:])
    assert failure.status in (503, 507)
    assert ada.rating_of(ids[0]) == 7
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    assert ada.rate(ids[0], 9).status == 200
    assert {movie_id: ada.rating_of(movie_id) for movie_id in stored} == stored
    assert service.stop() == 0
    assert unsound(instance) == []


@pytest.fixture
def read_only(small_disk):
    """`read_only(folder)` lets anonymous change anything in a folder of the small disk any more; `False` ends it."""
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
        for process in (service.process.pid, *service.list_worker_pids()):
            os.kill(process, signal.SIGKILL)
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
