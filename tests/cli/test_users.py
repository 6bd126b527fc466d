"""The commands that make and administer accounts."""

import re

import pytest
from sqlalchemy import func, select

from movierating import create_app
from movierating.auth import passwords
from movierating.auth.models import OneTimeLink, User
from movierating.auth.tokens import hash_token
from movierating.storage import database
from movierating.storage.database import write

HEADER = "id\tusername\temail\trole\tstate"
PASSWORD = "correct horse battery"


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
    assert done.exit_code == 1
    assert select_value(select(func.count()).select_from(User)) == 0


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
def test_deactivate(command, select_value):
    assert command("user", "deactivate", "ada").exit_code == 0
    assert select_value(select(User.active)) is False


@pytest.mark.usefixtures("ada")
def test_last_admin_can_not_be_deactivated(invoke, assert_error):
    invoke("user", "promote", "ada")
    assert_error(
        invoke("user", "deactivate", "ada"),
        "No active admin would remain; make another account an admin first.",
    )


@pytest.mark.usefixtures("ada")
def test_reset_password_sets_a_new_password(command, select_value):
    before = select_value(select(User.password_hash))
    done = command("user", "reset-password", "ada", "--password-stdin", stdin="another horse battery\n")
    assert (done.exit_code, done.output) == (0, "ada has a new password\n")
    assert select_value(select(User.password_hash)) != before


@pytest.mark.usefixtures("ada")
def test_reset_password_rejects_a_weak_password(invoke, assert_error):
    assert_error(invoke("user", "reset-password", "ada", "--password-stdin", stdin="short\n"), "password: .+")


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("arguments", [["invite"], ["reset-password", "ada"]])
@pytest.mark.parametrize("public_url", [None, "https://films.example/club"])
def test_link_is_printed_alone_on_standard_output(command, arguments, public_url, monkeypatch, select_value):
    if public_url:
        monkeypatch.setenv("MOVIERATING_PUBLIC_URL", public_url)
    done = command("user", *arguments)
    assert done.exit_code == 0
    path = "invite" if arguments == ["invite"] else "reset"
    token = re.fullmatch(rf"{public_url or ''}/{path}/([\w-]{{43}})\n", done.stdout)[1]
    lines = [r"Valid once, until 20.+Z\."] + [r"Set MOVIERATING_PUBLIC_URL to print .+"] * (not public_url)
    assert re.fullmatch("\n".join(lines) + "\n", done.stderr)
    stored = select(OneTimeLink.id).where(OneTimeLink.token_hash == hash_token(token))
    assert select_value(stored) == 1


@pytest.mark.usefixtures("ada")
def test_printed_links_can_be_used(invoke, instance, environ):
    invitation, reset = (
        invoke("user", *arguments).stdout.split("/")[-1].strip()
        for arguments in (["invite"], ["reset-password", "ada"])
    )
    app = create_app(environ(instance, SIGNUP="invite"))
    client = app.test_client()
    eve = {"username": "eve", "email": "eve@example.org", "password": PASSWORD, "invitation": invitation}
    assert client.post("/v1/users", json=eve).status_code == 201
    body = {"token": reset, "password": "another horse battery"}
    assert client.post("/v1/auth/password-reset", json=body).status_code == 204
    with app.app_context():
        database.close()


@pytest.mark.parametrize(
    "arguments", [["promote"], ["deactivate"], ["reset-password"], ["reset-password", "--password-stdin"]]
)
def test_unknown_user_is_rejected(command, arguments, assert_error):
    assert_error(command("user", *arguments, "unknown", stdin=f"{PASSWORD}\n"), "No such user: 'unknown'.")


def test_name_that_is_not_utf_8_is_rejected(command, assert_error):
    assert_error(command("user", "promote", "ada\udcff"), r"'ada\\udcff' is not valid UTF-8\.")
