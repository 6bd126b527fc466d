"""The database or the key file is deleted, moved or replaced while the service runs: no acknowledged write is lost."""

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

pytestmark = pytest.mark.sqlite


@pytest.fixture
def running(instance, serve, populate, client_of):
    """A service with two workers and two ratings: yield it, two clients of one user, and the movies' ids."""
    ids = populate(instance, "ada")
    service = serve(instance, workers=2)
    ada = client_of(service, "ada")
    clients = [ada, ada.again()]
    for client, movie_id in zip(clients, ids, strict=False):
        assert client.rate(movie_id, 7).status == 201
    yield service, clients, ids
    for client in clients:
        client.close()


def assert_writes_fail(clients, movie_id):
    """Check that writes return 503; a worker that has the file open may still read it."""
    for client in clients * 3:
        response = client.rate(movie_id, 1)
        assert response.status == 503
        assert response.body["detail"] == "The database does not respond; try again shortly."
        assert client.send("GET", "/healthz").status == 200
        assert "database" in client.send("GET", "/readyz").body["detail"]
        assert client.send("GET", "/v1/users/me").status in (200, 503)
        assert client.send("GET", f"/v1/movies/{movie_id}").status in (200, 503)


def copy(file, target):
    """Copy a database in use, as a backup does."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as made:
        source.backup(made)


def test_moved_file_comes_back_with_all_ratings(running, unsound):
    service, clients, ids = running
    file = service.folder / "movierating.sqlite3"
    aside = file.rename(service.folder / "aside")
    assert_writes_fail(clients, ids[0])
    assert not file.exists()
    aside.rename(file)
    assert [client.rate(ids[2], 9).status for client in clients] == [201, 200]
    assert [clients[1].rating_of(movie_id) for movie_id in ids[:3]] == [7, 7, 9]
    assert service.stop() == 0
    assert unsound(service.folder) == []


def test_backup_replaces_a_deleted_file(running, unsound):
    service, clients, ids = running
    file = service.folder / "movierating.sqlite3"
    copy(file, backup := service.folder / "backup")
    assert clients[0].rate(ids[2], 9).status == 201
    file.unlink()
    assert_writes_fail(clients, ids[0])
    assert not file.exists()
    shutil.copy(backup, file)
    for client in clients:
        assert [client.rating_of(movie_id) for movie_id in ids[:3]] == [7, 7, None]
        assert client.send("GET", "/readyz").status == 200
    assert [client.rate(ids[2], 8).status for client in clients] == [201, 200]
    assert [client.rating_of(ids[2]) for client in clients] == [8, 8]
    assert service.stop() == 0
    assert unsound(service.folder) == []


def has_open(pid, file):
    """Return True if a process has the file open."""
    return any(link.resolve() == file for link in Path(f"/proc/{pid}/fd").iterdir())


def test_each_worker_opens_the_database_when_it_starts(instance, serve, eventually):
    service = serve(instance, workers=2)
    file = (service.folder / "movierating.sqlite3").resolve()
    for pid in service.list_worker_pids():
        # A worker that first opened a replaced file would read the old file's log into it.
        eventually(lambda pid=pid: has_open(pid, file))


def test_log_of_a_replaced_file_is_not_applied_to_the_new_one(running, tmp_path, unsound):
    service, clients, ids = running
    file = service.folder / "movierating.sqlite3"
    # The same movies and accounts, in other places of the file.
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", [str(tmp_path / "other")])
    for movie_id in ids:
        clients[0].rate(movie_id, 3)
    assert (service.folder / "movierating.sqlite3-wal").stat().st_size > 0
    (tmp_path / "other").replace(file)
    assert clients[0].rate(ids[5], 8).status == 201
    assert clients[1].rate(ids[6], 8).status == 201
    assert (service.folder / "movierating.sqlite3-wal.replaced").stat().st_size > 0
    assert service.stop() == 0
    assert unsound(service.folder) == []
    with closing(sqlite3.connect(file)) as connection:
        rated = connection.execute("SELECT movie_id, value FROM rating ORDER BY movie_id").fetchall()
    assert rated == [(ids[0], 14), (ids[1], 14), (ids[5], 16), (ids[6], 16)]


def test_emptied_folder_works_again_with_a_backup(running, tmp_path, unsound):
    service, clients, ids = running
    copy(service.folder / "movierating.sqlite3", tmp_path / "backup")
    for file in service.folder.iterdir():
        if file.name != "secret_key":
            # The service closes the file of its counts once that is gone, and removes the log beside it.
            file.unlink(missing_ok=True)
    assert clients[0].rate(ids[2], 1).status == 503
    shutil.copy(tmp_path / "backup", service.folder / "movierating.sqlite3")
    for value in (2, 3, 4):
        for client in clients:
            assert client.rate(ids[2], value).status in (200, 201)
            assert {each.rating_of(ids[2]) for each in clients} == {value}
    assert service.stop() == 0
    assert unsound(service.folder) == []


@pytest.mark.parametrize("content", [None, "k" * 64], ids=["removed", "replaced"])
def test_replaced_worker_uses_the_key_with_which_the_service_started(
    instance, serve, populate, client_of, eventually, content
):
    populate(instance, "ada")
    service = serve(instance)
    ada = client_of(service, "ada")
    key = instance / "secret_key"
    key.unlink()
    if content is not None:
        key.write_text(content)
    [worker] = service.list_worker_pids()
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: worker not in service.list_worker_pids())
    service.wait_until_ready()
    assert client_of(service, **ada.headers).send("GET", "/v1/users/me").status == 200
    assert key.exists() == (content is not None)
    assert service.stop() == 0
