"""The catalogue is loaded while the service handles requests, also if processes are killed."""

import functools
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, func, select, update

from movierating.movies import movie_csv, seed
from movierating.movies.models import DataMigration, Movie, MovieFacet, MovieTitle
from movierating.movies.search_index import MOVIE_SEARCH
from movierating.operations import catalogue_loader
from movierating.storage.database import read, write


def get(service, path):
    """Return the JSON of a response."""
    with urllib.request.urlopen(f"{service.url}{path}", timeout=30) as response:
        return json.load(response)


def read_value(outside, folder, statement):
    with outside(folder) as connection:
        return connection.scalar(statement)


# Longer than a busy machine takes to load the catalogue.
LOAD_SECONDS = 250
COUNT = select(func.count()).select_from(Movie)
LOADED = (
    select(func.count())
    .select_from(DataMigration)
    .where(DataMigration.name == seed.get_catalogue_migration())
)


@pytest.mark.slow
def test_killed_load_continues_beside_the_services(serve, outside, tmp_path, eventually, run):
    """A first start is killed; then two services start on the database at once."""
    folder, size = tmp_path / "instance", sum(1 for _ in movie_csv.read_rows(movie_csv.get_bundled_csv()))
    service = serve(folder)
    assert get(service, "/readyz") == {"status": "ok", "catalogue": "loading"}
    assert len(get(service, "/v1/movies?limit=50")["items"]) == 50
    eventually(lambda: read_value(outside, folder, COUNT) > 8000)
    os.killpg(service.process.pid, signal.SIGKILL)
    service.process.wait()
    with outside(folder) as connection:
        loaded = connection.scalar(COUNT)
        assert 8000 < loaded < size
        for movie_id in (1, loaded):
            connection.execute(delete(MovieFacet).where(MovieFacet.movie_id == movie_id))
            connection.execute(delete(MOVIE_SEARCH).where(MOVIE_SEARCH.c.rowid == movie_id))
            connection.execute(delete(MovieTitle).where(MovieTitle.movie_id == movie_id))
            connection.execute(delete(Movie).where(Movie.id == movie_id))
        connection.execute(update(Movie).where(Movie.id == 2).values(runtime_minutes=77))
    with ThreadPoolExecutor(2) as threads:
        services = list(threads.map(serve, [folder, folder]))
    for service in services:
        eventually(lambda service=service: get(service, "/readyz") == {"status": "ok"}, seconds=LOAD_SECONDS)
    assert read_value(outside, folder, COUNT) == size - 2
    assert get(services[0], "/v1/movies/2")["runtime_minutes"] == 77
    assert run("check").stdout == "No problems found.\n"
    assert [service.stop() for service in services] == [0, 0]


@pytest.mark.slow
def test_loader_stops_with_the_service(serve, tmp_path, outside):
    folder = tmp_path / "instance"
    service = serve(folder)
    assert service.stop() == 0
    assert not read_value(outside, folder, LOADED)
    loaded = read_value(outside, folder, COUNT)
    time.sleep(1)
    assert read_value(outside, folder, COUNT) == loaded


def test_service_with_the_catalogue_starts_no_loader(serve, instance):
    service = serve(instance)
    assert get(service, "/readyz") == {"status": "ok"}
    assert service.list_loader_pids() == []
    assert len(service.list_worker_pids()) == 1


@pytest.mark.slow
def test_killed_loader_is_started_again(serve, outside, tmp_path, eventually):
    folder = tmp_path / "instance"
    service = serve(folder)
    eventually(lambda: read_value(outside, folder, COUNT) > 8000)
    [loader] = service.list_loader_pids()
    os.kill(loader, signal.SIGKILL)
    eventually(lambda: service.list_loader_pids() not in ([], [loader]))
    loaded = read_value(outside, folder, COUNT)
    eventually(lambda: read_value(outside, folder, COUNT) > loaded)
    assert service.stop() == 0


def test_process_that_fails_is_started_again_a_few_times(monkeypatch, caplog):
    monkeypatch.setattr(catalogue_loader, "RESTART_INTERVAL_SECONDS", 0)
    monkeypatch.setattr(catalogue_loader, "MAX_STARTS", 2)
    monkeypatch.setattr(catalogue_loader, "load_in_process", functools.partial(sys.exit, 1))
    catalogue_loader._run_processes(threading.Event())
    assert [record.fields for record in caplog.records] == [{"exit_code": 1}] * 2


def test_process_that_ends_just_before_the_service_stops_is_not_a_failure(monkeypatch, caplog):
    class StopAfterProcess(threading.Event):
        def wait(self, timeout=None):
            if timeout == catalogue_loader.RESTART_INTERVAL_SECONDS:
                self.set()
            return super().wait(timeout)

    monkeypatch.setattr(catalogue_loader, "load_in_process", functools.partial(sys.exit, 1))
    catalogue_loader._run_processes(StopAfterProcess())
    assert caplog.records == []


def test_readiness_says_that_the_catalogue_is_loading(client):
    write(lambda connection: connection.execute(delete(DataMigration)))
    response = client.get("/readyz")
    assert (response.status_code, response.json) == (200, {"status": "ok", "catalogue": "loading"})


def test_imports_know_of_the_load_before_its_process_starts(app):
    write(lambda connection: connection.execute(delete(DataMigration)))
    catalogue_loader.loading_catalogue()
    assert not seed.is_first_load_under_way()
    catalogue_loader.record_load_start()
    assert seed.is_first_load_under_way()


def test_error_of_the_database_is_logged_and_retried(app, monkeypatch, caplog):
    load, errors = seed.load_catalogue, [OSError("the disk is full")]

    def fail_once():
        if errors:
            raise errors.pop()
        return load()

    monkeypatch.setattr(seed, "load_catalogue", fail_once)
    assert [catalogue_loader._load(), catalogue_loader._load()] == [False, True]
    assert read().scalar(COUNT) == 0
