"""Fixtures for the commands: running them in this process, and looking at what they left."""

import logging
import re

import flask.cli
import pytest
from click.testing import CliRunner

from movierating import create_app
from movierating.cli.main import main
from movierating.storage import database
from movierating.storage.database import read

PROGRAMS = {"movierating": (main, []), "flask": (flask.cli.cli, ["--app", "movierating"])}


@pytest.fixture(autouse=True)
def _undisturbed():
    """The runner's streams close behind it, and our log must not go on writing to them."""
    root = logging.getLogger()
    handlers = root.handlers
    yield
    root.handlers = handlers


@pytest.fixture(params=PROGRAMS)
def command(request, instance, environ):
    """`command("user", "list")` runs that on a database without movies, as a person would start it either way."""
    group, first = PROGRAMS[request.param]

    def start(*arguments, stdin=None):
        return CliRunner(env=environ(instance)).invoke(
            group, [*first, *arguments], stdin, catch_exceptions=False
        )

    return start


@pytest.fixture
def ours(instance, environ):
    """`ours("user", "list")` runs `movierating user list` only."""

    def start(*arguments, stdin=None):
        return CliRunner(env=environ(instance)).invoke(main, arguments, stdin, catch_exceptions=False)

    return start


@pytest.fixture
def looked_up(instance, environ):
    """`looked_up(statement)` is the one value that it selects."""
    app = create_app(environ(instance))
    with app.app_context():
        yield lambda statement: read().scalar(statement)
        database.close()


@pytest.fixture
def ada(ours):
    """An account."""
    asked = ("user", "create", "ada", "ada@example.org", "--password-stdin")
    assert ours(*asked, stdin="correct horse battery\n").exit_code == 0


@pytest.fixture
def refused():
    """`refused(done, line)`: the command ended with this one line, a pattern, and an error code."""

    def check(done, line):
        assert done.exit_code == 1, done.output
        assert re.fullmatch(f"Error: {line}\n", done.stderr), done.stderr
        assert done.stdout == ""

    return check
