"""`movierating user`: accounts, made and administered by whoever runs the service."""

import sys

import click

from movierating.cli.application import with_application


@click.group()
def user() -> None:
    """Make and administer accounts."""


def _new_password(from_stdin: bool) -> str:
    if from_stdin:
        try:
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise click.ClickException("password: is not UTF-8") from error
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@user.command("create")
@click.argument("name")
@click.argument("email")
@click.option("--admin", is_flag=True, help="Make it an admin.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@with_application
def create_user(name: str, email: str, admin: bool, password_stdin: bool) -> None:
    """Make an account; asks for the password twice."""
    from movierating.users import schemas, service

    given = {"username": name, "email": email, "password": _new_password(password_stdin)}
    errors = schemas.SignUpSchema().validate(given)
    if errors:
        raise click.ClickException("; ".join(f"{field}: {' '.join(why)}" for field, why in errors.items()))
    account = service.sign_up(name, email, given["password"], None, "admin" if admin else "member")
    click.echo(f"{account['role']} {account['username']} has id {account['id']}")


@user.command("list")
@with_application
def list_users() -> None:
    """List all accounts."""
    from movierating.users import service

    cursor: str | None = None
    while True:
        accounts, cursor = service.list_accounts(None, cursor, 1000)
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
    """Make an account an admin."""
    from movierating.users import service

    service.update_account(service.find_user_id(name), {"role": "admin"})
    click.echo(f"{name} is an admin")


@user.command("deactivate")
@click.argument("name")
@with_application
def deactivate_user(name: str) -> None:
    """Shut an account: its sessions and tokens end, its ratings stay counted."""
    from movierating.users import service

    service.update_account(service.find_user_id(name), {"active": False})
    click.echo(f"{name} is deactivated")


@user.command("reset-password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@with_application
def reset_password(name: str, password_stdin: bool) -> None:
    """Set a new password; the account's sessions and tokens end."""
    from movierating.users import service

    user_id = service.find_user_id(name)
    service.reset_password(user_id, _new_password(password_stdin))
    click.echo(f"{name} has a new password")
