"""`movierating import` and `movierating export`."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, BinaryIO

import click

from movierating.cli.application import describe_api_error, interruptible, with_application
from movierating.cli.commands import Group
from movierating.cli.import_preview import csv_options, make_mapping, preview_import
from movierating.cli.import_table import name_options, print_report
from movierating.cli.movie_imports import import_catalogue, import_movielens
from movierating.cli.output_files import create_if_written, replace_when_complete
from movierating.cli.progress import open_with_progress


@click.group("import", cls=Group)
def import_() -> None:
    """Import movies and ratings."""


import_.add_command(import_catalogue)
import_.add_command(import_movielens)
import_.add_command(preview_import)

# Copies of the formats in `ratings.formats`, which a test compares: help must not import those.
IMPORT_FORMATS = (
    *("simkl", "letterboxd", "imdb", "trakt", "tmdb", "movary", "movielens"),
    *("filmweb", "senscritique", "filmaffinity", "kinopoisk", "kinorium", "criticker", "flixster"),
    *("yamtrack", "ryot", "tvtime", "filmtipset"),
    *("csv", "json"),
)
EXPORT_FORMATS = ("csv", "json", "letterboxd", "imdb", "trakt", "simkl")
ON_CONFLICT = ("newer", "keep", "replace")


def _parse_choices(_context: object, _option: object, values: Sequence[str]) -> dict[str, int | str]:
    choices: dict[str, int | str] = {}
    for value in values:
        place, _, choice = value.rpartition("=")
        if not place or not (choice == "new" or (choice.isascii() and choice.isdigit() and len(choice) < 19)):
            raise click.BadParameter(f"{value!r} is not LINE=ID or LINE=new, such as 7=2711.")
        choices[place] = choice if choice == "new" else int(choice)
    return choices


@import_.command("ratings")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--user", "name", required=True, help="The user who owns the ratings.")
@click.option("--format", "file_format", type=click.Choice(IMPORT_FORMATS), help="Reject any other format.")
@csv_options
@click.option("--dry-run", is_flag=True, help="Report what would change; write nothing.")
@click.option(
    "--create-missing",
    "create_missing",
    flag_value="true",
    help="Add a movie for each row that matches none and has no candidates.",
)
@click.option(
    "--create-always", "create_missing", flag_value="always", help="Add one for rows with candidates, too."
)
@click.option(
    "--choice",
    "choices",
    multiple=True,
    callback=_parse_choices,
    metavar="[FILE:]LINE=MOVIE",
    help="The id of the movie of a row, or new to add one. Repeatable.",
)
@click.option(
    "--on-conflict",
    type=click.Choice(ON_CONFLICT),
    default="newer",
    help="Which rating to keep if the user has already rated the movie.",
)
@click.option(
    "--replaced",
    type=click.Path(),
    help="Save the ratings that the import replaces in this new file; importing it with --on-conflict replace "
    "restores them.",
)
@click.option(
    "--details",
    type=click.Path(dir_okay=False),
    help="Write what became of every row to this CSV file.",
)
@with_application
def import_ratings(
    file: str, name: str, file_format: str | None, replaced: str | None, details: str | None, **options: Any
) -> None:
    """Import a user's ratings from FILE.

    FILE is an export of Letterboxd, IMDb, movierating or another service that --format lists, or any other CSV with
    --column and --scale; - reads standard input. The format is detected from the content. All rows are imported in one
    transaction; rows that can't be imported are listed on standard error and skipped. The command can be repeated. The
    exit code is 1 if no row could be read.
    """
    from movierating.errors import InvalidRequest
    from movierating.ratings import imports
    from movierating.users import service

    user_id = service.find_user_id(name)
    arguments = _convert_options(**options, details="csv" if details else False)
    with (
        create_if_written(replaced) as replaced_file,
        replace_when_complete(details) if details else nullcontext() as details_file,
        interruptible("Run the command again: ratings that were imported already count as unchanged."),
        open_with_progress(file) as ratings,
    ):
        try:
            report = imports.import_file(user_id, ratings, file_format, **arguments)
        except InvalidRequest as error:
            raise click.ClickException(name_options(describe_api_error(error))) from error
        _write_text(replaced_file, report.replaced_csv)
        _write_text(details_file, report.details_csv)
    print_report(report)
    if replaced is not None and report.replaced_csv:
        saved = click.format_filename(replaced)
        click.echo(f"The replaced ratings are in {saved}; --on-conflict replace restores them.", err=True)
    if not report.read:
        raise click.ClickException(f"No row of {click.format_filename(file)} could be read.")


def _convert_options(
    columns: dict[str, str], scale: str | None, create_missing: str | None, **options: Any
) -> dict[str, Any]:
    """Return the options of the command as arguments of `import_file`."""
    return {
        "mapping": make_mapping(columns, scale),
        "create_missing": {None: False, "true": True, "always": "always"}[create_missing],
        **options,
    }


def _write_text(file: BinaryIO | None, text: str | None) -> None:
    if file is not None and text is not None:
        file.write(text.encode())


@click.group(cls=Group)
def export() -> None:
    """Export ratings."""


@export.command("ratings")
@click.option("--user", "name", required=True, help="The user who owns the ratings.")
@click.option(
    "--format", "file_format", type=click.Choice(EXPORT_FORMATS), default="csv", help="The file format."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    help="The file to write or replace; - writes to standard output.",
)
@with_application
def export_ratings(name: str, file_format: str, output: str) -> None:
    """Export a user's ratings.

    csv and json are lossless and can be imported again. The others are files for these services, with whole points.
    """
    from movierating.ratings import exports
    from movierating.users import service

    blocks = exports.export_ratings(service.find_user_id(name), file_format).blocks
    with replace_when_complete(output) as file:
        file.writelines(blocks)
