"""`movierating serve`, `seed`, `check` and `openapi`."""

import functools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from movierating.cli.application import open_application, with_application
from movierating.cli.commands import Command, IntRange
from movierating.cli.counts import format_count, print_rejected
from movierating.cli.durations import Duration


def _parse_host(_context: click.Context, _parameter: click.Parameter, host: str) -> str:
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise click.BadParameter(f"{host!r} is not an address or host name.") from error
    return host


class _Folder(click.Path):
    """A path of a folder; an empty one, as of an unset variable, would be the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the Path. Raise BadParameter."""
        if value == "":
            self.fail("The path must not be empty.", param, ctx)
        return super().convert(value, param, ctx)


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", callback=_parse_host, help="Address to listen on.")
@click.option("--port", default=4000, type=IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", default=1, type=IntRange(1, 256), help="Number of worker processes.")
@click.option(
    "--backup-dir", type=_Folder(file_okay=False, path_type=Path), help="Folder for scheduled backups."
)
@click.option(
    "--backup-every",
    type=Duration(),
    help="Interval between backups, such as 30m, 24h or 7d; 24h if not set.",
)
@click.option("--backup-keep", type=IntRange(1, 10_000), help="Number of backups to keep; 7 if not set.")
def serve(
    host: str,
    port: int,
    workers: int,
    backup_dir: Path | None,
    backup_every: timedelta | None,
    backup_keep: int | None,
) -> None:
    """Run the production server.

    SIGTERM or Ctrl-C stops it after requests in progress have finished.
    """
    if backup_dir is None and (backup_every or backup_keep):
        raise click.UsageError("--backup-every and --backup-keep need --backup-dir")
    with _exit_until_served():
        from movierating.operations import process_tuning

        process_tuning.reduce_garbage_collections()
        from movierating import create_app
        from movierating.operations.backup_schedule import BackupSchedule
        from movierating.operations.server import run_server

        interval, keep = backup_every or timedelta(days=1), backup_keep or 7
        backups = BackupSchedule(backup_dir, interval, keep) if backup_dir else None
        run_server(create_app(), host, port, workers, backups)


@contextmanager
def _exit_until_served() -> Iterator[None]:
    """Exit with 0 on SIGTERM or SIGINT until the server installs its own handlers. Ignore both after the block."""
    previous = {number: signal.signal(number, _exit_now) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
        # A second signal finds the process about to exit, and must not make that a failure.
        previous = dict.fromkeys(previous, signal.SIG_IGN)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _exit_now(_signal: int, _frame: object) -> None:
    """Exit at once: an exception could be raised where it is ignored, and an unfinished start loses nothing.

    Without a handler, the first process of a container would not even end on SIGTERM.
    """
    os._exit(0)


@click.command(cls=Command)
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Import this CSV file instead of the bundled movies.",
)
@functools.partial(with_application, creates_instance=True)
def seed(path: Path | None) -> None:
    """Add the bundled movies that do not exist yet.

    Existing ones get alternative titles and are not changed otherwise. While the service loads the bundled movies, the
    command waits for it. With --file, it imports a CSV file as `import catalogue` does, but does not add the
    bundled movies first.
    """
    from movierating.movies import catalogue_import
    from movierating.movies import seed as seeding
    from movierating.movies.imdb_files import InvalidFile

    try:
        if path:
            report = catalogue_import.import_catalogue(catalogue_import.open_files([path]))
        else:
            report = seeding.seed_bundled()
    except (InvalidFile, OSError) as error:
        raise click.ClickException(str(error)) from error
    print_rejected(report.reasons, report.rejected)
    added = format_count(report.added, "movie")
    click.echo(f"{added} added, {report.present} already present, {report.rejected} rejected")


@click.command(cls=Command)
@click.option("--repair", is_flag=True, help="Rebuild indexes, aggregates and sequences, and finish merges.")
def check(repair: bool) -> None:
    """Check settings and the database.

    Checks settings, migrations, the database file, unfinished merges, every aggregate and the search data. Prints one
    line per problem found or repaired, at most 20 per kind. The exit code is 1 if problems remain.
    """
    from movierating.operations import checks

    with open_application(prepared=False):
        problems, repaired = checks.run_checks(repair)
    for line in [*problems, *repaired]:
        click.echo(line)
    if problems:
        raise click.exceptions.Exit(1)
    if not repaired:
        click.echo("No problems found.")


@click.command(cls=Command)
def openapi() -> None:
    """Print the OpenAPI document."""
    import orjson

    from movierating.http.extensions import api
    from movierating.http.openapi_document import build_document
    from movierating.http.public_views import list_private_paths

    with open_application(prepared=False) as app:
        document = build_document(api.build_spec(), private_paths=list_private_paths(app))
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
