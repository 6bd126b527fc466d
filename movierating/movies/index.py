"""What movies are found by: their facets, and the full-text index of titles and directors."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, column, delete, insert, table

from movierating.movies.models import MovieFacet
from movierating.movies.titles import fold, indexed_words

# An FTS5 table, made by the migration; its rowid is the movie's id and its text is folded words already.
SEARCH = table(
    "movie_search", column("rowid"), column("title"), column("original_title"), column("directors")
)

_facet = MovieFacet.__table__.c


def facets(movie: Mapping[str, Any]) -> list[str]:
    """What a movie can be filtered by for equality, from its columns: `genre:Drama`, `director:agnes varda`, …"""
    names = [f"genre:{genre}" for genre in orjson.loads(movie["genres"])]
    names += [f"director:{fold(director)}" for director in orjson.loads(movie["directors"])]
    names += [f"{kind}:{movie[kind]}" for kind in ("year", "language") if movie[kind] is not None]
    return list(dict.fromkeys(names))


def add(connection: Connection, movies: Iterable[Mapping[str, Any]]) -> None:
    """Index movies that are not indexed; each mapping holds `id` and the text columns of its row."""
    facet_rows, search_rows = [], []
    for movie in movies:
        facet_rows += [{"movie_id": movie["id"], "facet": facet} for facet in facets(movie)]
        search_rows.append(
            {
                "rowid": movie["id"],
                "title": " ".join(indexed_words(movie["title"])),
                "original_title": " ".join(indexed_words(movie["original_title"] or "")),
                "directors": " ".join(indexed_words(" ".join(orjson.loads(movie["directors"])))),
            }
        )
    if facet_rows:
        connection.execute(insert(MovieFacet), facet_rows)
    if search_rows:
        connection.execute(insert(SEARCH), search_rows)


def remove(connection: Connection, movie_id: int) -> None:
    """Take a movie out of both indexes."""
    connection.execute(delete(MovieFacet).where(_facet.movie_id == movie_id))
    connection.execute(delete(SEARCH).where(SEARCH.c.rowid == movie_id))
