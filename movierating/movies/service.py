"""Read, create and update movies. (`ratings.service` deletes them, together with their ratings.)"""

import functools
from collections.abc import Collection, Container, Hashable, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from movierating import clock
from movierating.errors import NotFound, PreconditionFailed
from movierating.movies import retired_movies, search_index
from movierating.movies.alternative_titles import replace_titles
from movierating.movies.conflicts import make_conflict, reject_merged_ids, reject_same_title
from movierating.movies.genres import GENRES
from movierating.movies.merged_movies import find_merged
from movierating.movies.models import Movie, MovieFacet
from movierating.movies.movie_columns import make_row, to_columns
from movierating.movies.movie_json import DETAIL_COLUMNS, FACT_COLUMNS, serialize_facts
from movierating.storage.cache_versions import FACTS
from movierating.storage.database import db, get_version, read, write
from movierating.storage.dialect import encode_values, in_many, violates_unique
from movierating.storage.statements import CompiledStatement

_COUNT_LIFETIME_SECONDS = 60

_movie = Movie.__table__.c

_BY_ID = CompiledStatement(select(*DETAIL_COLUMNS).where(_movie.id == bindparam("key")))
_FACTS_BY_IDS = CompiledStatement(select(*FACT_COLUMNS).where(in_many(_movie.id, bindparam("movie_ids"))))
_BY_EXTERNAL_ID = {
    kind: CompiledStatement(select(*DETAIL_COLUMNS).where(_movie[name] == bindparam("key")))
    for kind, name in retired_movies.FILE_IDS.items()
}


def get_movie(movie_id: int) -> Row[Any]:
    """Return the movie's row of DETAIL_COLUMNS. Raise NotFound."""
    return _require_row(_BY_ID.first(read(), key=movie_id))


