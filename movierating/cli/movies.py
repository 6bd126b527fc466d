"""`movierating movies`: find and merge movies that exist twice."""

import click

from movierating.cli.application import with_application
from movierating.cli.commands import Group, IntRange
from movierating.cli.counts import format_count
from movierating.cli.tables import print_table

_MOVIE_ID = IntRange(1, 2**63 - 1)


@click.group(cls=Group)
def movies() -> None:
    """Find and merge movies that exist twice."""


@movies.command("duplicates")
@with_application
def list_duplicates() -> None:
    """List pairs of movies that look alike.

    They share a title, are at most a year apart and have no different ids. The second has more ratings.
    """
    from movierating.movies import duplicates

    header = "id\ttitle\tyear\tratings\tinto\ttitle\tyear\tratings"
    print_table(header, duplicates.list_duplicates(), "No movies look alike.")


@movies.command("merge")
@click.argument("movie_id", type=_MOVIE_ID)
@click.argument("into_id", type=_MOVIE_ID)
@with_application
def merge_movies(movie_id: int, into_id: int) -> None:
    """Merge one movie into another.

    The movie INTO_ID gets the ratings, ids and titles of MOVIE_ID, and the facts that it lacks. Of two ratings of one
    user the newer stays. A merge can't be undone.
    """
    from movierating.errors import InvalidRequest, NotFound
    from movierating.movies import service
    from movierating.ratings import merging

    try:
        movie = merging.merge_movies(movie_id, into_id)
    except NotFound as error:
        survivor_id = service.find_survivor(movie_id)
        merged = f"Movie {movie_id} was merged into movie {survivor_id}."
        raise click.ClickException(merged if survivor_id else f"There is no movie {movie_id}.") from error
    except InvalidRequest as error:
        raise click.ClickException((error.errors or [])[0].message) from error
    ratings = format_count(movie.rating_count, "rating")
    click.echo(f"Movie {movie_id} is merged into {movie.id}, {movie.title}, which has {ratings}.")
