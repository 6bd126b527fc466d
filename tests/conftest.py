"""Settings of the test run, and which tests it runs; the fixtures of every test are in `tests/fixtures/`."""

import shutil
import sqlite3

import pytest
from hypothesis import settings

import postgres
from redis_process import RedisProcess

pytest_plugins = [
    "fixtures.instances",  # before what imports it, so that its assertions are reported in detail
    "fixtures.applications",
    "fixtures.machine",
    "fixtures.movies",
    "fixtures.processes",
    "fixtures.users",
]

# Assertions in these modules are reported in detail, as in tests.
pytest.register_assert_rewrite("stateful", "both_databases", "ratings.merges")

settings.register_profile("movierating", deadline=None, print_blob=True)
settings.load_profile("movierating")


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
