"""PostgreSQL restarts, crashes, hangs and is full under load: 503 meanwhile, nothing lost, and all is well after."""

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from faults.load import Load

# Requests end in this time whatever the server does, and all is well so soon after it is back. Machines are busy.
BOUND_SECONDS = 20
WRITERS, READERS = 6, 4


@pytest.fixture(scope="module")
def folder(hosts):
    return hosts()


@pytest.fixture(scope="module")
def ids(folder, populate):
    return populate(folder, "ada", count=60)


@pytest.fixture(scope="module")
def service(folder, ids, serve):
    return serve(folder, workers=2)


@pytest.fixture(scope="module")
def credentials(service):
    return {}


@pytest.fixture
def ada(service, client_of, credentials):
    if not credentials:
        credentials.update(client_of(service, "ada").headers)
    return client_of(service, **credentials)


@pytest.fixture
def load(service, client_of, ada, ids, unsound, folder):
    """People who use the service until the end of the test; none of them ever sees a failure but 503, or waits long."""
    running = Load([ada.again() for _ in range(WRITERS)], ids, [ada.again() for _ in range(READERS)])
    yield running
    running.end()
    assert running.statuses <= {200, 201, 503}
    assert running.longest_seconds < BOUND_SECONDS
    assert running.find_lost(ada.rating_of) == []
    assert unsound(folder) == []


def is_ready(client):
    return client.send("GET", "/readyz").status == 200


def is_well(load, client, eventually):
    """Return once nobody is refused any more."""

    def goes_round_without_failing():
        before = load.failures
        eventually(load.make_progress_check())
        return load.failures == before

    eventually(lambda: is_ready(client))
    # A server that was hurt a moment ago may still answer.
    eventually(load.make_progress_check())
    eventually(goes_round_without_failing)


@pytest.mark.parametrize(
    "how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL], ids=["fast", "immediate", "kill"]
)
def test_a_server_that_goes_is_answered_with_503_and_found_again(load, durable, ada, eventually, how):
    eventually(load.make_progress_check())
    with durable.gone(how):
        assert ada.send("GET", "/readyz").status == 503
        assert ada.send("GET", "/healthz").status == 200
        eventually(load.make_progress_check())
    is_well(load, ada, eventually)
    assert load.failures


def test_a_server_whose_backend_is_killed_starts_anew_and_so_do_we(load, durable, ada, eventually):
    eventually(load.make_progress_check())
    backend = durable.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'movierating'")[0][0]
    os.kill(backend, signal.SIGKILL)
    is_well(load, ada, eventually)


def test_a_server_that_stops_is_given_up_and_found_again(load, durable, ada, eventually):
    eventually(load.make_progress_check())
    with durable.stuck():
        eventually(lambda: load.failures > 5 * WRITERS)
        assert ada.send("GET", "/readyz").status == 503
    is_well(load, ada, eventually)
    assert load.failures


def test_a_statement_that_takes_long_is_waited_for(durable, ada, ids, folder, eventually):
    """Behind somebody's lock, for longer than a server that has stopped would be waited for."""
    name = durable.query("SELECT datname FROM pg_stat_activity WHERE application_name = 'movierating'")[0][0]
    with psycopg.connect(durable.address(name)) as other:
        other.execute("SELECT FROM movie WHERE id = %s FOR UPDATE", [ids[0]])
        threading.Timer(6, other.rollback).start()
        began = time.monotonic()
        assert ada.rate(ids[0], 5).status in (200, 201)
        assert time.monotonic() - began > 5


def test_without_a_connection_left_it_is_503_until_there_is_one(durable, ada, ids, eventually):
    durable.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'movierating'"
    )
    taken = []
    with suppress(psycopg.OperationalError):
        while True:
            taken.append(psycopg.connect(durable.address("postgres")))
    answers = {ada.send("GET", path).status for path in ("/readyz", f"/v1/movies/{ids[0]}", "/v1/movies")}
    assert (answers, ada.rate(ids[0], 5).status) == ({503}, 503)
    for connection in taken:
        connection.close()
    eventually(lambda: is_ready(ada))
    assert ada.rate(ids[0], 5).status in (200, 201)


@pytest.fixture
def connections(durable):
    """`connections(pid)` are the sockets by which a process is connected to PostgreSQL."""

    def look(pid):
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        sockets = {f"socket:[{line[9]}]" for line in lines if line[2].endswith(f":{durable.port:04X}")}
        return sockets & {str(descriptor.readlink()) for descriptor in Path(f"/proc/{pid}/fd").iterdir()}

    return look


def test_the_process_that_is_forked_to_make_workers_has_no_connection(service, ada, connections, eventually):
    # The server lets workers take connections as they come.
    clients = [ada.again() for _ in range(16)]
    eventually(lambda: all(map(is_ready, clients)) and all(map(connections, service.list_worker_pids())))
    assert not connections(service.process.pid)
    for client in clients:
        client.close()
