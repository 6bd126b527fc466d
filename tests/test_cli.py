"""The command `movierating`, and the same commands through `flask`."""

import json
import logging
import re
import subprocess
import sys
from importlib.metadata import version

import flask.cli
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, text

from movierating import create_app, database
from movierating.auth import passwords
from movierating.auth.models import User
from movierating.cli import main
from movierating.database import read, write
from movierating.movies.seed import COLUMNS

PASSWORD = "correct horse battery"
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
    assert (
        ours("user", "create", "ada", "ada@example.org", "--password-stdin", stdin=f"{PASSWORD}\n").exit_code
        == 0
    )


def refused(done, line):
    """The command ended with this one line and an error code."""
    assert done.exit_code == 1, done.output
    assert re.fullmatch(f"Error: {line}\n", done.stderr), done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("flags", "role"), [([], "member"), (["--admin"], "admin")])
def test_an_account_is_made_with_a_password_from_standard_input(command, flags, role):
    done = command(
        "user", "create", "ada", "ada@example.org", "--password-stdin", *flags, stdin=f"{PASSWORD}\n"
    )
    assert (done.exit_code, done.output) == (0, f"{role} ada has id 1\n")


def test_a_password_is_asked_for_twice(command, looked_up):
    done = command(
        "user", "create", "ada", "ada@example.org", stdin=f"{PASSWORD}\nother\n{PASSWORD}\n{PASSWORD}\n"
    )
    assert done.exit_code == 0
    assert "do not match" in done.output
    assert PASSWORD not in done.output
    assert looked_up(select(func.count()).select_from(User)) == 1


def test_no_password_makes_no_account(ours, looked_up):
    done = ours("user", "create", "ada", "ada@example.org", stdin="")
    assert done.exit_code == 1
    assert looked_up(select(func.count()).select_from(User)) == 0


@pytest.mark.parametrize(
    ("name", "email", "password", "line"),
    [
        ("ADA", "other@example.org", PASSWORD, "This username is taken."),
        ("other", "Ada@Example.org", PASSWORD, "This e-mail is taken."),
        ("1st", "other@example.org", PASSWORD, "username: .+"),
        ("ml-1", "other@example.org", PASSWORD, "username: .+"),
        ("other", "nowhere", PASSWORD, "email: .+"),
        ("other", "other@example.org", "short", "password: .+"),
        ("other", "other@example.org", "password123", "password: .+"),
        ("other", "other@example.org", "", "password: .+"),
    ],
)
@pytest.mark.usefixtures("ada")
def test_an_account_that_cannot_be_is_refused_in_one_line(ours, name, email, password, line):
    refused(ours("user", "create", name, email, "--password-stdin", stdin=f"{password}\n"), line)


def test_a_password_that_is_no_text_is_refused(ours):
    password = b"\xff\xfe correct horse\n"
    done = ours("user", "create", "ada", "ada@example.org", "--password-stdin", stdin=password)
    refused(done, "password: is not UTF-8")


def test_a_password_may_be_in_any_script(ours, looked_up):
    done = ours("user", "create", "ada", "ada@example.org", "--password-stdin", stdin="правильная лошадь\r\n")
    assert done.exit_code == 0
    assert passwords.verify_password(looked_up(select(User.password_hash)), "правильная лошадь")


@pytest.mark.usefixtures("ada")
def test_accounts_are_listed(command):
    assert command("user", "list").output == "1\tada\tada@example.org\tmember\tactive\n"


def test_every_account_is_listed(ours, looked_up):
    row = {"display_name": "x", "created_at": 0, "updated_at": 0}
    rows = [{**row, "username": f"u{number}", "username_key": f"u{number}"} for number in range(1500)]
    write(lambda connection: connection.execute(User.__table__.insert(), rows))
    listed = ours("user", "list").output.splitlines()
    assert len(listed) == 1500
    assert listed[-1] == "1500\tu1499\t-\tmember\tactive"


@pytest.mark.usefixtures("ada")
def test_an_account_is_promoted_by_its_name_in_any_case(command, looked_up):
    assert command("user", "promote", "Ada").exit_code == 0
    assert looked_up(select(User.role)) == "admin"


@pytest.mark.usefixtures("ada")
def test_an_account_is_deactivated(command, looked_up):
    assert command("user", "deactivate", "ada").exit_code == 0
    assert looked_up(select(User.active)) is False


@pytest.mark.usefixtures("ada")
def test_the_last_admin_is_not_deactivated(ours):
    ours("user", "promote", "ada")
    refused(ours("user", "deactivate", "ada"), "No active admin would be left.")


@pytest.mark.usefixtures("ada")
def test_a_password_is_reset(command, looked_up):
    before = looked_up(select(User.password_hash))
    done = command("user", "reset-password", "ada", "--password-stdin", stdin="another horse battery\n")
    assert (done.exit_code, done.output) == (0, "ada has a new password\n")
    assert looked_up(select(User.password_hash)) != before


