"""A full disk: writes return an error, reads go on, and writes work again afterwards."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from movierating import create_app
from movierating.config import SettingError
from movierating.monitoring import counters
from movierating.operations import sqlite_backup
from movierating.operations.backup_files import BackupError
from movierating.storage import database

pytestmark = pytest.mark.sqlite


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
