"""Measures how many rows of real exports find their movie: `python benchmarks/matching.py FOLDER`.

Each file in FOLDER, at any depth, that is a known export is one person's. Where rows have IMDb ids, they are matched
again without ids, and the movie that is found by its title is compared with the one that has the id.
"""

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from movierating import create_app
from movierating.movies.movie_ids import find_ids_by_imdb_id
from movierating.ratings.formats.rows import RatedRow, RejectedFile
from movierating.ratings.formats.upload_reader import open_upload
from movierating.ratings.row_matching import MatchOptions, RowMatches, match_rows
from movierating.storage.database import close, read
from service import make_environment, make_table, run_command


@dataclass(frozen=True)
class Result:
    """Numbers of a file's films: `found` and `similar` (with candidates) as they are; the others by title alone.

    `known` rows have an IMDb id that a movie has; of these, `right` find that movie by title, and `wrong` another.
    `strangers` have an IMDb id that no movie has, and still find a movie that has one.
    """

    name: str
    films: int
    found: int
    similar: int
    known: int
    right: int
    wrong: int
    strangers: int


def read_films(file: Path) -> list[RatedRow]:
    """Return the first row of each film that is a movie as far as the file says; none of a file of another kind."""
    try:
        with file.open("rb") as stream:
            rows = [row for row in open_upload(stream).rows if isinstance(row, RatedRow) and row.kind is None]
    except RejectedFile:
        return []
    return list({(row.imdb_id, row.tmdb_id, row.title, row.year, row.film_id): row for row in rows}.values())


def list_found(matches: RowMatches) -> list[tuple[int, RatedRow]]:
    """Return the matched rows, each with its movie's id."""
    return [*matches.newest.items(), *matches.older]


def measure(name: str, films: Sequence[RatedRow]) -> Result:
    """Match a person's films with and without their ids."""
    matches = match_rows(read(), films, MatchOptions())
    with_id = [row for row in films if row.imdb_id is not None and row.title is not None]
    ids = find_ids_by_imdb_id(read(), [str(row.imdb_id) for row in with_id])
    hidden = {
        row._replace(imdb_id=None, tmdb_id=None, film_id=None): ids.get(str(row.imdb_id)) for row in with_id
    }
    by_title = [
        (movie_id, hidden[row])
        for movie_id, row in list_found(match_rows(read(), list(hidden), MatchOptions()))
    ]
    return Result(
        name,
        len(films),
        len(list_found(matches)),
        sum(bool(entry.candidates) for entry in matches.unmatched),
        sum(movie_id is not None for movie_id in hidden.values()),
        sum(found == right for found, right in by_title),
        sum(right is not None and found != right for found, right in by_title),
        sum(right is None for _, right in by_title),
    )


def list_results(folder: Path) -> Iterator[Result]:
    """Yield the result of each export in the folder."""
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        if films := read_films(file):
            yield measure(str(file.relative_to(folder)), films)


def format_share(part: int, whole: int) -> str:
    """Return a share in percent."""
    return f"{100 * part / whole:.1f} %" if whole else "—"


def make_result(results: Sequence[Result]) -> str:
    """Return the table, with the sums in its last line, and the median person's share of films found."""
    total = Result("all", *(sum(column) for column in zip(*map(_list_counts, results), strict=True)))
    lines = [
        (
            *(each.name, str(each.films), format_share(each.found, each.films)),
            format_share(each.similar, each.films),
            format_share(each.right, each.known),
            format_share(each.right, each.right + each.wrong),
            *(str(each.wrong), str(each.strangers)),
        )
        for each in (*results, total)
    ]
    columns = (
        *("file", "films", "found", "with candidates", "recall by title", "precision by title"),
        *("another movie", "movie for an unknown id"),
    )
    median = statistics.median(each.found / each.films for each in results)
    return f"{make_table(columns, lines)}\n\nThe median person's films: {100 * median:.1f} % found."


def _list_counts(result: Result) -> tuple[int, ...]:
    return (
        *(result.films, result.found, result.similar),
        *(result.known, result.right, result.wrong, result.strangers),
    )


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Match the exports in FOLDER with the bundled movies, and print the table. Nothing is stored."""
    with tempfile.TemporaryDirectory() as instance:
        run_command(Path(instance), "seed")
        with create_app(make_environment(Path(instance))).app_context():
            results = list(list_results(folder))
            close()
    if not results:
        raise click.ClickException(f"{folder} holds no export.")
    click.echo(make_result(results))


if __name__ == "__main__":
    main()
