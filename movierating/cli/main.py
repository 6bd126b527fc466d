"""The command `movierating`. Only a command that needs the application imports it, so help is instant."""

import os
import sys
from typing import Any

import click

from movierating.cli.application import require_instance
from movierating.cli.backups import backup, restore
from movierating.cli.commands import Command, Group
from movierating.cli.import_export import export, import_
from movierating.cli.instance import check, openapi, seed, serve
from movierating.cli.migration import migrate_database
from movierating.cli.movies import movies
from movierating.cli.one_time_links import (
    invite_user,
    list_invitations,
    reset_password,
    withdraw_invitation,
    withdraw_reset,
)
from movierating.cli.predictions import predictions
from movierating.cli.users import user


class _Migrations(click.Command):
    """Flask-Migrate's group of commands, imported when one of them runs."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context of Flask-Migrate's group, with an application context unless help is asked for."""
        from flask_migrate.cli import db

        from movierating import create_app

        asks_for_help = bool({"-h", "--help"} & set(args))
        # Classes of our own name the instance folder. The callback of the group needs an application.
        commands = [
            Command(each.name, params=each.params, callback=each.callback, help=each.help)
            for each in db.commands.values()
        ]
        callback = None if asks_for_help else db.callback
        group = Group(self.name, commands, params=db.params, callback=callback, help=self.help)
        context = group.make_context(info_name, args, parent, **extra)
        if not asks_for_help:
            require_instance()
            with context.scope(cleanup=False):
                context.with_resource(create_app(prepared=False).app_context())
        return context


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="movierating")
def main() -> None:
    """Run and administer a movie rating service."""
    # Databases, logs and exports are readable only by their owner.
    os.umask(0o077)
    _open_closed_streams()


def _open_closed_streams() -> None:
    """Open the null device as each standard stream that was closed at the start, for which Python has None.

    Otherwise the next files get the numbers of these streams, also in the processes that the server starts.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))


for link_command in (invite_user, list_invitations, withdraw_invitation, reset_password, withdraw_reset):
    user.add_command(link_command)
for command in (
    serve,
    user,
    movies,
    seed,
    import_,
    export,
    predictions,
    backup,
    restore,
    migrate_database,
    check,
    openapi,
    _Migrations("db", help="Manage schema migrations."),
):
    main.add_command(command)
