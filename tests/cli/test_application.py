"""The application around a command."""

import sqlite3
import time
from contextlib import closing

import pytest
from click.testing import CliRunner

from movierating.cli.main import main
from movierating.storage.sqlite import engine as sqlite_engine
from movierating.storage.sqlite import write_queue


@pytest.fixture
def locked(instance):
    """Another program holds SQLite's write lock."""
    with closing(sqlite3.connect(instance / "movierating.sqlite3", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@pytest.mark.sqlite
def test_locked_database_is_reported_and_ends_a_command_that_writes(invoke, ada, locked, monkeypatch, caplog):
    monkeypatch.setattr(sqlite_engine, "LOCK_WARNING_SECONDS", 0)
    # A command that is delayed for longer before its write gives up without the warning.
    monkeypatch.setattr(write_queue, "WRITE_TIMEOUT_SECONDS", 1)
    done = invoke("user", "promote", "ada")
    assert done.exit_code == 1
    assert done.stderr.endswith(
        "Error: The database is locked by another program; try again when that has finished.\n"
    )
    assert "The database is locked by another program; waiting until it is released." in caplog.messages


@pytest.mark.parametrize("arguments", [["check"], ["backup", "films.dump"], ["user", "list"]])
def test_server_that_does_not_respond_is_reported_in_one_line(environ, tmp_path, arguments):
    """PostgreSQL's message has two lines."""
    url = "postgresql+psycopg://ada@localhost:1/films"
    runner = CliRunner(env=environ(tmp_path / "instance", DATABASE_URL=url, SECRET_KEY="k" * 32))
    done = runner.invoke(main, arguments)
    assert done.exit_code == 1
    [line] = done.output.splitlines()
    assert "Connection refused" in line


@pytest.mark.sqlite
def test_command_that_only_reads_does_not_wait_for_the_lock(invoke, ada, locked):
    started_at = time.monotonic()
    assert invoke("user", "list").exit_code == 0
    assert time.monotonic() - started_at < write_queue.WRITE_TIMEOUT_SECONDS
