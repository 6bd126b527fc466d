"""Fixtures for the commands: running them in this process, and looking at what they left."""

import logging
import re
from functools import partial

import flask.cli
import pytest
from click.testing import CliRunner

from movierating import create_app
from movierating.cli.main import main
from movierating.storage import database
from movierating.storage.database import read


@pytest.fixture(autouse=True)
def _log_handlers():
    """Remove log handlers on the streams of the runner, which are closed after a command."""
    root = logging.getLogger()
    handlers = root.handlers
    yield
    root.handlers = handlers


@pytest.fixture
def invoke_in(environ):
    """`invoke_in(folder, "user", "list")` runs `movierating user list` on an instance folder, in this process."""

    def start(folder, *arguments, group=main, stdin=None):
        runner = CliRunner(env=environ(folder))
        return runner.invoke(group, arguments, stdin, catch_exceptions=False)

    return start


@pytest.fixture(params=["movierating", "flask"])
def command_in(request, invoke_in):
    """`command_in(folder, "user", "list")` does so through `movierating` and through `flask`."""
    if request.param == "movierating":
        return invoke_in
    return lambda folder, *arguments, **options: invoke_in(
        folder, "--app", "movierating", *arguments, group=flask.cli.cli, **options
    )


@pytest.fixture
def command(command_in, instance):
    """`command("user", "list")` runs on an instance without movies, through `movierating` and through `flask`."""
    return partial(command_in, instance)


@pytest.fixture
def invoke(invoke_in, instance):
    """`invoke("user", "list")` runs on an instance without movies, through `movierating` only."""
    return partial(invoke_in, instance)


@pytest.fixture
def select_value(instance, environ):
    """`select_value(statement)` returns the one value that a statement selects."""
    app = create_app(environ(instance))
    with app.app_context():
        yield lambda statement: read().scalar(statement)
        database.close()


@pytest.fixture
def ada(invoke):
    """An account."""
    create = ("user", "create", "ada", "ada@example.org", "--password-stdin")
    assert invoke(*create, stdin="correct horse battery\n").exit_code == 0


@pytest.fixture
def backup(invoke, ada, tmp_path):
    """A backup of an instance with one account."""
    file = tmp_path / "backups" / "backup.sqlite3"
    file.parent.mkdir()
    assert invoke("backup", str(file)).exit_code == 0
    return file


@pytest.fixture
def assert_error():
    """`assert_error(done, line)` asserts that a command failed with one line, which matches a pattern."""

    def check(done, line):
        assert done.exit_code == 1, done.output
        assert re.fullmatch(f"Error: {line}\n", done.stderr), done.stderr
        assert done.stdout == ""

    return check
