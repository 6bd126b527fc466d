"""Print the report of `import ratings`: a table of numbers, and the rows that need attention."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from movierating.ratings.import_report import ImportReport

_SKIPPED = {"older": "another rating stays", "not_a_movie": "not a movie", "no_rating": "no rating"}
# The rows that are named for a note, which may apply to every row.
_MAX_PLACES = 5
_LOADING = (
    "Not all bundled movies are in the catalogue yet. `movierating serve` or `movierating seed` adds them in a minute "
    "or two. Import the file again then: more rows may match, and nothing is counted twice."
)


def print_report(report: "ImportReport") -> None:
    """Print a table of numbers; before it, on standard error, the rows that are not imported, and the notes."""
    from movierating.movies.movie_ids import find_titles
    from movierating.storage.database import read

    titles = find_titles(read(), {movie_id for row in report.unmatched for movie_id in row["candidates"]})
    for line in _list_unmatched(report.unmatched, titles):
        click.echo(line, err=True)
    for row in report.errors:
        click.echo(f"{describe_place(row)}: {row['reason']}", err=True)
    for line in _list_notes(report.notes):
        click.echo(line, err=True)
    if report.unread_files:
        click.echo(f"Files without ratings: {', '.join(map(repr, report.unread_files))}", err=True)
    if report.catalogue and report.unmatched:
        click.echo(_LOADING, err=True)
    numbers = _list_numbers(report)
    label_width = max(map(len, numbers))
    number_width = max(len(f"{number:,}") for number in numbers.values())
    click.echo(f"{report.format}, dry run" if report.dry_run else report.format)
    for label, number in numbers.items():
        click.echo(f"  {label:{label_width}}  {number:>{number_width},}")


def _list_numbers(report: "ImportReport") -> dict[str, int]:
    """Return the numbers of the table, by their labels."""
    skipped = {f"skipped, {_SKIPPED[name]}": count for name, count in report.skipped.items()}
    candidates = sum(bool(row["candidates"]) for row in report.unmatched)
    return {
        "rows": report.read + len(report.errors),
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        **skipped,
        "unmatched, with candidates": candidates,
        "unmatched, without candidates": len(report.unmatched) - candidates,
        "not readable": len(report.errors),
    }


def _list_unmatched(
    rows: Iterable[Mapping[str, Any]], titles: Mapping[int, tuple[str, int | None]]
) -> Iterator[str]:
    has_candidates = False
    for row in rows:
        film = format_film(row["title"], row["year"])
        yield f"{describe_place(row)}: {f'{film}: ' if film else ''}{row['reason']}"
        for movie_id in row["candidates"]:
            has_candidates = True
            yield f"    {movie_id}  {format_film(*titles.get(movie_id, (None, None)))}".rstrip()
    if has_candidates:
        yield "Choose the movie of a row with `--choice LINE=ID`, or add one with `--choice LINE=new`."


def _list_notes(notes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield each reason once, with the places of its first rows."""
    places_by_reason: dict[str, list[str]] = {}
    for note in notes:
        places_by_reason.setdefault(note["reason"], []).append(describe_place(note))
    for reason, places in places_by_reason.items():
        more = f" and {len(places) - _MAX_PLACES:,} more" if len(places) > _MAX_PLACES else ""
        yield f"{', '.join(places[:_MAX_PLACES])}{more}: note: {name_options(reason)}"


def name_options(text: str) -> str:
    """Return a text about the parameters `column` and `scale` of the API with the names of the options."""
    return re.sub(
        r"`(column|scale)(?:=(\d+))?`",
        lambda match: " ".join(filter(None, (f"--{match[1]}", match[2]))),
        text,
    )


def describe_place(row: Mapping[str, Any]) -> str:
    """Return `ratings.csv:7`, or the line alone outside a ZIP."""
    return f"{row['file']}:{row['line']}" if row["file"] else str(row["line"])


def format_film(title: str | None, year: int | None) -> str:
    """Return `Heat (1995)`, without what is None."""
    return " ".join(part for part in (title, f"({year})" if year else None) if part)
