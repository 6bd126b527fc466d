"""The facets that movies are filtered by, and the full-text index of titles, alternative titles and directors."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, column, delete, insert, select, table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from movierating.movies.models import Movie, MovieFacet, MovieTitle
from movierating.movies.names import list_name_facets
from movierating.movies.titles import fold, list_indexed_words
from movierating.storage.dialect import POSTGRESQL, SQLITE, in_many

INDEXED_FACTS = ("title", "original_title", "directors")
TEXT_COLUMNS = (*INDEXED_FACTS, "alternative_titles")
# Created by the migration: an FTS5 table, on PostgreSQL a table with a tsvector. The rowid is the movie's id; the text
# is stored as folded words.
MOVIE_SEARCH = table("movie_search", column("rowid", BigInteger), *map(column, TEXT_COLUMNS))

_movie, _facet, _title = Movie.__table__.c, MovieFacet.__table__.c, MovieTitle.__table__.c

# Titles from members' files are used for matching alone, and are never shown.
IS_SEARCHED = _title.source != "import"


class _Matches(FunctionElement[bool]):
    """SQL condition: a row of MOVIE_SEARCH has each of some words, the last one as a prefix."""

    inherit_cache = True
    # Not Boolean, because SQLAlchemy would compare it with 1 on SQLite.
    type = NullType()  # type: ignore[assignment]


@compiles(_Matches, SQLITE)
def _(element: Any, compiler: Any, **options: Any) -> str:
    words, _ = element.clauses
    return f"{MOVIE_SEARCH.name} MATCH {compiler.process(words, **options)}"


@compiles(_Matches, POSTGRESQL)
def _(element: Any, compiler: Any, **options: Any) -> str:
    _, lexemes = element.clauses
    return f"{MOVIE_SEARCH.name}.words @@ CAST({compiler.process(lexemes, **options)} AS tsquery)"


def match_words() -> ColumnElement[bool]:
    """Return the SQL condition that a row of MOVIE_SEARCH has the words of `bind_words`."""
    return _Matches(bindparam("words"), bindparam("lexemes"))


def bind_words(words: Sequence[str]) -> dict[str, str]:
    """Return the parameters of `match_words` for these words, which are letters and numbers alone.

    A repeated word is looked up once, and again as a prefix if it is the last.
    """
    words = [*dict.fromkeys(words[:-1]), *words[-1:]]
    return {
        "words": " ".join(f'"{word}"' for word in words) + "*",
        "lexemes": " & ".join(f"'{word}'" for word in words) + ":*",
    }


def list_facets(movie: Mapping[str, Any]) -> list[str]:
    """Return a movie's facets, from its columns: `genre:Drama`, `director:agnes varda`, `name:lebonheur` …"""
    names = [f"genre:{genre}" for genre in orjson.loads(movie["genres"])]
    names += [f"director:{fold(director)}" for director in orjson.loads(movie["directors"])]
    names += [f"{kind}:{movie[kind]}" for kind in ("year", "language") if movie[kind] is not None]
    names += list_name_facets(movie)
    return list(dict.fromkeys(names))


def make_index_text(movie: Mapping[str, Any], alternative_titles: Iterable[str] = ()) -> dict[str, str]:
    """Return the words by which each text of a movie is found, from its columns, for the full-text index."""
    title = list_indexed_words(movie["title"])
    original_title = list_indexed_words(movie["original_title"] or "")
    alternatives = list_indexed_words(*sorted(alternative_titles))
    known = {*title, *original_title}
    return {
        "title": " ".join(title),
        "original_title": " ".join(original_title),
        "directors": " ".join(list_indexed_words(*orjson.loads(movie["directors"]))),
        "alternative_titles": " ".join(dict.fromkeys(word for word in alternatives if word not in known)),
    }


def add_movies(connection: Connection, movies: Iterable[Mapping[str, Any]]) -> None:
    """Index movies that are not indexed; each mapping holds `id` and the text columns of its row."""
    movies = list(movies)
    add_facets(connection, movies)
    add_text(connection, movies)


def add_facets(connection: Connection, movies: Iterable[Mapping[str, Any]]) -> None:
    """Index only the facets of movies, as `add_movies` does."""
    rows = [{"movie_id": movie["id"], "facet": facet} for movie in movies for facet in list_facets(movie)]
    if rows:
        connection.execute(insert(MovieFacet), rows)


def add_text(connection: Connection, movies: Iterable[Mapping[str, Any]]) -> None:
    """Index only the text of movies, as `add_movies` does, with the alternative titles that are stored."""
    movies = list(movies)
    titles = _read_alternative_titles(connection, [movie["id"] for movie in movies])
    rows = [{"rowid": movie["id"], **make_index_text(movie, titles[movie["id"]])} for movie in movies]
    if rows:
        connection.execute(insert(MOVIE_SEARCH), rows)


def _read_alternative_titles(
    connection: Connection, movie_ids: Collection[int]
) -> defaultdict[int, list[str]]:
    titles = defaultdict[int, list[str]](list)
    statement = select(_title.movie_id, _title.title).where(IS_SEARCHED, in_many(_title.movie_id, movie_ids))
    for movie_id, title in connection.execute(statement) if movie_ids else ():
        titles[movie_id].append(title)
    return titles


def update_text(connection: Connection, movie_ids: Collection[int]) -> None:
    """Index the text of movies again, after their alternative titles were changed."""
    statement = select(_movie.id, *(_movie[name] for name in INDEXED_FACTS))
    rows = connection.execute(statement.where(in_many(_movie.id, movie_ids))).all()
    remove_text(connection, movie_ids)
    add_text(connection, [row._asdict() for row in rows])


def remove_movie(connection: Connection, movie_id: int) -> None:
    """Remove a movie from both indexes."""
    remove_facets(connection, [movie_id])
    remove_text(connection, [movie_id])


def remove_facets(connection: Connection, movie_ids: Collection[int]) -> None:
    """Remove only the facets of some movies."""
    connection.execute(delete(MovieFacet).where(in_many(_facet.movie_id, movie_ids)))


def remove_text(connection: Connection, movie_ids: Collection[int]) -> None:
    """Remove only the text of some movies from the full-text index."""
    connection.execute(delete(MOVIE_SEARCH).where(in_many(MOVIE_SEARCH.c.rowid, movie_ids)))
