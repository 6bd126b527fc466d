"""A disk that is full or can't be written: writes say so, reads go on, and both work again when it is over."""

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

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
    """Leave not a byte, and return the file that took all."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    return filler


def refused_write(ada, ids):
    """The first answer to a write that is no success; what went through before it, by movie."""
    stored = {}
    for number in range(200):
        movie_id, value = ids[number % len(ids)], 1 + number % 9
        answer = ada.rate(movie_id, value)
        if answer.status >= 300:
            return answer, stored
        stored[movie_id] = value
    pytest.fail("everything found room")


def test_a_full_disk_refuses_writes_alone_and_for_as_long_as_it_is_full(
    on_small_disk, small_disk, unsound, client_of
):
    service, ada, ids = on_small_disk
    workers = service.list_worker_pids()
    assert ada.rate(ids[0], 7).status == 201
    filler = fill(small_disk)
    refusal, stored = refused_write(ada, ids[1:])
    assert refusal.status == 507
    assert refusal.body["detail"] == "There is no room left to store this."
    for _ in range(20):
        assert ada.rate(ids[0], 1).status == 507
        assert ada.rating_of(ids[0]) == 7
        assert ada.send("GET", "/v1/users/me").body["ratings"]["count"] == 1 + len(stored)
    assert ada.send("GET", "/v1/users/me/ratings/export?format=csv").status == 200
    assert ada.send("POST", "/v1/auth/tokens", {"name": "x", "scope": "read"}).status == 507
    # Many at once share a transaction.
    many = [client_of(service, **ada.headers) for _ in range(16)]
    with ThreadPoolExecutor(len(many)) as threads:
        assert {answer.status for answer in threads.map(lambda client: client.rate(ids[0], 1), many)} == {507}
    filler.unlink()
    assert ada.rate(ids[0], 9).status == 200
    assert [client.rating_of(ids[0]) for client in many] == [9] * len(many)
    assert {movie_id: ada.rating_of(movie_id) for movie_id in stored} == stored
    assert service.list_worker_pids() == workers
    assert service.stop() == 0
    assert unsound(service.folder) == []


def test_a_worker_lives_that_finds_no_room_for_the_memory_it_shares(
    folder, small_disk, serve, populate, client_of
):
    ids = populate(folder, "ada")
    service = serve(folder)
    workers = service.list_worker_pids()
    # Nobody has asked for anything that is kept in memory yet.
    (folder / ".movierating.sqlite3.versions").unlink()
    filler = fill(small_disk)
    nobody = client_of(service)
    account = {"username": "eve", "email": "eve@example.org", "password": "correct horse battery"}
    for _ in range(3):
        assert nobody.send("GET", f"/v1/movies/{ids[0]}").status == 200
        assert nobody.send("POST", "/v1/users", account).status == 507
    filler.unlink()
    assert nobody.send("POST", "/v1/users", account).status == 201
    assert service.list_worker_pids() == workers


def test_an_upload_that_finds_no_room_is_refused_and_works_later(on_small_disk, small_disk):
    _, ada, _ = on_small_disk
    rows = b"imdb_id,value\n" + b"tt0000001,5\n" * 100_000
    # Which folder takes temporary files is found out once.
    assert ada.upload(rows).status == 200
    filler = fill(small_disk)
    assert ada.upload(rows).status == 507
    assert ada.send("GET", "/v1/users/me").status == 200
    filler.unlink()
    assert ada.upload(rows).status == 200


def test_counts_and_limits_on_a_full_disk_are_nobodys_error(
    folder, small_disk, serve, populate, client_of, eventually
):
    populate(folder, "ada")
    service = serve(folder, RATELIMIT_ENABLED="true")
    filler = fill(small_disk)
    nobody = client_of(service)
    # Limits are counted in the process meanwhile.
    login = {"login": "ada", "password": "wrong horse battery"}
    statuses = {nobody.send("POST", "/v1/auth/login", login).status for _ in range(8)}
    assert statuses == {401, 429}
    assert nobody.send("GET", "/metrics").status in (200, 503)
    filler.unlink()
    eventually(lambda: nobody.send("GET", "/metrics").status == 200)
    metrics = nobody.send("GET", "/metrics").body.decode()
    assert 'route="/v1/auth/login",status="401"} 5.0' in metrics
    assert service.stop() == 0


def test_a_limit_on_the_size_of_files_refuses_writes_until_it_is_lifted(
    instance, serve, populate, client_of, unsound
):
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
    refusal, stored = refused_write(ada, ids[1:])
    assert refusal.status in (503, 507)
    assert ada.rating_of(ids[0]) == 7
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    assert ada.rate(ids[0], 9).status == 200
    assert {movie_id: ada.rating_of(movie_id) for movie_id in stored} == stored
    assert service.stop() == 0
    assert unsound(instance) == []


@pytest.fixture
def read_only(small_disk):
    """`read_only(folder)` lets nobody change anything in a folder of the small disk any more; `False` ends it."""
    mounted = []

    def bind(folder, on=True):
        if on:
            subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
            mounted.append(folder)
        subprocess.run(["mount", "-o", f"remount,{'ro' if on else 'rw'},bind", str(folder)], check=True)

    yield bind
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_folder_that_cannot_be_written_refuses_writes_until_it_can(
    folder, read_only, serve, populate, client_of, unsound
):
    ids = populate(folder, "ada")
    token = client_of(first := serve(folder), "ada").headers
    assert first.stop() == 0
    service = serve(folder)
    # Nothing was written yet: what it has open for writing it may go on writing.
    read_only(folder)
    ada = client_of(service)
    ada.headers.update(token)
    for _ in range(3):
        refusal = ada.rate(ids[0], 7)
        assert refusal.status == 503
        assert refusal.body["detail"] == "The database does not answer; try again shortly."
        assert ada.send("GET", "/v1/users/me").status == 200
        assert ada.send("GET", f"/v1/movies/{ids[0]}").status == 200
    read_only(folder, on=False)
    assert ada.rate(ids[0], 7).status == 201
    assert ada.rating_of(ids[0]) == 7
    assert service.stop() == 0
    assert unsound(folder) == []


def test_a_worker_that_dies_is_replaced_in_a_folder_that_cannot_be_written(
    folder, read_only, serve, client_of, eventually
):
    service = serve(folder)
    [worker] = service.list_worker_pids()
    read_only(folder)
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: client_of(service).send("GET", "/readyz").status == 200)
    assert client_of(service).send("GET", "/v1/movies").status == 200
    assert service.stop() == 0


def test_a_start_in_a_folder_that_cannot_be_written_is_refused_in_one_line(folder, read_only, environ):
    read_only(folder)
    command = [sys.executable, "-m", "movierating", "serve"]
    done = subprocess.run(command, env=environ(folder), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: MOVIERATING_INSTANCE_PATH: {folder} is not a writable folder (Read-only file system)\n"
    )
