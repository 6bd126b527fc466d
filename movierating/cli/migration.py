"""`movierating migrate-database`: from SQLite to PostgreSQL."""

from functools import partial

import click

from movierating.cli.application import open_application
from movierating.cli.progress import show_progress


@click.command("migrate-database")
@click.argument("url")
def migrate_database(url: str) -> None:
    """Copy the instance's SQLite database to the empty PostgreSQL database at URL.

    Every row with its id, all or nothing, compared on both sides; the SQLite file stays as it was. URL is
    postgresql+psycopg://user@host/database; a password is better given by PGPASSWORD, for others on this machine see
    what is started.
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
