"""PostgreSQL restarts, crashes, hangs or accepts no connection: 503 meanwhile, nothing lost, then recovery."""

import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from faults.load import Load

# Requests end within this time whatever the server does. It is generous, for busy machines.
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
    """Clients that use the service until the end of the test; they get no error but 503, and none waits long."""
    running = Load([ada.again() for _ in range(WRITERS)], ids, [ada.again() for _ in range(READERS)])
    yield running
    running.end()
    assert running.statuses <= {200, 201, 503}
    assert running.longest_seconds < BOUND_SECONDS
    assert running.find_lost(ada.rating_of) == []
    assert unsound(folder) == []


def is_ready(client):
    return client.send("GET", "/readyz").status == 200


def wait_for_recovery(load, client, eventually):
    """Return once no request fails any more."""

    def makes_progress_without_failures():
        before = load.failures
        eventually(load.make_progress_check())
        return load.failures == before

    eventually(lambda: is_ready(client))
    # A server that is about to crash may still respond.
    eventually(load.make_progress_check())
    eventually(makes_progress_without_failures)


@pytest.mark.parametrize(
    "how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL], ids=["fast", "immediate", "kill"]
)
def test_service_returns_503_without_postgresql_and_recovers(load, durable, ada, eventually, how):
    eventually(load.make_progress_check())
    with durable.gone(how):
        assert ada.send("GET", "/readyz").status == 503
        assert ada.send("GET", "/healthz").status == 200
        eventually(load.make_progress_check())
    wait_for_recovery(load, ada, eventually)
    assert load.failures


def test_service_recovers_after_a_crash_of_a_backend(load, durable, ada, eventually):
    eventually(load.make_progress_check())
    durable.crash_backend()
    wait_for_recovery(load, ada, eventually)


def test_service_returns_503_while_postgresql_is_stopped_and_recovers(load, durable, ada, eventually):
    eventually(load.make_progress_check())
    with durable.stuck():
        eventually(lambda: load.failures > 5 * WRITERS)
        assert ada.send("GET", "/readyz").status == 503
    wait_for_recovery(load, ada, eventually)
    assert load.failures


def test_long_statement_is_not_given_up(durable, ada, ids, folder, eventually):
    """It waits for a lock longer than the service waits for a server that has stopped."""
    name = durable.query("SELECT datname FROM pg_stat_activity WHERE application_name = 'movierating'")[0][0]
    with psycopg.connect(durable.address(name)) as other:
        other.execute("SELECT FROM movie WHERE id = %s FOR UPDATE", [ids[0]])
        began = time.monotonic()
        threading.Timer(6, other.rollback).start()
        assert ada.rate(ids[0], 5).status in (200, 201)
        assert time.monotonic() - began > 5


@pytest.fixture
def take_all_places(durable, eventually):
    """`take_all_places()` takes all connections that PostgreSQL accepts, and returns them."""
    places = int(durable.query("SHOW max_connections")[0][0])

    def take():
        taken = []

        def take_free_ones():
            with suppress(psycopg.OperationalError):
                while True:
                    taken.append(psycopg.connect(durable.address("postgres")))
            return len(taken) == places

        # A process that has just ended, or the main process of a service, may still have one.
        eventually(take_free_ones)
        return taken

    return take


def test_service_returns_503_while_postgresql_accepts_no_connection(
    durable, ada, ids, take_all_places, eventually
):
    durable.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'movierating'"
    )
    taken = take_all_places()
    statuses = {ada.send("GET", path).status for path in ("/readyz", f"/v1/movies/{ids[0]}", "/v1/movies")}
    assert (statuses, ada.rate(ids[0], 5).status) == ({503}, 503)
    for connection in taken:
        connection.close()
    eventually(lambda: is_ready(ada))
    assert ada.rate(ids[0], 5).status in (200, 201)


@pytest.fixture
def connections(durable):
    """`connections(pid)` returns the sockets of a process that are connected to PostgreSQL."""

    def look(pid):
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        sockets = {f"socket:[{line[9]}]" for line in lines if line[2].endswith(f":{durable.port:04X}")}
        return sockets & {str(descriptor.readlink()) for descriptor in Path(f"/proc/{pid}/fd").iterdir()}

    return look


def test_main_process_has_no_connection(service, ada, connections, eventually):
    # Which worker accepts a connection is not determined.
    clients = [ada.again() for _ in range(16)]
    eventually(lambda: all(map(is_ready, clients)) and all(map(connections, service.list_worker_pids())))
    # It opens one for a moment to find out whether a training is due.
    eventually(lambda: not connections(service.process.pid))
    for client in clients:
        client.close()
