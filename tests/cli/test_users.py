"""The commands that create and administer accounts."""

import re
import subprocess
import sys

import click
import pytest
from sqlalchemy import func, select

from movierating.auth import passwords
from movierating.auth.models import User
from movierating.cli.main import main
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings.models import Rating
from movierating.ratings.service import rate_movie
from movierating.storage.database import write
from movierating.users.service import find_user_id

HEADER = "id\tusername\temail\trole\tstate"
PASSWORD = "correct horse battery"


@pytest.fixture
def boss(invoke):
    """An admin."""
    create = ("user", "create", "boss", "boss@example.org", "--admin", "--password-stdin")
    assert invoke(*create, stdin=f"{PASSWORD}\n").exit_code == 0


@pytest.mark.parametrize(("flags", "role"), [([], "member"), (["--admin"], "admin")])
def test_create_reads_the_password_from_standard_input(command, flags, role):
    done = command(
        "user", "create", "ada", "ada@example.org", "--password-stdin", *flags, stdin=f"{PASSWORD}\n"
    )
    assert (done.exit_code, done.output) == (0, f"{role} ada has id 1\n")


def test_create_prompts_for_the_password_twice(command, select_value):
    done = command(
        "user", "create", "ada", "ada@example.org", stdin=f"{PASSWORD}\nother\n{PASSWORD}\n{PASSWORD}\n"
    )
    assert done.exit_code == 0
    assert "do not match" in done.output
    assert PASSWORD not in done.output
    assert select_value(select(func.count()).select_from(User)) == 1


def test_create_without_a_password_fails(invoke, select_value):
    done = invoke("user", "create", "ada", "ada@example.org", stdin="")
    assert done.exit_code == 2
    assert done.stderr.endswith("No password was typed; --password-stdin reads it from standard input.\n")
    assert select_value(select(func.count()).select_from(User)) == 0


def test_create_without_a_terminal_logs_no_warning_of_python(instance, environ):
    command = [sys.executable, "-m", "movierating", "user", "create", "ada", "ada@example.org"]
    typed = f"{PASSWORD}\n" * 2
    # A new session has no terminal, so `getpass` reads standard input.
    done = subprocess.run(
        command, env=environ(instance), input=typed, capture_output=True, text=True, start_new_session=True
    )
    assert (done.returncode, done.stdout.endswith("member ada has id 1\n")) == (0, True)
    assert "Password input may be echoed" in done.stderr
    assert "GetPassWarning" not in done.stderr


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
def test_create_rejects_an_invalid_account_in_one_line(invoke, name, email, password, line, assert_error):
    assert_error(invoke("user", "create", name, email, "--password-stdin", stdin=f"{password}\n"), line)


@pytest.mark.parametrize("password", ["", "short", "x" * 9])
def test_create_says_in_sentences_what_is_invalid(invoke, password, assert_error):
    done = invoke("user", "create", "ml-", "nowhere", "--password-stdin", stdin=f"{password}\n")
    username = (
        r'username: Must be 3 to 30 of a-z, 0-9, "_", "\." and "-", start with a letter, and not with "ml-"\.'
    )
    email = r"email: Not a valid email address\."
    assert_error(done, rf"{username} {email} password: The password needs at least 10 characters\.")


def test_password_must_be_utf_8(invoke, assert_error):
    password = b"\xff\xfe correct horse\n"
    done = invoke("user", "create", "ada", "ada@example.org", "--password-stdin", stdin=password)
    assert_error(done, "password: the input is not UTF-8")


def test_password_can_be_in_any_script(invoke, select_value):
    done = invoke(
        "user", "create", "ada", "ada@example.org", "--password-stdin", stdin="правильная лошадь\r\n"
    )
    assert done.exit_code == 0
    assert passwords.verify_password(select_value(select(User.password_hash)), "правильная лошадь")


@pytest.mark.usefixtures("ada")
def test_list_shows_accounts(command):
    assert command("user", "list").output == f"{HEADER}\n1\tada\tada@example.org\tmember\tactive\n"


def test_list_without_accounts_says_so(command):
    assert command("user", "list").output == "There are no accounts.\n"


def test_list_shows_every_account(invoke, select_value):
    row = {"display_name": "x", "created_at": 0, "updated_at": 0}
    rows = [{**row, "username": f"u{number}", "username_key": f"u{number}"} for number in range(1500)]
    write(lambda connection: connection.execute(User.__table__.insert(), rows))
    listed = invoke("user", "list").output.splitlines()
    assert (listed.count(HEADER), len(listed)) == (1, 1501)
    assert listed[-1] == "1500\tu1499\t-\tmember\tactive"


