"""`movierating import preview`, and the options `--column` and `--scale` for any CSV."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from movierating.cli.application import with_application
from movierating.cli.commands import Command
from movierating.cli.import_table import describe_place, format_film, name_options
from movierating.cli.progress import open_with_progress
from movierating.cli.tables import print_table

if TYPE_CHECKING:
    from movierating.ratings.formats.custom_csv import ColumnMapping
    from movierating.ratings.import_preview import ImportPreview

# Copies of those in `ratings.formats.custom_csv`, which a test compares: help must not import it.
FIELDS = ("title", "original_title", "year", "rating", "rated_at", "imdb_id", "tmdb_id")
SCALES = ("4", "5", "10", "20", "100")


def _parse_columns(_context: object, _option: object, values: Sequence[str]) -> dict[str, str]:
    from movierating.ratings.formats.custom_csv import parse_columns

    try:
        return parse_columns(values)
    except ValueError as error:
        raise click.BadParameter(" ".join(error.args)) from error


def csv_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options `--column` and `--scale` to a command."""
    column = click.option(
        "--column",
        "columns",
        multiple=True,
        callback=_parse_columns,
        metavar="FIELD=COLUMN",
        help=f"For any CSV: the name of the column of {', '.join(FIELDS[:-1])} or {FIELDS[-1]}; with an empty "
        "name, the field is not read. Repeatable.",
    )
    scale = click.option(
        "--scale",
        type=click.Choice(SCALES),
        help="For any CSV: the highest rating. Derived from the ratings by default.",
    )
    return column(scale(command))


def make_mapping(columns: dict[str, str], scale: str | None) -> "ColumnMapping | None":
    """Return the mapping that the options describe; None without options."""
    from movierating.ratings.formats import custom_csv

    return custom_csv.make_mapping(columns, int(scale) if scale else None)


@click.command("preview", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@csv_options
@with_application
def preview_import(file: str, columns: dict[str, str], scale: str | None) -> None:
    """Print the first rows of FILE as they would be imported.

    FILE is a file for `import ratings`; - reads standard input. The columns of a CSV are printed as well. Nothing is
    written.
    """
    from movierating.ratings.import_preview import preview_file

    with open_with_progress(file) as ratings:
        preview = preview_file(ratings, None, make_mapping(columns, scale))
    if preview.format is None:
        rows = ([" ".join(cell.split()) for cell in row] for row in preview.cells)
        print_table("\t".join(preview.columns), rows, "The file has no rows.")
        raise click.ClickException(name_options(preview.message or ""))
    for line in _list_lines(preview):
        click.echo(line)


def _list_lines(preview: "ImportPreview") -> Iterator[str]:
    columns = f", columns: {', '.join(preview.columns)}" if preview.columns else ""
    yield f"{preview.format}{columns}"
    for row in preview.rows:
        yield f"{describe_place(row)}: {', '.join(_list_facts(row))}"


def _list_facts(row: Mapping[str, Any]) -> Iterator[str]:
    names = (format_film(row["title"], row["year"]), row["original_title"], row["imdb_id"])
    yield from filter(None, names)
    if row["tmdb_id"]:
        yield f"TMDB {row['tmdb_id']}"
    if row["value"]:
        yield f"rated {row['value']:g}"
    elif not row["reason"]:
        yield "no rating"
    if row["rated_at"]:
        yield row["rated_at"][:10]
    if row["reason"]:
        yield name_options(row["reason"])