def find_movies(movie_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return the facts of the movies with these ids as `serialize_facts` does, by id; unknown ids are left out."""
    rows = _FACTS_BY_IDS.tuples(read(), movie_ids=encode_values(sorted(movie_ids)))
    return {row[0]: serialize_facts(row) for row in rows}


def get_movie_by_imdb_id(imdb_id: str) -> Row[Any]:
    """Return the row of DETAIL_COLUMNS of the movie with this IMDb id, its own or a merged movie's. Raise NotFound."""
    return _get_movie_by_external_id(retired_movies.IMDB, imdb_id)


def get_movie_by_tmdb_id(tmdb_id: int) -> Row[Any]:
    """Return the movie with this TMDB id, as `get_movie_by_imdb_id` does. Raise NotFound."""
    return _get_movie_by_external_id(retired_movies.TMDB, tmdb_id)


def _get_movie_by_external_id(kind: str, external_id: Any) -> Row[Any]:
    row = _BY_EXTERNAL_ID[kind].first(read(), key=external_id)
    if row is None:
        merged = retired_movies.find_by_external_id(read(), kind, [external_id])
        return get_movie(merged.get(external_id, 0))
    return _require_row(row)


def _require_row(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise NotFound("There is no such movie.")
    return row


def find_survivor(movie_id: int) -> int | None:
    """Return the id of the movie that this one was merged into, or None."""
    return find_merged(read(), [movie_id]).get(movie_id)


def require_edit(movie_id: int, edits: Container[int] | None) -> None:
    """Raise PreconditionFailed unless the movie is at one of these edits (None: any), or NotFound."""
    _check_edit(get_movie(movie_id), edits)


def _check_edit(row: Row[Any], edits: Container[int] | None) -> None:
    if edits is not None and row.edit not in edits:
        raise PreconditionFailed("The movie was changed since you read it.")


_facet = MovieFacet.__table__.c.facet
_BY_GENRE = CompiledStatement(
    select(_facet, func.count().label("movies"))
    .where(or_(*(_facet == f"genre:{name}" for name in GENRES)))
    .group_by(_facet)
)


def list_genres() -> list[dict[str, Any]]:
    """Return each genre with its number of movies, by name. Writes of other programs count after a minute."""
    version = get_version(FACTS)
    # During a write the version is unknown, and the counts are not cached.
    count = _count_by_genre.__wrapped__ if version is None else _count_by_genre
    counts = count(db.engine, version)
    return [{"name": name, "count": counts.get(f"genre:{name}", 0)} for name in GENRES]


@functools.lru_cache(8)
def _count_by_genre(_engine: Engine, _version: Hashable) -> dict[str, int]:
    return dict(_BY_GENRE.tuples(read()))


def count_movies() -> int:
    """Return the number of movies. It may be a minute old."""
    return _count_movies(read().engine, clock.get_period(_COUNT_LIFETIME_SECONDS))


@functools.lru_cache(8)
def _count_movies(_engine: Engine, _period: int) -> int:
    return int(read().execute(select(func.count()).select_from(Movie)).scalar_one())


def create_movie(new_facts: Mapping[str, Any]) -> Row[Any]:
    """Create a movie from its facts, and return its row of DETAIL_COLUMNS.

    Raise Conflict where an id is taken, and on the same folded title and year unless both carry different IMDb ids, and
    InvalidRequest if two of its titles are alike.
    """
    return _write_or_raise_conflict(
        lambda connection: require_movie(connection, insert_movie(connection, new_facts)),
        new_facts,
    )


def update_movie(movie_id: int, edits: Container[int] | None, changes: Mapping[str, Any]) -> Row[Any]:
    """Change some facts of a movie that is at one of `edits` (None: at any), and return its row of DETAIL_COLUMNS.

    Imports find the movie by its former titles and year too. A change without effect is not an edit. Raise NotFound,
    PreconditionFailed, and InvalidRequest and Conflict as `create_movie` does.
    """
    return _write_or_raise_conflict(functools.partial(_update_movie, movie_id, edits, changes), changes)


def _update_movie(
    movie_id: int, edits: Container[int] | None, changes: Mapping[str, Any], connection: Connection
) -> Row[Any]:
    """Change and index the movie, unless the changes have no effect."""
    row = require_movie(connection, movie_id, edits)
    changed = {
        name: value for name, value in to_columns(changes).items() if getattr(row, name, None) != value
    }
    updated = {**row._mapping, **changed}
    if changed.keys() & {"title", "original_title", "year"}:
        retired_movies.record_former_titles(connection, row._asdict(), updated)
    has_new_titles = replace_titles(connection, updated, changes.get("alternative_titles"))
    if not has_new_titles and not changed.keys() - {"title_key", "original_title_key"}:
        return row
    # An import may have added movies with a title and year that `create_movie` rejects; their other facts can still be
    # changed. Without any id, only the title and year tell the movie from others.
    loses_last_id = "tmdb_id" in changed and updated["imdb_id"] is None and updated["tmdb_id"] is None
    if loses_last_id or changed.keys() & {"title", "year", "imdb_id"}:
        reject_same_title(connection, updated, movie_id)
    reject_merged_ids(connection, changed, movie_id)
    if changed.keys() & {"imdb_id", "tmdb_id"}:
        # Imports must not give back what an admin takes away.
        changed["learns_ids"] = False
    changed |= {"edit": row.edit + 1, "updated_at": clock.now()}
    connection.execute(update(Movie).where(_movie.id == movie_id).values(changed))
    search_index.remove_movie(connection, movie_id)
    search_index.add_movies(connection, [updated])
    return require_movie(connection, movie_id)


def insert_movie(connection: Connection, new_facts: Mapping[str, Any]) -> int:
    """Insert and index one movie inside the caller's transaction, and return its id. Raise as `create_movie` does."""
    row = make_row(new_facts)
    reject_same_title(connection, row, None)
    reject_merged_ids(connection, row, None)
    movie_id = connection.scalar(insert(Movie).values(row).returning(_movie.id))
    assert movie_id is not None
    row["id"] = movie_id
    replace_titles(connection, row, new_facts.get("alternative_titles"))
    search_index.add_movies(connection, [row])
    return int(movie_id)


def require_movie(connection: Connection, movie_id: int, edits: Container[int] | None = None) -> Row[Any]:
    """Return a movie's row of DETAIL_COLUMNS. Raise NotFound, and PreconditionFailed if it is at none of `edits`."""
    statement = select(*DETAIL_COLUMNS).where(_movie.id == movie_id)
    row = _require_row(connection.execute(statement).one_or_none())
    _check_edit(row, edits)
    return row


def _write_or_raise_conflict(job: Any, facts: Mapping[str, Any]) -> Row[Any]:
    """Run a write that sets these facts. Raise Conflict if the database says that another movie has one of the ids."""
    try:
        row: Row[Any] = write(job)
        return row
    except IntegrityError as error:
        field = next((name for name in ("imdb_id", "tmdb_id") if violates_unique(error, name)), None)
        if field is None:
            raise
        same = _movie[field] == facts[field]
        raise make_conflict(field, read().scalar(select(_movie.id).where(same))) from error
