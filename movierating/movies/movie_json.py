"""Movies as JSON in responses: the columns to select, and the serialization of a row.

A movie is shown by its facts alone, in a list with the statistics of its ratings, or in detail with its other titles.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from movierating import clock, rating_stats
from movierating.movies.alternative_titles import SHOWN_TITLES
from movierating.movies.models import Movie

_movie = Movie.__table__.c
FACT_COLUMNS = (
    *(_movie.id, _movie.title, _movie.original_title, _movie.year, _movie.runtime_minutes),
    *(_movie.genres, _movie.directors, _movie.language, _movie.country),
    *(_movie.imdb_id, _movie.tmdb_id, _movie.wikidata_id, _movie.prominence),
    *(_movie.created_at, _movie.updated_at),
)
LIST_COLUMNS = (*FACT_COLUMNS, *rating_stats.get_aggregate_columns(Movie.__table__), _movie.edit)
DETAIL_COLUMNS = (*LIST_COLUMNS, SHOWN_TITLES)
_STATS = slice(len(FACT_COLUMNS), len(LIST_COLUMNS) - 1)


def serialize_facts(row: Sequence[Any]) -> dict[str, Any]:
    """Return a movie without its ratings as the API shows it, for `orjson.dumps`; `row` starts with FACT_COLUMNS."""
    # To index the row is twice as fast as to zip it with names and replace values. The lists are stored as JSON.
    return {
        "id": row[0],
        "title": row[1],
        "original_title": row[2],
        "year": row[3],
        "runtime_minutes": row[4],
        "genres": orjson.Fragment(row[5]),
        "directors": orjson.Fragment(row[6]),
        "language": row[7],
        "country": row[8],
        "imdb_id": row[9],
        "tmdb_id": row[10],
        "wikidata_id": row[11],
        "prominence": row[12],
        "created_at": clock.format_rfc3339(row[13]),
        "updated_at": clock.format_rfc3339(row[14]),
    }


def serialize_movie(row: Sequence[Any]) -> dict[str, Any]:
    """Return a movie as the API shows it, for `orjson.dumps`; `row` starts with LIST_COLUMNS."""
    movie = serialize_facts(row)
    movie["ratings"] = rating_stats.format_stats_with_score(row[_STATS])
    return movie


def serialize_details(row: Sequence[Any]) -> dict[str, Any]:
    """Return a single movie as the API shows it, for `orjson.dumps`; `row` has DETAIL_COLUMNS."""
    movie = serialize_movie(row)
    # PostgreSQL writes blanks between the titles, and SQLite none.
    movie["alternative_titles"] = orjson.loads(row[-1])
    return movie
