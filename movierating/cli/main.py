"""The command `movierating`. The application is only imported by a command that needs it, so that help is instant."""

import os
from typing import Any

import click

from movierating.cli.backups import backup, restore
from movierating.cli.data import export, import_
from movierating.cli.instance import check, openapi, seed, serve
from movierating.cli.migration import migrate_database
from movierating.cli.users import user


class _Migrations(click.Command):
    """Stands in for Flask-Migrate's group of commands, which is imported when one of them is asked for."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of Flask-Migrate's group, which finds the application where `flask` would have put it."""
        from flask.cli import ScriptInfo
        from flask_migrate.cli import db

        from movierating import create_app

        assert parent is not None
        parent.obj = parent.find_object(ScriptInfo) or ScriptInfo(
            create_app=lambda: create_app(prepared=False)
        )
        context: click.Context = db.make_context(info_name, args, parent, **extra)
        return context


@click.group()
@click.version_option(package_name="movierating")
def main() -> None:
    """A movie rating service."""
    # Of what is written, all is its owner's alone: databases, logs, people's ratings.
    os.umask(0o077)


for command in (
    serve,
    user,
    seed,
    import_,
    export,
    backup,
    restore,
    migrate_database,
    check,
    openapi,
    _Migrations("db", help="Perform database migrations."),
):
    main.add_command(command)
