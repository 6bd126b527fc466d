"""The commands for invitations and for links to set a new password."""

import re

import pytest
from sqlalchemy import func, select

from movierating import create_app
from movierating.auth.models import OneTimeLink, User
from movierating.auth.tokens import hash_token
from movierating.storage import database

PASSWORD = "correct horse battery"
COUNT = select(func.count()).select_from(OneTimeLink)


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


def test_invitations_are_listed_without_their_links(command):
    assert command("user", "invitations").output == "There are no open invitations.\n"
    token = command("user", "invite").stdout.split("/")[-1].strip()
    command("user", "invite")
    header, *rows = command("user", "invitations").output.splitlines()
    assert header == "id\tcreated at\texpires at\tcreated by"
    assert [re.fullmatch(r"(\d+)\t20\S+Z\t20\S+Z\t-", row)[1] for row in rows] == ["1", "2"]
    assert token not in "".join(rows)


def test_withdrawn_invitation_is_deleted(command, assert_error, select_value):
    command("user", "invite")
    done = command("user", "withdraw-invitation", "1")
    assert (done.exit_code, done.output) == (0, "invitation 1 is withdrawn\n")
    assert select_value(COUNT) == 0
    assert_error(command("user", "withdraw-invitation", "1"), "There is no open invitation 1.")


@pytest.mark.usefixtures("ada")
def test_withdrawn_reset_is_deleted_and_the_invitations_stay(command, assert_error, select_value):
    command("user", "invite")
    command("user", "reset-password", "ada")
    done = command("user", "withdraw-reset", "ada")
    assert (done.exit_code, done.output) == (0, "ada now has no open link to set a new password\n")
    assert select_value(COUNT) == 1
    done = command("user", "withdraw-reset", "ada")
    assert_error(done, "There is no open link to set a new password of this account.")
