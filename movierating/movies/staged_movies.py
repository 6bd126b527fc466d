"""Movies that an import adds: prepared before the write transaction, then checked and inserted inside it.

To fold titles and to list their words takes longer than to insert them, and other writers must not wait for that.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from movierating import clock
from movierating.movies import retired_movies
from movierating.movies.models import Movie
from movierating.movies.names import find_by_alternative, find_by_name, list_match_keys
from movierating.movies.search_index import MOVIE_SEARCH, list_facets, make_index_text
from movierating.storage.dialect import advance_ids, get_last_id, in_many, to_driver_sql

# Other writers wait for a batch: some 20 ms, or 50 ms if movies get ids.
BATCH_MOVIES = 200

_movie = Movie.__table__.c


class CatalogueChanged(Exception):
    """Movies were added, changed or deleted after they were matched; match them again."""


class StagedMovies:
    """Rows of movies to insert, with provisional ids from `first_id` on."""

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]] = (),
        similar: set[tuple[Any, ...]] | frozenset[tuple[Any, ...]] = frozenset(),
        learned: Mapping[int, Mapping[str, Any]] | None = None,
        *,
        gives_ids: bool = False,
    ) -> None:
        """Derive the indexed data. `similar` has what `find_by_name` and `find_by_alternative` return for the rows.

        `learned` are ids that existing movies get, by the movie's id and the column; with `gives_ids`, also movies that
        do not learn ids.
        """
        self.learned = learned or {}
        self._gives_ids = gives_ids
        self.first_id: int = rows[0]["id"] if rows else 0
        self._rows = rows
        self._similar = similar
        self._names = {key for row in rows for key in list_match_keys(row)}
        self._facets = [(row["id"], facet) for row in rows for facet in list_facets(row)]
        self._texts = [(row["id"], make_index_text(row)) for row in rows]

    def insert(self, connection: Connection) -> int:
        """Insert and index the movies inside the caller's transaction; return the offset of their final ids.

        Raise CatalogueChanged if a movie with one of their ids or titles was added, changed, merged or deleted since
        they were staged.
        """
        if self._rows or self.learned:
            self._check_unchanged(connection)
        for movie_id, ids in self.learned.items():
            self._give_ids(connection, movie_id, ids)
        if not self._rows:
            return 0
        id_offset = get_last_id(connection, Movie.__table__) + 1 - self.first_id
        rows = [{**row, "id": row["id"] + id_offset} for row in self._rows]
        connection.execute(insert(Movie), rows)
        advance_ids(connection, Movie.__table__, rows[-1]["id"])
        texts = [{"rowid": movie_id + id_offset, **text} for movie_id, text in self._texts]
        connection.execute(insert(MOVIE_SEARCH), texts)
        if self._facets:
            # There are many: SQLAlchemy would take as long for their parameters as the database for the rest.
            statement = to_driver_sql(connection, "INSERT INTO movie_facet (movie_id, facet) VALUES (?, ?)")
            facets = [(movie_id + id_offset, facet) for movie_id, facet in self._facets]
            connection.exec_driver_sql(statement, facets)
        return id_offset

    def _check_unchanged(self, connection: Connection) -> None:
        with_id = or_(
            in_many(_movie.imdb_id, self._list_values("imdb_id")),
            in_many(_movie.tmdb_id, self._list_values("tmdb_id")),
        )
        if connection.execute(select(_movie.id).where(with_id).limit(1)).first() is not None:
            raise CatalogueChanged
        for kind, column in retired_movies.FILE_IDS.items():
            if retired_movies.find_by_external_id(connection, kind, self._list_values(column)):
                raise CatalogueChanged
        retired = retired_movies.RetiredMovies(connection, self._rows)
        if any(row in retired for row in self._rows):
            raise CatalogueChanged
        for find in (find_by_name, find_by_alternative):
            if not self._similar.issuperset(map(tuple, find(connection, self._names))):
                raise CatalogueChanged

    def _list_values(self, column: str) -> list[Any]:
        rows = (*self._rows, *self.learned.values())
        return sorted({row.get(column) for row in rows} - {None})

    def _give_ids(self, connection: Connection, movie_id: int, ids: Mapping[str, Any]) -> None:
        """Give a movie ids that it lacks. Raise CatalogueChanged if it no longer lacks them or no longer learns ids."""
        conditions = [_movie.id == movie_id, *(_movie[name].is_(None) for name in ids)]
        if not self._gives_ids:
            conditions.append(_movie.learns_ids)
        changed = {**ids, "edit": _movie.edit + 1, "updated_at": clock.now()}
        if connection.execute(update(Movie).where(*conditions).values(changed)).rowcount != 1:
            raise CatalogueChanged