@pytest.mark.usefixtures("ada")
def test_promote_ignores_the_case_of_the_name(command, select_value):
    assert command("user", "promote", "Ada").exit_code == 0
    assert select_value(select(User.role)) == "admin"


@pytest.mark.usefixtures("ada")
def test_deactivate_makes_an_account_inactive(command, select_value):
    assert command("user", "deactivate", "ada").exit_code == 0
    assert select_value(select(User.active)) is False


@pytest.mark.usefixtures("ada")
def test_activate_makes_a_deactivated_account_active(command, invoke, select_value):
    invoke("user", "deactivate", "ada")
    for name in ("ada", "ADA"):
        done = command("user", "activate", name)
        assert (done.exit_code, done.output) == (0, f"{name} is active\n")
        assert select_value(select(User.active)) is True


@pytest.mark.usefixtures("ada", "boss")
def test_demote_makes_an_admin_a_member(command, invoke, select_value):
    invoke("user", "promote", "ada")
    for name in ("ada", "ADA"):
        done = command("user", "demote", name)
        assert (done.exit_code, done.output) == (0, f"{name} is a member\n")
        assert select_value(select(User.role).where(User.username == "ada")) == "member"


@pytest.mark.usefixtures("boss")
@pytest.mark.parametrize("arguments", [["deactivate"], ["demote"], ["delete", "--yes"]])
def test_last_admin_can_not_be_deactivated_demoted_or_deleted(invoke, arguments, assert_error, select_value):
    assert_error(
        invoke("user", *arguments, "boss"),
        "No active admin would remain; make another account an admin first.",
    )
    assert select_value(select(User.role).where(User.active)) == "admin"


@pytest.fixture
def ratings(ada, boss, select_value):
    """Ratings of one movie: 5 by ada, 9 by boss."""
    movie_id = movies.create_movie({"title": "Alien", "year": 1979}).id
    for name, half_points in (("ada", 10), ("boss", 18)):
        rate_movie(find_user_id(name), movie_id, half_points, None)


@pytest.mark.usefixtures("ratings")
@pytest.mark.parametrize(("flags", "stdin"), [(["--yes"], None), ([], "y\n")])
def test_delete_removes_the_account_and_its_ratings_from_the_aggregates(
    command, invoke, flags, stdin, select_value
):
    done = command("user", "delete", *flags, "Ada", stdin=stdin)
    assert (done.exit_code, done.stdout) == (0, "Ada is deleted\n")
    assert ("Delete Ada and 1 rating?" in done.stderr) is (stdin is not None)
    assert select_value(select(func.count()).select_from(User)) == 1
    assert select_value(select(func.sum(Rating.value))) == 18
    assert select_value(select(Movie.rating_sum)) == 18
    assert invoke("check").output.endswith("No problems found.\n")


@pytest.mark.usefixtures("ratings")
@pytest.mark.parametrize(
    ("stdin", "exit_code", "message"),
    [
        ("n\n", 1, "Aborted!"),
        ("\n", 1, "Aborted!"),
        ("", 2, "There is no answer on standard input; --yes skips the question."),
    ],
)
def test_delete_without_confirmation_deletes_nothing(command, stdin, exit_code, message, select_value):
    done = command("user", "delete", "ada", stdin=stdin)
    assert (done.exit_code, done.stdout) == (exit_code, "")
    assert done.stderr.endswith(f"{message}\n")
    assert select_value(select(func.count()).select_from(Rating)) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["promote"],
        ["demote"],
        ["deactivate"],
        ["activate"],
        ["delete"],
        ["delete", "--yes"],
        ["token", "--name", "x", "--scope", "read"],
        ["reset-password"],
        ["reset-password", "--password-stdin"],
        ["withdraw-reset"],
    ],
)
def test_unknown_user_is_rejected(command, arguments, assert_error):
    assert_error(command("user", *arguments, "unknown", stdin=f"{PASSWORD}\n"), "No such user: 'unknown'.")


@pytest.mark.parametrize(
    "arguments",
    [["promote"], ["demote"], ["activate"], ["delete"], ["token", "--name", "x", "--scope", "read"]],
)
def test_name_that_is_not_utf_8_is_rejected(command, arguments, assert_error):
    assert_error(command("user", *arguments, "ada\udcff"), r"'ada\\udcff' is not valid UTF-8\.")


@pytest.mark.parametrize("name", sorted(main.commands["user"].commands))
def test_help_of_each_command_is_whole_sentences(name):
    command = main.commands["user"].commands[name]
    for text in [
        command.help,
        *(option.help for option in command.params if isinstance(option, click.Option)),
    ]:
        assert re.fullmatch(r"[A-Z].*\.", text.strip(), re.DOTALL), text
