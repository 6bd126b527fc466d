"""`movierating migrate-database`: from SQLite to PostgreSQL."""

from functools import partial

import click

from movierating.cli.application import open_application
from movierating.cli.commands import Command
from movierating.cli.progress import show_progress


@click.command("migrate-database", cls=Command)
@click.argument("url")
def migrate_database(url: str) -> None:
    """Copy the database to PostgreSQL.

    Copies every row of the SQLite database to the empty database at URL in one transaction, and compares both. The
    SQLite file is not changed. URL is postgresql+psycopg://user@host/database. Pass the password in PGPASSWORD: other
    users of this machine can see the arguments of a command.
    """
    from movierating import config
    from movierating.operations import pg_migration

    try:
        address = config.postgresql_url(url)
    except ValueError as error:
        raise click.ClickException(f"URL {error}") from error
    with open_application(prepared=False) as app:
        rows = pg_migration.migrate_to_postgresql(app, address, partial(show_progress, "rows"))
    click.echo(f"{rows} rows are in PostgreSQL, the same as in SQLite")
    click.echo("set MOVIERATING_DATABASE_URL to it, on each host with this instance's secret key")
