"""Fixtures for every test: an application on a new database, signed-in users, movies, a running service."""

import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partialmethod
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from hypothesis import settings
from sqlalchemy import Connection, NullPool, create_engine, insert
from werkzeug.test import TestResponse

import postgres
from movierating import clock, create_app
from movierating.auth import passwords
from movierating.auth.access import issue_tokens
from movierating.auth.models import User as Account
from movierating.auth.service import REFRESH_TOKEN_SECONDS, _open_session, normalize_name
from movierating.movies import index_repair, search_index, seed
from movierating.movies import service as movies
from movierating.movies.models import DataMigration, MovieTitle
from movierating.movies.titles import match_key
from movierating.storage import database
from redis_process import RedisProcess
from service_process import Service, find_free_port

PASSWORD = "correct horse battery"

# Assertions in these modules are reported in detail, as in tests.
pytest.register_assert_rewrite("stateful", "both_databases")

settings.register_profile("movierating", deadline=None, print_blob=True)
settings.load_profile("movierating")


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """`program("chromium")` returns its path. If it is not installed, the test is skipped; in CI it fails."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{name} is not installed")
        return str(path)

    return find


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real input files: TEST_DATA, or `shared/data` beside the checkout. Skips if there is none."""
    folder = Path(os.environ.get("TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real input files not found; set TEST_DATA to their folder")
    return folder


def pytest_configure(config: pytest.Config) -> None:
    """Register markers."""
    config.addinivalue_line("markers", "postgresql: requires PostgreSQL; not run on SQLite")
    config.addinivalue_line("markers", "sqlite: requires SQLite; not run on PostgreSQL")
    config.addinivalue_line("markers", "any_database: is not about the database; run on SQLite only")
    config.addinivalue_line(
        "markers", "slow: starts a process, takes seconds, or is a further case; not run by `make test-fast`"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the versions of the database and Redis."""
    database = postgres.read_version() if postgres.WANTED else f"SQLite {sqlite3.sqlite_version}"
    executable = shutil.which("redis-server")
    redis = RedisProcess.read_version(executable) if executable else "not installed"
    terminalreporter.write_line(f"database: {database}, Redis: {redis}")


# Fixtures that start another process, or read files that not every machine has.
SLOW_FIXTURES = {"serve", "environ", "run", "start_redis", "program", "data_folder"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what `make test-fast` skips, and deselect the tests that are for the other database."""
    names: set[str] = set()
    for item in items:
        name = item.nodeid.partition("[")[0]
        if is_slow(item) or name in names:
            item.add_marker("slow")
        names.add(name)
    config.hook.pytest_deselected(items=[item for item in items if not runs_on_this_database(item)])
    items[:] = filter(runs_on_this_database, items)


def runs_on_this_database(item: pytest.Item) -> bool:
    """Return True if a test is for the database of this run: those without a database run on SQLite only."""
    marks = {mark.name for mark in item.iter_markers()}
    if not postgres.WANTED or "postgresql" in marks:
        return postgres.WANTED or "postgresql" not in marks
    return marks.isdisjoint({"sqlite", "any_database"}) and uses_database(item)


# Fixtures of a database, on which those of applications and services depend, and names in modules that make their own.
DATABASE_FIXTURES = {"empty_instance", "well_known_instance", "environ"}
DATABASE_NAMES = {"create_app", "postgres", "both_databases", "subprocess"}


def uses_database(item: pytest.Item) -> bool:
    """Return True if a test has a fixture of a database, or its module may make one."""
    names = set(getattr(item, "fixturenames", ()))
    return bool(names & DATABASE_FIXTURES) or bool(vars(item.module).keys() & DATABASE_NAMES)  # type: ignore[attr-defined]


def is_slow(item: pytest.Item) -> bool:
    """Return True if a test uses a slow fixture or is property-based; others that take seconds are marked `slow`.

    `make test-fast` also runs only the first case of a parametrized test.
    """
    is_property_based = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    return is_property_based or bool(SLOW_FIXTURES & set(getattr(item, "fixturenames", ())))


def pytest_unconfigure() -> None:
    """Stop the PostgreSQL server."""
    postgres.end()


@pytest.fixture(autouse=postgres.WANTED)
def _drop_databases(tmp_path: Path) -> Iterator[None]:
    """Drop the databases of a test, as pytest removes its folder."""
    yield
    postgres.forget(tmp_path)


@pytest.fixture(scope="session")
def copied() -> Callable[[Path, Path], Path]:
    """`copied(original, folder)` copies an instance folder and its database, and returns the copy."""
    return copy_instance


def copy_instance(original: Path, folder: Path) -> Path:
    """Copy an instance folder and its database."""
    # The journal of the metrics may go away meanwhile.
    shutil.copytree(original, folder, ignore=shutil.ignore_patterns("metrics.*-journal"))
    if postgres.WANTED:
        postgres.database_of(folder, like=original)
    return folder


@pytest.fixture(scope="session")
def empty_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder with a migrated database without movies, as a template."""
    folder = tmp_path_factory.mktemp("empty") / "instance"
    seeded = [{"name": name, "reached_at": clock.now()} for name in seed.list_milestones()]
    with create_app(environment(folder), prepared=False).app_context():
        upgrade()
        database.write(lambda connection: connection.execute(insert(DataMigration), seeded))
        # Otherwise each application on a copy would do so when it starts.
        index_repair.reindex()
        database.close()
    return folder


@pytest.fixture(scope="session")
def well_known_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder with the well-known movies, as a template; a service on it does not load the others."""
    folder = tmp_path_factory.mktemp("well-known") / "instance"
    _, loaded = seed.list_milestones()
    row = insert(DataMigration).values(name=loaded, reached_at=clock.now())
    with create_app(environment(folder)).app_context():
        database.write(lambda connection: connection.execute(row))
        database.close()
    return folder


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """Return the settings of a test's application as environment variables."""
    return {
        "MOVIERATING_INSTANCE_PATH": str(folder),
        "MOVIERATING_RATELIMIT_ENABLED": "false",
        "MOVIERATING_LOG_LEVEL": "WARNING",
        **({"MOVIERATING_DATABASE_URL": postgres.database_of(folder)} if postgres.WANTED else {}),
        **{f"MOVIERATING_{name}": value for name, value in extra.items()},
    }


@pytest.fixture(scope="session")
def environ() -> Callable[..., dict[str, str]]:
    """`environ(folder, SIGNUP="closed")` returns the environment of a process on an instance folder."""

    def make(folder: Path, **extra: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MOVIERATING_")}
        return inherited | environment(folder, **extra)

    return make


@pytest.fixture
def instance(empty_instance: Path, tmp_path: Path) -> Path:
    """A new instance folder whose database has no movies."""
    return copy_instance(empty_instance, tmp_path / "instance")


@pytest.fixture(scope="session")
def outside() -> Callable[[Path], AbstractContextManager[Connection]]:
    """`with outside(folder) as connection:` opens a transaction of another program on an instance's database."""

    @contextmanager
    def begin(folder: Path) -> Iterator[Connection]:
        url = f"sqlite:///{folder / 'movierating.sqlite3'}"
        if postgres.WANTED:
            url = postgres.database_of(folder).replace("postgresql:", "postgresql+psycopg:")
        # The engine has none of the application's connection settings.
        with create_engine(url, poolclass=NullPool).begin() as connection:
            yield connection

    return begin


@pytest.fixture
def run(
    environ: Callable[..., dict[str, str]], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run("user", "list")` runs `movierating user list` on `instance`; `program=FLASK` runs it through flask."""

    def run_command(
        *arguments: str, program: tuple[str, ...] = ("movierating",), stdin: str = "", **extra: str
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *program, *arguments]
        env = environ(tmp_path / "instance", **extra)
        return subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, timeout=60)

    return run_command


@pytest.fixture
def make_app(empty_instance: Path, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """`make_app(SIGNUP="closed")` creates an application on a new database with these settings."""
    made = []

    def make(**extra: str) -> Flask:
        folder = tmp_path / "instance"
        if not folder.exists():
            copy_instance(empty_instance, folder)
        app = create_app(environment(folder, **extra))
        app.testing = False
        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            database.close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """The application on a new database without movies, in its context."""
    app = make_app()
    with app.app_context():
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without credentials."""
    return app.test_client()


@dataclass
class User:
    """A user with an account and a session; `get`, `put` and so on send the session's token."""

    id: int
    username: str
    client: FlaskClient
    tokens: dict[str, Any] = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def _send(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        headers = {**self.headers, **kwargs.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **kwargs)

    get = partialmethod(_send, "GET")
    put = partialmethod(_send, "PUT")
    post = partialmethod(_send, "POST")
    patch = partialmethod(_send, "PATCH")
    delete = partialmethod(_send, "DELETE")


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of PASSWORD. To hash it for each user would take longer than most tests."""
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def sign_up(client: FlaskClient, password_hash: str) -> Callable[..., User]:
    """`sign_up("ada", role="admin")` returns a User with a session and PASSWORD; by default with a new name."""
    names = (f"person{number}" for number in itertools.count(1))

    def make(username: str | None = None, role: str = "member") -> User:
        username = username or next(names)
        keys = {
            "username_key": normalize_name(username),
            "email_key": f"{normalize_name(username)}@example.org",
        }
        columns = {"username": username, "email": f"{username}@example.org", "display_name": username, **keys}
        times = dict.fromkeys(("created_at", "updated_at"), clock.now())
        account = insert(Account).values(**columns, **times, role=role, password_hash=password_hash)
        user_id = database.write(lambda connection: connection.scalar(account.returning(Account.id)))
        grant = database.write(
            lambda connection: _open_session(connection, user_id, password_hash, None, REFRESH_TOKEN_SECONDS)
        )
        return User(user_id, username, client, issue_tokens(grant))

    return make


@pytest.fixture
def member(sign_up: Callable[..., User]) -> User:
    """A signed-in member."""
    return sign_up("member")


@pytest.fixture
def admin(sign_up: Callable[..., User]) -> User:
    """A signed-in admin."""
    return sign_up("boss", role="admin")


@pytest.fixture
def add_movie(app: Flask) -> Callable[..., int]:
    """`add_movie(title="Emma", year=1996)` adds a movie and returns its id; title and year have defaults."""
    numbers = itertools.count(1)

    def add(**facts: Any) -> int:
        facts = {"title": f"Movie {next(numbers)}", "year": 2000, **facts}
        return int(movies.create_movie(facts).id)

    return add


@pytest.fixture
def add_titles(app: Flask) -> Callable[..., None]:
    """`add_titles(movie_id, "Sieben", source="import")` adds alternative titles; the source has a default."""

    def add(movie_id: int, *titles: str, source: str = "catalogue") -> None:
        rows = [{"movie_id": movie_id, "title": title, "match_key": match_key(title)} for title in titles]

        def job(connection: Connection) -> None:
            connection.execute(insert(MovieTitle).values(source=source), rows)
            search_index.update_text(connection, [movie_id])

        database.write(job)

    return add


@pytest.fixture
def problem() -> Callable[..., dict[str, Any]]:
    """`problem(response, 422, "value")` asserts the format of an error, and the fields that a 422 names."""

    def check(response: TestResponse, status: int, *fields: str) -> dict[str, Any]:
        assert response.status_code == status, response.text
        assert response.content_type == "application/problem+json"
        body = response.json
        assert body["status"] == status
        assert all(body[name] for name in ("title", "type", "detail"))
        assert body["request_id"] == response.headers["X-Request-ID"]
        assert {error["field"] for error in body.get("errors", [])} == set(fields)
        assert ("errors" in body) == (status == 422)
        return body

    return check


@pytest.fixture
def at_once(app: Flask) -> Callable[..., list[TestResponse]]:
    """`at_once(*calls)` runs each `call(client)` in a thread of its own, all at the same time."""

    def run(*calls: Callable[[FlaskClient], TestResponse]) -> list[TestResponse]:
        barrier = Barrier(len(calls))

        def start(call: Callable[[FlaskClient], TestResponse]) -> TestResponse:
            barrier.wait()
            return call(app.test_client())

        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(start, calls))

    return run


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """`free_port()` returns a free port of the loopback interface."""
    return find_free_port


@pytest.fixture(scope="session")
def serve(environ: Callable[..., dict[str, str]]) -> Iterator[Callable[..., Service]]:
    """`serve(folder, workers=2, SIGNUP="closed")` starts the service on an instance folder and waits for it.

    `options` are further options of the command. `inside` is a command prefix that runs it elsewhere, at `address`.
    """
    started: list[Service] = []

    def start(
        folder: Path,
        workers: int = 1,
        options: tuple[str, ...] = (),
        inside: tuple[str, ...] = (),
        address: str = "127.0.0.1",
        **extra: str,
    ) -> Service:
        port = find_free_port()
        listen = ["--host", address, "--port", str(port), "--workers", str(workers)]
        command = [*inside, sys.executable, "-m", "movierating", "serve", *listen, *options]
        with (folder.parent / "service.log").open("a") as log:
            env = environ(folder, **extra)
            process = subprocess.Popen(command, env=env, stderr=log, text=True, start_new_session=True)
        service = Service(f"http://{address}:{port}", folder, process)
        started.append(service)
        service.wait_until_ready()
        return service

    yield start
    for service in started:
        if service.process.poll() is None:
            os.killpg(service.process.pid, signal.SIGKILL)
            service.process.wait()


@pytest.fixture(scope="session")
def start_redis(
    program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RedisProcess]]:
    """`start_redis("--requirepass", "secret")` starts a Redis server with these options and waits for it."""
    executable = program("redis-server")
    started: list[RedisProcess] = []

    def start(*options: str) -> RedisProcess:
        started.append(RedisProcess(executable, find_free_port(), tmp_path_factory.mktemp("redis"), options))
        started[-1].start()
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture(scope="session")
def redis(start_redis: Callable[..., RedisProcess]) -> RedisProcess:
    """A shared Redis server. A test that stops it starts it again, as `with redis.gone():` does."""
    return start_redis()


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """`eventually(condition)` waits until the condition is true, and fails after 30 seconds, or `seconds`."""

    def wait(condition: Callable[[], object], seconds: int = 30) -> None:
        for _ in range(10 * seconds):
            if condition():
                return
            time.sleep(0.1)
        pytest.fail(f"the condition is still false after {seconds} seconds")

    return wait
