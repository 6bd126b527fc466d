"""Match rows of a file to movies: by IMDb id, then TMDB id, then title and year, as they are spelled or by match key.

A movie with another id of the same kind is another movie. A title that is spelled the same wins over one with the same
match key, and a movie's own title over an alternative one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from movierating.movies import retired_movies
from movierating.movies.alternative_titles import IMPORT
from movierating.movies.models import Movie
from movierating.movies.movie_columns import make_row
from movierating.movies.movie_index import MAX_CANDIDATES, MovieIndex, NameKind
from movierating.movies.movie_query import KnownMovie, MovieQuery
from movierating.movies.names import (
    MATCH_ROWS,
    find_by_alternative,
    find_by_name,
    find_by_part,
    make_match_row,
)
from movierating.movies.staged_movies import StagedMovies
from movierating.movies.titles import fold
from movierating.storage.database import batched, write
from movierating.storage.dialect import get_last_id, in_many

# Other writers wait while movies get ids.
_MAX_LEARNING = 5_000

_movie = Movie.__table__.c


class AmbiguousMovie(Exception):
    """More than one movie matches; `movie_ids` are at most MAX_CANDIDATES of them, the message is the reason."""

    def __init__(self, movies: Sequence[KnownMovie], reason: str) -> None:
        super().__init__(reason)
        self.movie_ids = [movie.movie_id for movie in movies[:MAX_CANDIDATES]]


class MovieMatcher:
    """Finds the movies that queries mean, among the movies that it loads for these queries.

    New movies get provisional ids, and `added_count` counts them. Nothing is written before `stage` or
    `write_in_batches`.
    """

    def __init__(
        self,
        connection: Connection,
        queries: Sequence[MovieQuery],
        *,
        gives_ids: bool = False,
        with_import_titles: bool = True,
        film_ids: Mapping[int, str] | None = None,
    ) -> None:
        """Load the movies that may match the queries. `film_ids` are those of movies that other rows have claimed.

        With `gives_ids`, `find_and_claim` gives ids to every movie, not only to those that learn ids. Without
        `with_import_titles`, the alternative titles from members' files match nothing.
        """
        self.added_count = 0
        self._with_import_titles = with_import_titles
        self._gives_ids = gives_ids
        self._film_ids = film_ids or {}
        self._connection = connection
        self._index = MovieIndex()
        self._new_rows: list[dict[str, Any]] = []
        self._learned: dict[int, dict[str, Any]] = {}
        self._similar: set[tuple[Any, ...]] = set()
        self._deleted_ids: set[str] = set()
        if queries:
            self._load_matches(queries)
        # Read last: other clients may add movies, and no loaded movie may have a provisional id.
        self._last_id = get_last_id(connection, Movie.__table__)
        self._next_id = self._last_id + 1

    def _load_matches(self, queries: Sequence[MovieQuery]) -> None:
        self._load_ids(_movie.imdb_id, {query.imdb_id for query in queries} - {None})
        self._load_ids(_movie.tmdb_id, {query.tmdb_id for query in queries} - {None})
        self._load_merged(queries)
        # A title counts only if no id decides.
        by_titles = [query for query in queries if self._index.find_by_id(query) is None]
        self._similar = self._load_names({key for query in by_titles for _, key in query.names})

    def _load_merged(self, queries: Sequence[MovieQuery]) -> None:
        """Load the movies that took the ids of merged movies, and the ids of deleted ones."""
        imdb_ids = {query.imdb_id for query in queries if query.imdb_id}
        tmdb_ids = {query.tmdb_id for query in queries if query.tmdb_id}
        merged = {
            **retired_movies.find_by_external_id(self._connection, retired_movies.IMDB, imdb_ids),
            **retired_movies.find_by_external_id(self._connection, retired_movies.TMDB, tmdb_ids),
        }
        self._load_ids(_movie.id, set(merged.values()))
        for value, movie_id in merged.items():
            self._index.add_merged_id(movie_id, value)
        ids = imdb_ids | {*map(str, tmdb_ids)}
        self._deleted_ids = retired_movies.find_deleted_ids(self._connection, ids)

    def load_candidates(self, queries: Sequence[MovieQuery]) -> None:
        """Load the movies with a part of a title in common with one of the queries, for `list_candidates`."""
        parts = {key for query in queries for key in query.list_part_keys()}
        self._load_names(parts)
        names = {key for query in queries for _, key in query.names}
        self._load_keys(NameKind.PART, find_by_part(self._connection, parts | names))

    def _load_ids(self, column: Any, values: Collection[Any]) -> None:
        self._load(self._connection.execute(MATCH_ROWS.where(in_many(column, sorted(values)))))

    def _load_names(self, keys: Collection[str]) -> set[tuple[Any, ...]]:
        """Load the movies with one of these match keys, and return their rows."""
        rows = find_by_name(self._connection, keys)
        alternatives = find_by_alternative(self._connection, keys)
        self._load(rows)
        self._load_keys(
            NameKind.ALTERNATIVE,
            [row[1:] for row in alternatives if self._with_import_titles or row.source != IMPORT],
        )
        return {*map(tuple, rows), *map(tuple, alternatives)}

    def _load_keys(self, kind: NameKind, rows: Sequence[Any]) -> None:
        self._load(row[1:] for row in rows)
        for key, movie_id, *_ in rows:
            self._index.add_key(movie_id, kind, key)

    def _load(self, rows: Iterable[Any]) -> None:
        for *columns, title, original_title in rows:
            movie = KnownMovie(*columns)
            movie.film_id = self._film_ids.get(movie.movie_id)
            self._index.add(movie, title, original_title)

    def is_identified(self, query: MovieQuery) -> bool:
        """Return True if an id of the query decides, and the movie is in the database."""
        movie = self._index.find_by_id(query)
        return movie is not None and movie.movie_id <= self._last_id

    def find_and_claim(self, query: MovieQuery) -> tuple[int, dict[str, Any]] | None:
        """Find the one movie that matches, and keep it from later queries with other ids.

        A movie with another id of the same kind never matches, and the IMDb id decides. If the movie learns ids, it
        gets those of the query that it lacks and no other movie has, provided that its title and year are the query's.
        Return the movie's id and the ids that it learned, by the column; None if no movie matches. Raise
        AmbiguousMovie.
        """
        movie = self._find(query)
        if movie is None:
            return None
        movie.film_id = movie.film_id or query.film_id
        ids = self._list_new_ids(movie, query)
        learns = self._gives_ids or (
            movie.learns_ids and len(self._learned) < _MAX_LEARNING and self._index.is_named(movie, query)
        )
        learned = self._drop_deleted_ids(ids) if learns else {}
        if learned:
            self._learn(movie, learned)
        for name, value in ids.items():
            setattr(movie, name, value)
        self._index.add_ids(movie)
        return movie.movie_id, learned

    def _drop_deleted_ids(self, ids: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ids without those of deleted movies, which no movie gets from a file."""
        return {name: value for name, value in ids.items() if str(value) not in self._deleted_ids}

    def _learn(self, movie: KnownMovie, ids: dict[str, Any]) -> None:
        movie.has_no_ids = False
        if movie.movie_id > self._last_id:
            self._new_rows[movie.movie_id - self._last_id - 1].update(ids)
        else:
            self._learned[movie.movie_id] = {**self._learned.get(movie.movie_id, {}), **ids}

    def _list_new_ids(self, movie: KnownMovie, query: MovieQuery) -> dict[str, Any]:
        """Return those ids of the query that the movie lacks and no other movie has, by the column."""
        ids: dict[str, Any] = {}
        if movie.imdb_id is None and query.imdb_id is not None:
            ids["imdb_id"] = query.imdb_id
        if movie.tmdb_id is None and query.tmdb_id is not None and not self._index.has_tmdb_id(query.tmdb_id):
            ids["tmdb_id"] = query.tmdb_id
        return ids

    def list_claimed(self, query: MovieQuery) -> list[int]:
        """Return the ids of the movies with a title of the query, if another `film_id` claimed one of them."""
        if query.film_id is None:
            return []
        movies = self._index.list_all_matches(query)
        is_claimed = any(map(query.is_other_film, movies))
        return [movie.movie_id for movie in movies[:MAX_CANDIDATES]] if is_claimed else []

    def has_movie_without_ids(self, title: str, year: int | None) -> bool:
        """Return True if a movie without ids has this title and year: the database takes no second one."""
        return self._index.has_movie_without_ids(fold(title), year)

    def _find(self, query: MovieQuery) -> KnownMovie | None:
        movie = self._index.find_by_id(query)
        if movie is not None:
            return movie
        movies = self._index.list_matches(query)
        if len(movies) > 1:
            raise AmbiguousMovie(movies, "more than one movie has this title and year")
        return movies[0] if movies else None

    def list_candidates(self, query: MovieQuery) -> list[int]:
        """Return the ids of movies in the database that a query may mean, except those that match it.

        There are at most MAX_CANDIDATES. Call `load_candidates` first.
        """
        return self._index.list_candidates(query, self._last_id)

    def add(self, facts: Mapping[str, Any], *, learns_ids: bool = False, film_id: str | None = None) -> int:
        """Add a movie that matches no other, and return its id. A TMDB id that another movie has is dropped."""
        row = {**make_row(facts), "id": self._next_id, "learns_ids": learns_ids}
        if row["tmdb_id"] is not None and self._index.has_tmdb_id(row["tmdb_id"]):
            row["tmdb_id"] = None
        self._next_id += 1
        self.added_count += 1
        self._new_rows.append(row)
        movie = KnownMovie(row["id"], row["imdb_id"], row["tmdb_id"], row["year"], learns_ids, film_id)
        self._index.add(movie, row["title_key"], row["original_title_key"])
        return movie.movie_id

    def stage(self) -> StagedMovies:
        """Return the new movies, and the ids that others learned, to be written."""
        return StagedMovies(self._new_rows, self._similar, self._learned, gives_ids=self._gives_ids)

    def write_in_batches(self, batch_movies: int) -> Iterator[dict[int, int]]:
        """Write the same in transactions of at most `batch_movies`, between which others write.

        Yield the ids of the movies that a transaction inserted, by their provisional ids. Raise CatalogueChanged, which
        leaves what was written before.
        """
        similar = set(self._similar)
        for batch in batched(self._new_rows, batch_movies):
            id_offset = write(StagedMovies(batch, similar).insert, own_transaction=True)
            new_ids = {row["id"]: row["id"] + id_offset for row in batch}
            # Movies of later batches were matched with these.
            similar |= {make_match_row({**row, "id": new_ids[row["id"]]}) for row in batch}
            yield new_ids
        for ids in batched(self._learned.items(), batch_movies):
            learned = StagedMovies(learned=dict(ids), gives_ids=self._gives_ids)
            write(learned.insert, own_transaction=True)
