"""A catalogue whose query plans are known, and names in its plans."""

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import Connection, insert, update

from movierating.movies import movie_columns, search_index
from movierating.movies.models import Movie, MovieFacet
from movierating.storage.database import write

Facts: TypeAlias = dict[str, Any]


Plan: TypeAlias = Callable[[Facts, str], list[str]]


INDEXES = {
    "-score": "ix_movie_score",
    "-mean": "ix_movie_mean",
    "-count": "ix_movie_count",
    "title": "ix_movie_title",
    "year": "ix_movie_year",
    "-year": "ix_movie_year",
    "-created_at": "ix_movie_created",
}


SORTED = "USE TEMP B-TREE FOR ORDER BY"


def add_catalogue(connection: Connection) -> None:
    """300 French dramas by one director, 10 a year, with 0 to 49 ratings each."""
    facts = {"genres": ["Drama", "Comedy"], "directors": ["Agnès Varda"], "language": "fr"}
    rows = [
        {
            **movie_columns.make_row({"title": f"Moon {n}", "year": 1990 + n % 30, **facts}),
            **{"id": n, "created_at": n, "rating_count": n % 50, "rating_sum": n % 50 * 12},
        }
        for n in range(1, 301)
    ]
    connection.execute(insert(Movie), rows)
    search_index.add_movies(connection, rows)


def make_english(number: int) -> None:
    """Make the first movies English, as facts and as facets."""
    facet = MovieFacet.facet == "language:fr"
    for statement in (
        update(Movie).where(Movie.id <= number).values(language="en"),
        update(MovieFacet).where(MovieFacet.movie_id <= number, facet).values(facet="language:en"),
    ):
        write(lambda connection, statement=statement: connection.execute(statement))
