"""`movierating user`: create and administer accounts."""

import functools
import getpass
import sys
import warnings
from typing import TYPE_CHECKING, Any

import click

from movierating.cli.application import with_application
from movierating.cli.commands import Group, confirm
from movierating.cli.counts import format_count
from movierating.cli.tables import print_table, read_pages

if TYPE_CHECKING:
    import marshmallow as ma


@click.group(cls=Group)
def user() -> None:
    """Create and administer accounts."""


def read_password(from_stdin: bool) -> str:
    """Return the first line of standard input, or prompt twice. Raise ClickException if it is not UTF-8."""
    if from_stdin:
        try:
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise click.ClickException("password: the input is not UTF-8") from error
    return _prompt_for_password()


def _prompt_for_password() -> str:
    """Prompt twice. Raise click.Abort after Ctrl-C, and UsageError if the input ends."""
    try:
        with warnings.catch_warnings():
            # Without a terminal, `getpass` also prints this warning itself.
            warnings.simplefilter("ignore", getpass.GetPassWarning)
            return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    except click.Abort as error:
        if not isinstance(error.__context__, EOFError):
            raise
        raise click.UsageError(
            "No password was typed; --password-stdin reads it from standard input."
        ) from error


@user.command("create")
@click.argument("name")
@click.argument("email")
@click.option("--admin", is_flag=True, help="Give the account the admin role.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@functools.partial(with_application, creates_instance=True)
def create_user(name: str, email: str, admin: bool, password_stdin: bool) -> None:
    """Create an account. Prompts for the password twice."""
    from movierating.users import schemas, service

    fields = {"username": name, "email": email, "password": read_password(password_stdin)}
    fields = _load_fields(schemas.SignUpSchema(), fields)
    account = service.sign_up(**fields, role="admin" if admin else "member")
    click.echo(f"{account['role']} {account['username']} has id {account['id']}")


def _load_fields(schema: "ma.Schema", fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields as the API loads them. Raise ClickException, with one line, if some are invalid."""
    errors = schema.validate(fields)
    if errors:
        raise click.ClickException(
            " ".join(f"{field}: {' '.join(messages)}" for field, messages in errors.items())
        )
    return dict(schema.load(fields))


@user.command("list")
@with_application
def list_users() -> None:
    """List all accounts."""
    from movierating.users import administration

    names = ("id", "username", "email", "role")
    rows = (
        (*(account[name] for name in names), "active" if account["active"] else "deactivated")
        for account in read_pages(functools.partial(administration.list_accounts, None))
    )
    print_table("\t".join([*names, "state"]), rows, "There are no accounts.")


@user.command("promote")
@click.argument("name")
@with_application
def promote_user(name: str) -> None:
    """Give an account the admin role."""
    from movierating.users import administration, service

    administration.update_account(service.find_user_id(name), {"role": "admin"})
    click.echo(f"{name} is an admin")


@user.command("demote")
@click.argument("name")
@with_application
def demote_user(name: str) -> None:
    """Take the admin role from an account.

    The account becomes a member. The last active admin can't be demoted.
    """
    from movierating.users import administration, service

    administration.update_account(service.find_user_id(name), {"role": "member"})
    click.echo(f"{name} is a member")


@user.command("deactivate")
@click.argument("name")
@with_application
def deactivate_user(name: str) -> None:
    """Deactivate an account.

    Its sessions and tokens are revoked. Its ratings still count.
    """
    from movierating.users import administration, service

    administration.update_account(service.find_user_id(name), {"active": False})
    click.echo(f"{name} is deactivated")


@user.command("activate")
@click.argument("name")
@with_application
def activate_user(name: str) -> None:
    """Activate a deactivated account.

    Its user can log in again. Sessions and tokens from before stay revoked.
    """
    from movierating.users import administration, service

    administration.update_account(service.find_user_id(name), {"active": True})
    click.echo(f"{name} is active")


@user.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Delete the account without asking for confirmation.")
@with_application
def delete_user(name: str, yes: bool) -> None:
    """Delete an account with all its ratings.

    Asks for confirmation. Averages no longer include the ratings. The last active admin can't be deleted.
    """
    from movierating.users import administration, service

    user_id = service.find_user_id(name)
    if not yes:
        rating_count = service.get_profile_of_any_account(user_id)["ratings"]["count"]
        confirm(f"Delete {name} and {format_count(rating_count, 'rating')}?")
    administration.delete_account(user_id)
    click.echo(f"{name} is deleted")


@user.command("token")
@click.argument("name")
@click.option("--name", "token_name", required=True, help="Set the name under which the token is listed.")
@click.option(
    "--scope",
    required=True,
    type=click.Choice(["read", "write"]),
    help="Let the token only read, or also write.",
)
@with_application
def create_token(name: str, token_name: str, scope: str) -> None:
    """Print a new personal token of an account.

    Scripts send it as a bearer token. It is valid until it is revoked, and it is not shown again.
    """
    from movierating.auth import schemas, tokens
    from movierating.users import service

    fields = _load_fields(schemas.CreateTokenSchema(), {"name": token_name, "scope": scope})
    token = tokens.create_token(service.find_user_id(name), None, **fields)
    click.echo(token["token"])
    click.echo(f"This token of {name} has the id {token['id']}. It is not shown again.", err=True)
