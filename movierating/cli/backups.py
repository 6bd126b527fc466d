"""`movierating backup` and `movierating restore`."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from movierating.cli.application import open_application
from movierating.cli.commands import Command


@click.command(cls=Command)
@click.argument("file")
def backup(file: str) -> None:
    """Back up the database to FILE.

    The service may run meanwhile. The copy is verified before it appears as FILE. An older backup is replaced, any
    other file is not. PostgreSQL backups are made with pg_dump, in its custom format.
    """
    if file == "-":
        raise click.ClickException("a backup is a file and can't be written to standard output")
    from movierating.operations import backups, pg_backup
    from movierating.storage import database

    orphans: list[str] = []
    with _exit_on_sigterm(), open_application(prepared=False):
        database.hold_instance()
        sqlite_file = database.get_sqlite_file()
        if sqlite_file is None:
            pg_backup.create_dump(Path(file))
        else:
            orphans = backups.create_backup(sqlite_file, Path(file))
    _warn(orphans)
    click.echo(f"backup written to {click.format_filename(file)}")


@click.command(cls=Command)
@click.argument("file")
def restore(file: str) -> None:
    """Restore the database from FILE.

    FILE is verified and migrated first. An old SQLite database is kept beside the new one. If interrupted, either the
    old or the new database remains. Fails while the instance is in use.
    """
    if file == "-":
        raise click.ClickException("a backup is a file and can't be read from standard input")
    from movierating.movies import index_repair
    from movierating.operations import backups, pg_backup
    from movierating.storage import database

    with _exit_on_sigterm(), open_application(prepared=False, creates_instance=True):
        if database.get_sqlite_file() is None:
            restored = backups.RestoreResult(None, pg_backup.restore_dump(Path(file)), [])
        else:
            restored = backups.restore_backup(Path(file))
        index_repair.reindex()
        target = database.get_display_name()
    _warn(restored.orphans)
    if restored.upgraded_from:
        click.echo(
            f"{click.format_filename(file)} was at migration {restored.upgraded_from} and is now at the newest"
        )
    if restored.old_database:
        click.echo(f"the old database is now {click.format_filename(restored.old_database)}")
    click.echo(f"restored {click.format_filename(file)} to {click.format_filename(target)}")


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """End the command on SIGTERM with an exception, so that unfinished files are removed."""
    previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _warn(orphans: list[str]) -> None:
    for line in orphans:
        click.echo(f"warning: {line}", err=True)
