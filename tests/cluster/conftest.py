"""Fixtures for tests of several services with one PostgreSQL and one Redis, which fail, hang and come back."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert

import network
import postgres
from faults.conftest import client_of, populate, unsound
from movierating import create_app
from movierating.movies import seed
from movierating.movies.models import DataMigration
from movierating.operations import schema_revisions
from movierating.storage import database
from movierating.storage.database import db
from redis_process import RedisProcess
from service_process import wait_until

__all__ = ["client_of", "populate", "unsound"]

# A service takes a connection for each of its threads. Autovacuum would change the versions of responses at any moment.
DURABLE = ("max_connections=60", "listen_addresses=*", "autovacuum=off")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder as tests of PostgreSQL."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.postgresql)


class Durable(postgres.Server):
    """A server with durable commits, as in production."""

    def processes(self) -> list[int]:
        """Return the ids of the server's main process and its child processes."""
        assert self.process is not None
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """Stop all processes during the block: the kernel accepts connections and data, and nothing responds."""
        stopped = self.processes()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def gone(self, how: int) -> Iterator[None]:
        """End the server by a signal, and start it after the block."""
        children = self.processes()[1:]
        self.stop(how)
        # The child processes of one that was killed end a moment later; until then, no other server starts.
        wait_until(lambda: not any(map(_is_running, children)))
        try:
            yield
        finally:
            self.start()

    def crash_backend(self) -> None:
        """Kill a process of the server, which then ends all others, and wait until it accepts connections again."""
        address = self.address("postgres")
        with closing(psycopg.connect(address)) as victim, closing(psycopg.connect(address)) as witness:
            os.kill(victim.info.backend_pid, signal.SIGKILL)
            with suppress(psycopg.OperationalError):
                # The server ends this statement.
                witness.execute("SELECT pg_sleep(60)")
                pytest.fail("the server did not notice")
        wait_until(self.responds)

    def query(self, statement: str, name: str = "postgres") -> list[tuple]:
        """Return the rows of a statement."""
        with psycopg.connect(self.address(name), autocommit=True) as connection:
            return connection.execute(statement).fetchall()


def _is_running(pid: int) -> bool:
    """Return True if a process has not ended. A zombie process has an empty command line."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False


@pytest.fixture(scope="session")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Durable]:
    """A PostgreSQL server for these tests, with durable commits."""
    server = Durable.create_server(DURABLE)
    with (server.folder / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 10.0.0.0/8 trust\n")
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def empty(durable: Durable, environ: Callable[..., dict[str, str]], tmp_path_factory) -> str:
    """The name of a template database at the newest migration, without movies."""
    folder = tmp_path_factory.mktemp("template") / "instance"
    postgres.use(folder, durable.create("empty"))
    app = create_app(environ(folder), prepared=False)
    with app.app_context():
        schema_revisions.upgrade_schema(db.engine)
        names = (seed.WELL_KNOWN_MIGRATION, seed.get_catalogue_migration())
        rows = [{"name": name, "applied_at": 0} for name in names]
        database.write(lambda connection: connection.execute(insert(DataMigration), rows))
        database.close()
    return "empty"


@pytest.fixture(scope="module")
def hosts(durable: Durable, empty: str, tmp_path_factory) -> Callable[[], Path]:
    """`hosts()` returns the instance folder of another host; all of a module share a database without movies."""
    address = durable.create(f"db{len(list(durable.query('SELECT datname FROM pg_database')))}", empty)
    numbers = count(1)

    def make() -> Path:
        folder = tmp_path_factory.mktemp(f"host{next(numbers)}-") / "instance"
        postgres.use(folder, address)
        return folder

    return make


@pytest.fixture(scope="session")
def cluster_redis(start_redis: Callable[..., RedisProcess]) -> RedisProcess:
    """A Redis that other hosts may use."""
    return start_redis("--bind", "0.0.0.0", "--protected-mode", "no")


@pytest.fixture(scope="session")
def machines() -> Iterator[list[network.Host] | list[network.SameMachine]]:
    """Two hosts, or substitutes on this machine."""
    kind = network.Host if network.can_create_hosts() else network.SameMachine
    made = [kind() for _ in range(2)]
    yield made
    for each in made:
        each.remove()


@pytest.fixture(scope="module")
def cluster(machines, hosts, serve, durable, cluster_redis) -> Iterator[list[Any]]:
    """Two services on two hosts that share a PostgreSQL, a Redis and a secret key."""
    services = []
    for machine in machines:
        folder = hosts()
        place = f"@{machine.servers}:"
        services.append(
            serve(
                folder,
                workers=2,
                inside=machine.inside,
                address=machine.address,
                DATABASE_URL=postgres.database_of(folder).replace("@127.0.0.1:", place),
                REDIS_URL=f"redis://{machine.servers}:{cluster_redis.port}",
                SECRET_KEY="k" * 32,
                RATELIMIT_ENABLED="true",
                TRUSTED_PROXIES="1",
            )
        )
    yield services
    assert [service.stop() for service in services] == [0, 0]
