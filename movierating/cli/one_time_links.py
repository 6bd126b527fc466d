"""`movierating user`: invitations, and links to set a new password."""

from typing import Any

import click

from movierating import clock, config
from movierating.cli.application import with_application
from movierating.cli.commands import Command, IntRange
from movierating.cli.tables import print_table, read_pages
from movierating.cli.users import read_password


@click.command("invite", cls=Command)
@with_application
def invite_user() -> None:
    """Print a link with which a new user signs up.

    It is valid for one sign-up, for a week.
    """
    from movierating.auth import one_time_links

    _print_link(one_time_links.INVITATION_PATH, one_time_links.create_invitation(None))


@click.command("invitations", cls=Command)
@with_application
def list_invitations() -> None:
    """List the open invitations, oldest first.

    Only the command that creates one prints its link.
    """
    from movierating.auth import one_time_links

    rows = (
        (
            invitation["id"],
            *(clock.format_rfc3339(invitation[name]) for name in ("created_at", "expires_at")),
            invitation["created_by"],
        )
        for invitation in read_pages(one_time_links.list_invitations)
    )
    print_table("id\tcreated at\texpires at\tcreated by", rows, "There are no open invitations.")


@click.command("withdraw-invitation", cls=Command)
@click.argument("invitation_id", type=IntRange(1, 2**63 - 1))
@with_application
def withdraw_invitation(invitation_id: int) -> None:
    """Withdraw an open invitation.

    Its link no longer works. `user invitations` lists the ids.
    """
    from movierating.auth import one_time_links

    one_time_links.withdraw_invitation(invitation_id)
    click.echo(f"invitation {invitation_id} is withdrawn")


@click.command("reset-password", cls=Command)
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
        password_resets.set_password(user_id, read_password(from_stdin=True))
        click.echo(f"{name} has a new password")
    else:
        link = one_time_links.create_password_reset(None, user_id)
        _print_link(one_time_links.PASSWORD_RESET_PATH, link)


@click.command("withdraw-reset", cls=Command)
@click.argument("name")
@with_application
def withdraw_reset(name: str) -> None:
    """Withdraw the link to set a new password.

    The password stays as it is.
    """
    from movierating.auth import one_time_links
    from movierating.users import service

    one_time_links.withdraw_password_reset(service.find_user_id(name))
    click.echo(f"{name} now has no open link to set a new password")


def _print_link(path: str, link: dict[str, Any]) -> None:
    """Print a one-time link to standard output, and what to know about it to standard error."""
    from movierating.http.public_url import make_link

    address = make_link(path + link["token"])
    click.echo(address)
    click.echo(f"Valid once, until {clock.format_rfc3339(link['expires_at'])}.", err=True)
    if address.startswith("/"):
        click.echo(f"Set {config.PREFIX}PUBLIC_URL to print a whole address.", err=True)
