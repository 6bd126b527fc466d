"""`movierating user`: create and administer accounts."""

import functools
import sys
from typing import Any

import click

from movierating import clock, config
from movierating.cli.application import with_application
from movierating.cli.commands import Group


@click.group(cls=Group)
def user() -> None:
    """Create and administer accounts."""


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        try:
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise click.ClickException("password: the input is not UTF-8") from error
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@user.command("create")
@click.argument("name")
@click.argument("email")
@click.option("--admin", is_flag=True, help="Give the account the admin role.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@functools.partial(with_application, creates_instance=True)
def create_user(name: str, email: str, admin: bool, password_stdin: bool) -> None:
    """Create an account. Prompts for the password twice."""
    from movierating.users import schemas, service

    account_fields = {"username": name, "email": email, "password": _read_password(password_stdin)}
    errors = schemas.SignUpSchema().validate(account_fields)
    if errors:
        raise click.ClickException(
            "; ".join(f"{field}: {' '.join(messages)}" for field, messages in errors.items())
        )
    account = service.sign_up(name, email, account_fields["password"], None, "admin" if admin else "member")
    click.echo(f"{account['role']} {account['username']} has id {account['id']}")


@user.command("list")
@with_application
def list_users() -> None:
    """List all accounts."""
    from movierating.users import service

    cursor: str | None = None
    is_first = True
    while True:
        accounts, cursor = service.list_accounts(None, cursor, 1000)
        if is_first:
            click.echo("id\tusername\temail\trole\tstate" if accounts else "There are no accounts.")
            is_first = False
        for account in accounts:
            state = "active" if account["active"] else "deactivated"
            row = (account["id"], account["username"], account["email"] or "-", account["role"], state)
            click.echo("\t".join(map(str, row)))
        if cursor is None:
            return


@user.command("promote")
@click.argument("name")
@with_application
def promote_user(name: str) -> None:
    """Give an account the admin role."""
    from movierating.users import service

    service.update_account(service.find_user_id(name), {"role": "admin"})
    click.echo(f"{name} is an admin")


@user.command("deactivate")
@click.argument("name")
@with_application
def deactivate_user(name: str) -> None:
    """Deactivate an account.

    Its sessions and tokens are revoked. Its ratings still count.
    """
    from movierating.users import service

    service.update_account(service.find_user_id(name), {"active": False})
    click.echo(f"{name} is deactivated")


@user.command("invite")
@with_application
def invite_user() -> None:
    """Print a link with which a new user signs up.

    It is valid for one sign-up, for a week.
    """
    from movierating.auth import one_time_links

    _print_link(one_time_links.INVITATION_PATH, one_time_links.create_invitation(None))


@user.command("reset-password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Set the password from standard input instead.")
@with_application
def reset_password(name: str, password_stdin: bool) -> None:
    """Print a link with which a user sets a new password.

    It is valid once, for 24 hours. A new password revokes all sessions and tokens of the account.
    """
    from movierating.auth import one_time_links, password_resets
    from movierating.users import service

    user_id = service.find_user_id(name)
    if password_stdin:
        password_resets.set_password(user_id, _read_password(from_stdin=True))
        click.echo(f"{name} has a new password")
    else:
        link = one_time_links.create_password_reset(None, user_id)
        _print_link(one_time_links.PASSWORD_RESET_PATH, link)


def _print_link(path: str, link: dict[str, Any]) -> None:
    """Print a one-time link to standard output, and what to know about it to standard error."""
    from movierating.http.public_url import make_link

    address = make_link(path + link["token"])
    click.echo(address)
    click.echo(f"Valid once, until {clock.format_rfc3339(link['expires_at'])}.", err=True)
    if address.startswith("/"):
        click.echo(f"Set {config.PREFIX}PUBLIC_URL to print a whole address.", err=True)
