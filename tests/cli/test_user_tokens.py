"""`movierating user token`: the token that it prints, and the tokens that it does not create."""

import re

import pytest
from sqlalchemy import func, select

from movierating import create_app
from movierating.auth.models import PersonalToken
from movierating.auth.tokens import MAX_TOKENS_PER_USER, hash_token
from movierating.storage import database
from movierating.storage.database import read, write


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("write", 200)])
def test_token_is_printed_alone_on_standard_output_and_has_its_scope(
    command, scope, status, instance, environ
):
    done = command("user", "token", "ADA", "--name", " nightly backup ", "--scope", scope)
    assert done.exit_code == 0
    assert re.fullmatch(r"mr_[\w-]{43}\n", done.stdout)
    assert done.stderr == "This token of ADA has the id 1. It is not shown again.\n"
    app = create_app(environ(instance))
    headers = {"Authorization": f"Bearer {done.stdout.strip()}"}
    client = app.test_client()
    assert client.get("/v1/users/me", headers=headers).json["username"] == "ada"
    response = client.patch("/v1/users/me", json={"display_name": "Ada L."}, headers=headers)
    assert response.status_code == status
    with app.app_context():
        assert read().scalar(select(PersonalToken.name)) == "nightly backup"
        database.close()


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "\x00", "ada\udcff"])
def test_token_with_an_invalid_name_is_rejected(invoke, name, assert_error, select_value):
    assert_error(invoke("user", "token", "ada", "--name", name, "--scope", "read"), "name: Must .+")
    assert select_value(select(func.count()).select_from(PersonalToken)) == 0


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    "options", [[], ["--name", "x"], ["--scope", "read"], ["--name", "x", "--scope", "admin"]]
)
def test_token_needs_a_name_and_a_known_scope(invoke, options, select_value):
    done = invoke("user", "token", "ada", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.search(r"Error: (Missing option|Invalid value for) '--(name|scope)'", done.stderr)
    assert select_value(select(func.count()).select_from(PersonalToken)) == 0


@pytest.mark.usefixtures("ada")
def test_token_of_a_deactivated_account_is_not_created(invoke, assert_error, select_value):
    invoke("user", "deactivate", "ada")
    done = invoke("user", "token", "ada", "--name", "x", "--scope", "read")
    assert_error(done, "The account is deactivated; activate it first.")
    assert select_value(select(func.count()).select_from(PersonalToken)) == 0


@pytest.mark.usefixtures("ada")
def test_token_beyond_the_limit_is_not_created(invoke, assert_error, select_value):
    row = {"user_id": 1, "name": "x", "scope": "read", "created_at": 0}
    rows = [{**row, "token_hash": hash_token(str(number))} for number in range(MAX_TOKENS_PER_USER)]
    write(lambda connection: connection.execute(PersonalToken.__table__.insert(), rows))
    done = invoke("user", "token", "ada", "--name", "x", "--scope", "read")
    assert_error(done, "An account can have 100 personal tokens; revoke one first.")