@pytest.mark.usefixtures("ada")
def test_a_weak_new_password_is_refused(ours):
    refused(ours("user", "reset-password", "ada", "--password-stdin", stdin="short\n"), "password: .+")


@pytest.mark.parametrize("arguments", [["promote"], ["deactivate"], ["reset-password", "--password-stdin"]])
def test_an_account_that_is_not_there_is_said(command, arguments):
    refused(command("user", *arguments, "nobody", stdin=f"{PASSWORD}\n"), "There is no such user.")


def csv_of(tmp_path, *titles):
    file = tmp_path / "movies.csv"
    lines = [",".join(COLUMNS), *(f"{title},,2001,,Drama,,,,,," for title in titles)]
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def test_movies_of_a_file_are_added_once(command, tmp_path):
    file = csv_of(tmp_path, "One", "Two", "\x01")
    first, second = command("seed", "--file", file), command("seed", "--file", file)
    assert (first.exit_code, first.stdout) == (0, "2 movies added, 0 there already, 1 refused\n")
    assert first.stderr.startswith("line 4: title: ")
    assert (second.exit_code, second.stdout) == (0, "0 movies added, 2 there already, 1 refused\n")


def test_the_bundled_movies_come_back_when_asked_for(ours, looked_up):
    added = int(re.match(r"(\d+) movies added, 0 there already, 0 refused", ours("seed").output)[1])
    assert added == looked_up(text("SELECT count(*) FROM movie")) > 5000


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\n", b""], ids=["columns", "not text", "empty"])
def test_a_file_that_is_not_movies_is_refused(ours, tmp_path, content):
    (tmp_path / "x.csv").write_bytes(content)
    refused(ours("seed", "--file", str(tmp_path / "x.csv")), r"x\.csv: .+")


def test_check_is_content_with_a_sound_instance(command):
    done = command("check")
    assert (done.exit_code, done.output) == (0, "all is well\n")


def test_check_tells_repairs_and_is_content_again(command, ada, looked_up):
    write(lambda connection: connection.execute(text('UPDATE "user" SET rating_count = 3')))
    found = command("check")
    assert (found.exit_code, found.output) == (1, "aggregates: user 1 does not equal its ratings\n")
    mended = command("check", "--repair")
    assert (mended.exit_code, mended.output) == (
        0,
        "aggregates: user 1 does not equal its ratings, repaired\n",
    )
    assert command("check").output == "all is well\n"


def test_a_repair_that_leaves_damage_fails(ours, looked_up):
    connection = read()
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.exec_driver_sql("INSERT INTO rating VALUES (7, 9, 5, 0, 0, 0)")
    done = ours("check", "--repair")
    assert done.exit_code == 1
    assert "database: a row of rating has no user\n" in done.output


def test_check_on_nothing_says_what_is_missing(tmp_path, environ):
    done = CliRunner(env=environ(tmp_path / "new")).invoke(main, ["check"])
    assert done.exit_code == 1
    assert done.output.startswith("migrations: the database is at none, ")


def test_check_names_a_setting_that_cannot_work(instance, environ):
    done = CliRunner(env=environ(instance, LOG_LEVEL="LOUD")).invoke(main, ["check"])
    refused(done, "MOVIERATING_LOG_LEVEL: must be one of .+")


def test_the_document_is_printed(command):
    done = command("openapi")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["openapi"].startswith("3.1")


@pytest.mark.parametrize("program", [("movierating",), ("flask", "--app", "movierating")])
def test_migrations_have_their_commands(run, instance, program):
    done = run("db", "current", program=program)
    assert done.returncode == 0
    assert done.stdout.endswith("(head)\n")


def test_a_database_that_is_busy_is_said_in_one_line(ours, ada, looked_up, monkeypatch):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    with database.db.engine.connect().execution_options(writes=True) as holder, holder.begin():
        monkeypatch.setattr("movierating.startup.seed_once", lambda: None)
        refused(ours("user", "promote", "ada"), "the database refused: database is locked")


def test_help_and_version_load_no_application():
    ask = "from movierating.cli import main; [main([flag], standalone_mode=False) for flag in ('--help', '--version')]"
    heavy = "import sys; print(sorted({'flask', 'sqlalchemy', 'alembic', 'granian'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", f"{ask}; {heavy}"], capture_output=True, text=True, timeout=60
    )
    assert "serve" in done.stdout
    assert f"version {version('movierating')}" in done.stdout
    assert done.stdout.endswith("[]\n"), done.stderr


@pytest.mark.parametrize("name", ["user", "db"])
def test_groups_tell_their_commands(ours, name):
    done = ours(name, "--help")
    assert done.exit_code == 0
    assert "Commands:" in done.output


def test_python_m_is_the_same_command(run):
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"python -m movierating, version {version('movierating')}\n")
