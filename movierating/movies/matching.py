"""Match rows of a file to movies: by IMDb id, then TMDB id, then folded title and year."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from movierating import clock
from movierating.movies import search_index
from movierating.movies.models import Movie
from movierating.movies.service import make_row
from movierating.movies.staged_movies import MOVIE_KEYS, StagedMovies
from movierating.movies.titles import fold
from movierating.storage.dialect import advance_ids, get_last_id, in_many

MAX_CANDIDATES = 20
_BATCH = 1000

_movie = Movie.__table__.c


@dataclass(slots=True)
class _Known:
    movie_id: int
    imdb_id: str | None
    tmdb_id: int | None


class AmbiguousMovie(Exception):
    """More than one movie matches; `movie_ids` are at most MAX_CANDIDATES of them, the message is the reason."""

    def __init__(self, movies: Sequence[_Known], reason: str) -> None:
        super().__init__(reason)
        self.movie_ids = [known.movie_id for known in movies[:MAX_CANDIDATES]]


class MovieQuery(NamedTuple):
    """How a row of a file names its movie. Titles are tried in turn; a new movie would get the first."""

    imdb_id: str | None = None
    tmdb_id: int | None = None
    titles: Sequence[str | None] = ()
    year: int | None = None


class Catalogue:
    """The ids and titles of movies, in memory: of all, at 300 to 900 bytes a movie, or of those that match `queries`.

    To add or complete movies, use it inside one write transaction, in which no other client changes them. New movies
    get their ids at once and are inserted by `flush`, except in a dry run. `changes` counts movies added and completed.
    """

    def __init__(
        self, connection: Connection, queries: Sequence[MovieQuery] | None = None, *, dry_run: bool = False
    ) -> None:
        self.changes = 0
        self._connection = connection
        self._dry_run = dry_run
        self._by_imdb_id: dict[str, _Known] = {}
        self._by_tmdb_id: dict[int, _Known] = {}
        # By whether the title is an original one, the title, the year, and which ids a row has that the movies lack, so
        # that a lookup takes no longer if many movies share a title.
        self._by_title: defaultdict[tuple[bool, str, int | None, bool, bool], list[_Known]] = defaultdict(
            list
        )
        self._new_rows: list[dict[str, Any]] = []
        self._similar: set[tuple[Any, ...]] = set()
        if queries is None:
            self._load(connection.execute(MOVIE_KEYS.order_by(_movie.id)))
        else:
            self._load_matches(queries)
        # Read last: in a dry run other clients may add movies, and no loaded movie may have a provisional id.
        self._next_id = get_last_id(connection, Movie.__table__) + 1

    def _load_matches(self, queries: Sequence[MovieQuery]) -> None:
        by_id = self._select(_movie.imdb_id, {query.imdb_id for query in queries} - {None})
        by_id |= self._select(_movie.tmdb_id, {query.tmdb_id for query in queries} - {None})
        self._load(by_id.values())
        # A title counts only if no id decides.
        by_titles = [query for query in queries if self._find_by_id(query) is None]
        keys = {fold(title) for query in by_titles for title in query.titles if title}
        similar = self._select(_movie.title_key, keys) | self._select(_movie.original_title_key, keys)
        self._similar = set(map(tuple, similar.values()))
        self._load(row for movie_id, row in similar.items() if movie_id not in by_id)

    def _select(self, column: Any, values: Collection[Any]) -> dict[int, Any]:
        """Return the rows of MOVIE_KEYS with one of the values, by id."""
        statement = MOVIE_KEYS.where(in_many(column, sorted(values))).order_by(_movie.id)
        return {row.id: row for row in self._connection.execute(statement)}

    def _load(self, rows: Iterable[Any]) -> None:
        for movie_id, imdb_id, tmdb_id, year, title, original_title in rows:
            self._learn(_Known(movie_id, imdb_id, tmdb_id), year, title, original_title)

    def _learn(self, known: _Known, year: int | None, title: str, original_title: str | None) -> None:
        self._learn_ids(known)
        lacks_imdb_id = (False, True) if known.imdb_id is None else (False,)
        lacks_tmdb_id = (False, True) if known.tmdb_id is None else (False,)
        for lacks in product(lacks_imdb_id, lacks_tmdb_id):
            self._by_title[(False, title, year, *lacks)].append(known)
            # A title of combining marks alone folds to an empty text, which is a title too.
            if original_title is not None and original_title != title:
                self._by_title[(True, original_title, year, *lacks)].append(known)

    def _learn_ids(self, known: _Known) -> None:
        if known.imdb_id is not None:
            self._by_imdb_id[known.imdb_id] = known
        if known.tmdb_id is not None:
            self._by_tmdb_id[known.tmdb_id] = known

    def find(self, query: MovieQuery, *, nearby: bool = False) -> int | None:
        """Return the id of the one movie that matches, or None. Raise AmbiguousMovie.

        A movie with another id of the same kind never matches, and the IMDb id decides. With `nearby` the year may be
        off by one, because catalogues differ on when a film came out.
        """
        known = self._find(query, (0, 1) if nearby else (0,))
        return known.movie_id if known else None

    def find_and_complete(self, query: MovieQuery) -> int | None:
        """Find a movie as `find` does, and give it those ids of the query that it lacks and no other movie has."""
        known = self._find(query, (0,))
        if known is None:
            return None
        ids: dict[str, Any] = {}
        if known.imdb_id is None and query.imdb_id is not None:
            known.imdb_id = ids["imdb_id"] = query.imdb_id
        if known.tmdb_id is None and query.tmdb_id is not None and query.tmdb_id not in self._by_tmdb_id:
            known.tmdb_id = ids["tmdb_id"] = query.tmdb_id
        if ids:
            self._complete(known, ids)
        return known.movie_id

    def _complete(self, known: _Known, ids: dict[str, Any]) -> None:
        if self._new_rows and known.movie_id >= self._new_rows[0]["id"]:
            self.flush()
        self.changes += 1
        changed = {**ids, "edit": _movie.edit + 1, "updated_at": clock.now()}
        self._connection.execute(update(Movie).where(_movie.id == known.movie_id).values(changed))
        self._learn_ids(known)

    def _find(self, query: MovieQuery, years_off: Sequence[int]) -> _Known | None:
        known = self._find_by_id(query)
        if known is not None:
            return known
        keys = {title: fold(title) for title in query.titles if title}
        for off in years_off:
            for key in keys.values():
                movies = self._find_by_title(query, key, off)
                if len(movies) > 1:
                    what = "this title and year" if off == 0 else "this title, a year off"
                    raise AmbiguousMovie(movies, f"more than one movie has {what}")
                if movies:
                    return movies[0]
        if query.imdb_id is None and query.titles:
            self._reject_same_title(keys.get(query.titles[0] or ""), query.year)
        return None

    def _find_by_id(self, query: MovieQuery) -> _Known | None:
        if query.imdb_id is not None and query.imdb_id in self._by_imdb_id:
            return self._by_imdb_id[query.imdb_id]
        known = self._by_tmdb_id.get(query.tmdb_id) if query.tmdb_id is not None else None
        return known if known is not None and (query.imdb_id is None or known.imdb_id is None) else None

    def _find_by_title(self, query: MovieQuery, key: str, years_off: int) -> list[_Known]:
        """Return at most MAX_CANDIDATES movies with this title, or else with this original title."""
        years = {query.year} if query.year is None else {query.year - years_off, query.year + years_off}
        has_ids = query.imdb_id is not None, query.tmdb_id is not None
        for is_original in (False, True):
            movies = (
                known
                for year in years
                for known in self._by_title.get((is_original, key, year, *has_ids), ())
                # `find_and_complete` may have given the movie ids since it was stored here.
                if (query.imdb_id is None or known.imdb_id is None)
                and (query.tmdb_id is None or known.tmdb_id is None)
            )
            if candidates := list(islice(movies, MAX_CANDIDATES)):
                return candidates
        return []

    def _reject_same_title(self, key: str | None, year: int | None) -> None:
        """Raise AmbiguousMovie if a movie has this title and year: two such need different IMDb ids."""
        same = self._by_title.get((False, key, year, False, False)) if key is not None else None
        if same:
            raise AmbiguousMovie(same, "a movie with this title and year has another TMDB id")

    def add(self, facts: Mapping[str, Any]) -> int:
        """Add a movie that `find` did not find, and return its id. A TMDB id that another movie has is dropped."""
        row = {**make_row(facts), "id": self._next_id}
        if row["tmdb_id"] in self._by_tmdb_id:
            row["tmdb_id"] = None
        self._next_id += 1
        self.changes += 1
        self._new_rows.append(row)
        known = _Known(row["id"], row["imdb_id"], row["tmdb_id"])
        self._learn(known, row["year"], row["title_key"], row["original_title_key"])
        if len(self._new_rows) == _BATCH:
            self.flush()
        return known.movie_id

    def flush(self) -> None:
        """Insert and index what was added; in a dry run, do nothing."""
        if self._new_rows and not self._dry_run:
            self._connection.execute(insert(Movie), self._new_rows)
            advance_ids(self._connection, Movie.__table__, self._new_rows[-1]["id"])
            search_index.add_movies(self._connection, self._new_rows)
            self._new_rows.clear()

    def stage(self) -> StagedMovies:
        """Return the movies that were added in a dry run, to be inserted in a transaction."""
        return StagedMovies(self._new_rows, self._similar)


def find_ids_by_imdb_id(connection: Connection, imdb_ids: Collection[str]) -> dict[str, int]:
    """Return the ids of the movies with these IMDb ids. No other rule comes first, so no catalogue is needed."""
    statement = select(_movie.imdb_id, _movie.id).where(in_many(_movie.imdb_id, sorted(imdb_ids)))
    return {row.imdb_id: row.id for row in connection.execute(statement)}
