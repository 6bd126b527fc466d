"""`movierating backup` and `movierating restore`."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from movierating.cli.application import open_application
from movierating.cli.commands import Command


@click.command(cls=Command)
@click.argument("file")
def backup(file: str) -> None:
    """Back up the database to FILE.

    The service may run meanwhile. The copy is checked before it appears as FILE. An older backup is replaced; any other
    file is left alone. PostgreSQL backups are made with pg_dump, in its custom format.
    """
    if file == "-":
        raise click.ClickException("a backup is a file and can't be written to standard output")
    from movierating.operations import backups, pg_backup
    from movierating.storage import database

    orphans: list[str] = []
    with _ended_in_order(), open_application(prepared=False):
        database.hold_instance()
        own = database.get_sqlite_file()
        if own is None:
            pg_backup.create_dump(Path(file))
        else:
            orphans = backups.create_backup(own, Path(file))
    _warn(orphans)
    click.echo(f"backup written to {file}")


@click.command(cls=Command)
@click.argument("file")
def restore(file: str) -> None:
    """Restore the database from FILE.

    FILE is checked and migrated first. An old SQLite database is kept beside the new one. If interrupted, either the
    old or the new database remains. Fails while the instance is in use.
    """
    if file == "-":
        raise click.ClickException("a backup is a file and can't be read from standard input")
    from movierating.movies import index_repair
    from movierating.operations import backups, pg_backup
    from movierating.storage import database

    with _ended_in_order(), open_application(prepared=False, creates_instance=True) as app:
        if database.get_sqlite_file() is None:
            restored = backups.RestoreResult(None, pg_backup.restore_dump(app, Path(file)), [])
        else:
            _refuse_dump(file)
            restored = backups.restore_backup(app, Path(file))
        index_repair.reindex()
    _warn(restored.orphans)
    if restored.upgraded_from:
        click.echo(f"{file} was at migration {restored.upgraded_from} and is now at the newest")
    if restored.kept:
        click.echo(f"the old database is kept as {restored.kept}")
    click.echo(f"restored {file}")


def _refuse_dump(file: str) -> None:
    from movierating.operations import pg_backup

    with suppress(OSError):
        if pg_backup.is_dump(Path(file)):
            raise click.ClickException(
                f"{file} is a backup of PostgreSQL; set MOVIERATING_DATABASE_URL to a database there"
            )


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM end the command as an error would, so that nothing unfinished is left behind."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _warn(orphans: list[str]) -> None:
    for line in orphans:
        click.echo(f"warning: {line}", err=True)
