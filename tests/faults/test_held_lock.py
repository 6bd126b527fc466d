"""Another program holds SQLite's write lock: reads and /healthz go on, and writers beyond five get 503."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from movierating.storage.sqlite.write_queue import MAX_WAITING_THREADS

pytestmark = pytest.mark.sqlite

WRITERS = 8


def test_reads_go_on_while_another_program_holds_the_lock(
    instance, populate, serve, client_of, unsound, eventually
):
    ids = populate(instance, "ada", count=WRITERS)
    service = serve(instance)
    ada, reader = client_of(service, "ada"), client_of(service)
    clients = [ada.again() for _ in range(WRITERS)]
    file = instance / "movierating.sqlite3"
    with ThreadPoolExecutor(WRITERS) as threads, closing(sqlite3.connect(file, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        rating = [threads.submit(client.rate, movie, 7) for client, movie in zip(clients, ids, strict=True)]
        eventually(lambda: sum(each.done() for each in rating) >= WRITERS - MAX_WAITING_THREADS)
        for path in ("/healthz", f"/v1/movies/{ids[0]}", "/v1/movies?sort=title") * 3:
            assert reader.send("GET", path).status == 200
        # The other writers have not given up yet.
        assert sum(each.done() for each in rating) == WRITERS - MAX_WAITING_THREADS
        lock.rollback()
        statuses = sorted(each.result().status for each in rating)
        assert statuses == [201] * MAX_WAITING_THREADS + [503] * (WRITERS - MAX_WAITING_THREADS)
    for client in clients:
        client.close()
    assert service.stop() == 0
    assert unsound(instance) == []


def test_reads_with_personal_tokens_do_not_wait_for_the_lock(instance, populate, serve, client_of):
    populate(instance, "ada")
    service = serve(instance)
    ada, file = client_of(service, "ada"), instance / "movierating.sqlite3"
    bodies = [{"name": f"script {number}", "scope": "read"} for number in range(WRITERS)]
    tokens = [ada.send("POST", "/v1/auth/tokens", body).body["token"] for body in bodies]
    readers = [client_of(service, Authorization=f"Bearer {token}") for token in tokens]
    with ThreadPoolExecutor(WRITERS) as threads, closing(sqlite3.connect(file, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        started_at = time.monotonic()
        reading = [threads.submit(reader.send, "GET", "/v1/users/me") for reader in readers]
        assert {each.result().status for each in reading} == {200}
        # Without a timeout of its own, the record of the token's use waits for half a minute.
        assert time.monotonic() - started_at < 25
