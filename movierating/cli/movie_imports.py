"""`movierating import catalogue` and `movierating import movielens`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from movierating.cli.application import interruptible, open_application
from movierating.cli.commands import Command, IntRange
from movierating.cli.counts import format_count, print_rejected
from movierating.cli.progress import show_progress

if TYPE_CHECKING:
    from movierating.ratings.dataset_loading import DatasetReport


@click.command("catalogue", cls=Command)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--min-votes",
    type=IntRange(min=1),
    help="Add only movies with at least this many votes on IMDb; needs title.ratings.",
)
def import_catalogue(files: tuple[Path, ...], min_votes: int | None) -> None:
    """Import movies from FILES.

    FILES are IMDb's title.basics, title.ratings and title.akas (.tsv or .tsv.gz), or CSV files with the columns of the
    bundled movies. Existing movies get ids and alternative titles that they lack, and the prominence of a CSV. Other
    movies are added, unless they were deleted. Of IMDb's titles only feature and television films are imported, except
    adult ones. An interrupted import resumes when the command runs again. Invalid rows are reported and skipped.
    """
    from movierating.movies import catalogue_import
    from movierating.movies.imdb_files import InvalidFile

    try:
        opened = catalogue_import.open_files(files)
        if min_votes is not None and not opened.has("title.ratings"):
            raise click.UsageError("--min-votes needs IMDb's title.ratings among the files")
        with interruptible("Run the command again to resume the import."), open_application():
            _load_bundled_movies()
            with show_progress("reading", max(1, opened.size)) as advance:
                report = catalogue_import.import_catalogue(opened, min_votes, advance)
    except (InvalidFile, OSError) as error:
        raise click.ClickException(str(error)) from error
    print_rejected(report.reasons, report.rejected)
    added, titled = format_count(report.added, "movie"), format_count(report.titled, "movie")
    click.echo(f"{added} added, {report.present} already present, {report.completed} of them given ids")
    click.echo(f"{titled} given alternative titles")
    click.echo(f"{format_count(report.skipped, 'row')} skipped, {report.rejected} rejected")


@click.command("movielens", cls=Command)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_movielens(folder: Path) -> None:
    """Import a MovieLens data set from FOLDER.

    FOLDER holds ml-latest(-small), ml-25m, ml-32m, ml-1m, ml-10m or ml-100k. Its users become accounts that can't log
    in; its movies are matched or added. An interrupted import resumes when the command runs again. Invalid rows are
    reported and skipped. The exit code is 1 only if FOLDER holds no data set or can't be read.
    """
    from movierating.ratings import datasets
    from movierating.ratings.formats import movielens

    try:
        dataset = movielens.open_folder(folder)
        with interruptible("Run the command again to resume the import."), open_application():
            _load_bundled_movies()
            with show_progress("ratings", dataset.size) as advance:
                report = datasets.import_movielens(dataset, advance)
    except (movielens.NotMovieLens, OSError) as error:
        raise click.ClickException(str(error)) from error
    _print_dataset_report(report)


def _print_dataset_report(report: "DatasetReport") -> None:
    print_rejected(report.reasons, report.rejected)
    if report.unmatched:
        unmatched = format_count(report.unmatched, "rating")
        click.echo(f"{unmatched} not imported: the movie was rejected or is not listed", err=True)
    click.echo(f"{format_count(report.movies_added, 'movie')} added, {report.movies_present} already present")
    click.echo(f"{format_count(report.users_added, 'user')} added")
    click.echo(
        f"{format_count(report.added, 'rating')} added, {report.changed} changed, {report.unchanged} unchanged, "
        f"{format_count(report.rejected, 'row')} rejected"
    )


def _load_bundled_movies() -> None:
    """Add the bundled movies to a new instance: a movie that a file adds before would lack facts that they have."""
    from movierating.movies import seed

    if not seed.has_had_catalogue():
        click.echo("Adding the bundled movies first: this takes about 20 seconds.", err=True)
        seed.load_catalogue()
