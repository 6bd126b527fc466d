"""Two services start for the first time at the same moment, with one empty PostgreSQL."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import postgres
from movierating.operations.schema_revisions import get_newest_revision

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "3"))
_names = (f"first{number}" for number in itertools.count())


@pytest.fixture
def pair(durable, tmp_path):
    """The instance folders of two hosts that have one empty database."""
    address = durable.create(next(_names))
    folders = [tmp_path / name / "instance" for name in ("one", "two")]
    for folder in folders:
        folder.parent.mkdir()
        postgres.use(folder, address)
    return folders


def query(connection, statement):
    return connection.exec_driver_sql(statement).scalar()


def read_state(connection):
    """Return `nothing`, `migrated` or `seeded`; fail the test for any state between them."""
    tables = query(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    if not tables:
        return "nothing"
    assert query(connection, "SELECT version_num FROM alembic_version") == get_newest_revision()
    # In one statement: PostgreSQL may complete the commit of a killed process between two.
    movies, seeded = connection.exec_driver_sql(
        "SELECT (SELECT count(*) FROM movie), (SELECT count(*) FROM data_migration WHERE name = 'seeded')"
    ).one()
    assert (movies > 5000) == (movies > 0) == seeded
    return "seeded" if seeded else "migrated"


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_one_service_prepares_the_database_and_both_serve(pair, serve, client_of, unsound, outside, round_):
    with ThreadPoolExecutor(2) as threads:
        services = list(threads.map(lambda folder: serve(folder, SECRET_KEY="k" * 32), pair))
    responses = [client_of(service).send("GET", "/v1/movies?limit=5").body for service in services]
    assert len(responses[0]["items"]) == 5
    assert responses[0] == responses[1]
    with outside(pair[0]) as connection:
        assert connection.exec_driver_sql("SELECT count(*) = max(id) FROM movie").scalar()
    assert unsound(pair[0]) == []
    assert [service.stop() for service in services] == [0, 0]


def is_preparing(connection):
    """Return True if a process prepares the database."""
    return query(
        connection,
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
        "WHERE locktype = 'advisory' AND datname = current_database()",
    )


def test_killed_first_start_leaves_no_half_migrated_database(
    pair, environ, free_port, outside, unsound, serve, eventually
):
    command = [sys.executable, "-m", "movierating", "serve", "--port", str(free_port())]
    for _ in range(ROUNDS):
        with (
            outside(pair[0]) as connection,
            subprocess.Popen(
                command, env=environ(pair[0]), stderr=subprocess.DEVNULL, start_new_session=True
            ) as killed,
        ):
            eventually(
                lambda connection=connection: is_preparing(connection) or read_state(connection) == "seeded"
            )
            time.sleep(random.uniform(0, 1))
            os.killpg(killed.pid, signal.SIGKILL)
            assert read_state(connection) in ("nothing", "migrated", "seeded")
    # The lock of the killed process was released with its connection.
    service = serve(pair[1])
    with outside(pair[0]) as connection:
        assert read_state(connection) == "seeded"
    assert unsound(pair[1]) == []
    assert service.stop() == 0
