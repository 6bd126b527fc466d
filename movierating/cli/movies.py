"""`movierating movies`: find and merge movies that exist twice."""

from typing import TYPE_CHECKING

import click

from movierating.cli.application import with_application
from movierating.cli.commands import Group, IntRange, confirm
from movierating.cli.counts import format_count
from movierating.cli.tables import print_table

if TYPE_CHECKING:
    from movierating.ratings.merging import MergePreview

_MOVIE_ID = IntRange(1, 2**63 - 1)


@click.group(cls=Group)
def movies() -> None:
    """Find and merge movies that exist twice."""


@movies.command("duplicates")
@with_application
def list_duplicates() -> None:
    """List pairs of movies that look alike.

    They share a title, their years differ by at most one or are unknown, and they have no different ids. The second has
    more ratings.
    """
    from movierating.movies import duplicates

    header = "id\ttitle\tyear\tratings\tinto\ttitle\tyear\tratings"
    print_table(header, duplicates.list_duplicates(), "No movies look alike.")


@movies.command("merge")
@click.argument("movie_id", type=_MOVIE_ID)
@click.argument("into_id", type=_MOVIE_ID)
@click.option("--yes", is_flag=True, help="Merge the movies without asking for confirmation.")
@with_application
def merge_movies(movie_id: int, into_id: int, yes: bool) -> None:
    """Merge one movie into another.

    Asks for confirmation. The movie INTO_ID gets the ratings, ids and titles of MOVIE_ID, and the facts that it lacks.
    Of two ratings of one user the newer stays. A merge can't be undone.
    """
    from movierating.errors import InvalidRequest, NotFound
    from movierating.movies import service
    from movierating.ratings import merging

    try:
        if not yes:
            _confirm_merge(merging.preview_merge(movie_id, into_id))
        movie = merging.merge_movies(movie_id, into_id)
    except NotFound as error:
        survivor_id = service.find_survivor(movie_id)
        merged = f"Movie {movie_id} was merged into movie {survivor_id}."
        raise click.ClickException(merged if survivor_id else f"There is no movie {movie_id}.") from error
    except InvalidRequest as error:
        raise click.ClickException((error.errors or [])[0].message) from error
    ratings = format_count(movie.rating_count, "rating")
    click.echo(f"Movie {movie_id} is merged into {movie.id}, {movie.title}, which has {ratings}.")


def _confirm_merge(preview: "MergePreview") -> None:
    """Ask whether to merge. Raise as `confirm`."""
    if preview.has_different_ids:
        click.echo("The movies have different ids, so they are probably different movies.", err=True)
    movie, survivor = (
        f"{each.title} ({each.year or 'unknown year'})" for each in (preview.movie, preview.survivor)
    )
    ratings = format_count(preview.movie.rating_count, "rating")
    confirm(f"Merge {movie} with {ratings} into {survivor}?")
