"""`movierating migrate-database`: from SQLite to PostgreSQL."""

from functools import partial

import click

from movierating.cli.application import open_application
from movierating.cli.commands import Command
from movierating.cli.counts import format_count
from movierating.cli.progress import show_progress


@click.command("migrate-database", cls=Command)
@click.argument("url")
def migrate_database(url: str) -> None:
    """Copy the database to PostgreSQL.

    Copies every row of the SQLite database to the empty database at URL in one transaction, and compares both. The
    SQLite file is not changed. URL is postgresql+psycopg://user@host/database. Pass the password in PGPASSWORD: other
    users of this machine can see the arguments of a command.
    """
    from movierating import setting_parsers
    from movierating.operations import pg_migration

    try:
        address = setting_parsers.parse_postgresql_url(url)
    except ValueError as error:
        raise click.ClickException(f"URL {error}") from error
    with open_application(prepared=False):
        rows = pg_migration.migrate_to_postgresql(address, partial(show_progress, "rows"))
    click.echo(f"copied {format_count(rows, 'row')} to PostgreSQL; both databases are equal")
    click.echo("set MOVIERATING_DATABASE_URL to the new URL, on each host with this instance's secret key")
