"""Match rows of a file to movies: by IMDb id, then TMDB id, then folded title and year."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from movierating import clock
from movierating.movies import search_index
from movierating.movies.models import Movie
from movierating.movies.service import make_row
from movierating.movies.staged_movies import MOVIE_KEYS, StagedMovies
from movierating.movies.titles import fold
from movierating.storage.dialect import advance_ids, encode_values, get_last_id, in_many
from movierating.storage.statements import CompiledStatement

_movie = Movie.__table__.c


@dataclass(slots=True)
class _Known:
    movie_id: int
    imdb_id: str | None
    tmdb_id: int | None


class AmbiguousMovie(Exception):
    """More than one movie matches; `movie_ids` are the candidates, the message says why."""

    def __init__(self, movies: Iterable[_Known], reason: str) -> None:
        super().__init__(reason)
        self.movie_ids = [known.movie_id for known in movies]


class MovieQuery(NamedTuple):
    """The ids and titles by which a row of a file names its movie."""

    imdb_id: str | None
    tmdb_id: int | None
    titles: Sequence[str | None]


class Catalogue:
    """The keys of movies, in memory: of all, at some 300 bytes a movie, or of those that a `wanted` row may mean.

    Who adds or completes movies by it does so inside one write transaction, in which nothing changes behind its back;
    who only asks may be told what has just changed. Movies added get their ids at once and are written by `flush`; in
    a dry run never. `changes` counts the movies added and completed.
    """

    def __init__(
        self, connection: Connection, wanted: Sequence[MovieQuery] | None = None, *, dry_run: bool = False
    ) -> None:
        self.changes = 0
        self._connection = connection
        self._dry_run = dry_run
        self._by_imdb: dict[str, _Known] = {}
        self._by_tmdb: dict[int, _Known] = {}
        self._by_title: defaultdict[tuple[str, int | None], list[_Known]] = defaultdict(list)
        self._by_original: defaultdict[tuple[str | None, int | None], list[_Known]] = defaultdict(list)
        self._unwritten: list[dict[str, Any]] = []
        self._similar: set[tuple[Any, ...]] = set()
        self._next_id = get_last_id(connection, Movie.__table__) + 1
        if wanted is None:
            self._learn_rows(connection.execute(MOVIE_KEYS.order_by(_movie.id)))
        else:
            self._learn_matches(wanted)

    def _learn_matches(self, wanted: Sequence[MovieQuery]) -> None:
        by_id = self._select(_IDS, _movie.imdb_id, {row.imdb_id for row in wanted} - {None})
        by_id |= self._select(_IDS, _movie.tmdb_id, {row.tmdb_id for row in wanted} - {None})
        self._learn_rows(by_id.values())
        # A title counts only where no id decides.
        open_rows = [row for row in wanted if self._identified(row.imdb_id, row.tmdb_id) is None]
        keys = {fold(title) for row in open_rows for title in row.titles if title}
        by_title = self._select(MOVIE_KEYS, _movie.title_key, keys)
        by_title |= self._select(MOVIE_KEYS, _movie.original_title_key, keys)
        self._similar = set(map(tuple, by_title.values()))
        self._learn_rows(by_title.values())

    def _select(self, known: Select[Any], column: Any, values: Collection[Any]) -> dict[int, Any]:
        """Return the rows of the `known` columns of movies with one of the values, by id."""
        if not values:
            return {}
        chosen = known.where(in_many(column, sorted(values))).order_by(_movie.id)
        rows = self._connection.execute(chosen)
        return {row[0]: row for row in rows.all()}

    def _learn_rows(self, rows: Iterable[Any]) -> None:
        for movie_id, imdb_id, tmdb_id, *titled in rows:
            known = _Known(movie_id, imdb_id, tmdb_id)
            self._learn_ids(known)
            if titled:
                self._learn_titles(known, *titled)

    def _learn_titles(self, known: _Known, year: int | None, *keys: str | None) -> None:
        # A title of marks alone folds to nothing, and is one all the same.
        title, original = keys
        if title is not None:
            self._by_title[title, year].append(known)
        if original not in (None, title):
            self._by_original[original, year].append(known)

    def _learn_ids(self, known: _Known) -> None:
        if known.imdb_id is not None:
            self._by_imdb[known.imdb_id] = known
        if known.tmdb_id is not None:
            self._by_tmdb[known.tmdb_id] = known

    def find(
        self,
        imdb_id: str | None,
        tmdb_id: int | None,
        titles: Sequence[str | None],
        year: int | None,
        *,
        nearby: bool = False,
    ) -> int | None:
        """Return the id of the one movie that a row means, or None if there is none.

        A movie that carries another id of the same kind is never meant, and IMDb's decides. `titles` are tried in
        turn, the first being the one under which the movie would be added; `nearby` lets the year be off by one, for
        catalogues differ on when a film came out. Raises AmbiguousMovie.
        """
        known = self._find(imdb_id, tmdb_id, titles, year, (0, 1) if nearby else (0,))
        return known.movie_id if known else None

    def find_and_complete(
        self, imdb_id: str | None, tmdb_id: int | None, titles: Sequence[str | None], year: int | None
    ) -> int | None:
        """As `find`; the movie takes those of the row's ids that it lacks and no other movie has."""
        known = self._find(imdb_id, tmdb_id, titles, year, (0,))
        if known is None:
            return None
        taken: dict[str, Any] = {}
        if known.imdb_id is None and imdb_id is not None:
            known.imdb_id = taken["imdb_id"] = imdb_id
        if known.tmdb_id is None and tmdb_id is not None and tmdb_id not in self._by_tmdb:
            known.tmdb_id = taken["tmdb_id"] = tmdb_id
        if taken:
            self._complete(known, taken)
        return known.movie_id

    def _complete(self, known: _Known, taken: dict[str, Any]) -> None:
        if self._unwritten and known.movie_id >= self._unwritten[0]["id"]:
            self.flush()
        self.changes += 1
        changed = {**taken, "edit": _movie.edit + 1, "updated_at": clock.now()}
        self._connection.execute(update(Movie).where(_movie.id == known.movie_id).values(changed))
        self._learn_ids(known)

    def _find(
        self,
        imdb_id: str | None,
        tmdb_id: int | None,
        titles: Sequence[str | None],
        year: int | None,
        years_off: Sequence[int],
    ) -> _Known | None:
        known = self._identified(imdb_id, tmdb_id)
        if known is not None:
            return known
        for off in years_off:
            for title in filter(None, titles):
                fitting = self._find_by_title(imdb_id, tmdb_id, title, year, off)
                if len(fitting) > 1:
                    years = "this title and year" if off == 0 else "this title, a year off"
                    raise AmbiguousMovie(fitting, f"more than one movie has {years}")
                if fitting:
                    return fitting[0]
        if imdb_id is None and titles:
            self._reject_same_title(titles[0], year)
        return None

    def _identified(self, imdb_id: str | None, tmdb_id: int | None) -> _Known | None:
        if imdb_id is not None and imdb_id in self._by_imdb:
            return self._by_imdb[imdb_id]
        known = self._by_tmdb.get(tmdb_id) if tmdb_id is not None else None
        return known if known is not None and (imdb_id is None or known.imdb_id is None) else None

    def _reject_same_title(self, title: str | None, year: int | None) -> None:
        """Two movies of one title and year need different IMDb ids, even if their TMDB ids differ."""
        twins = self._by_title.get((fold(title), year)) if title else None
        if twins:
            raise AmbiguousMovie(twins, "a movie with this title and year has another TMDB id")

    def _find_by_title(
        self, imdb_id: str | None, tmdb_id: int | None, title: str, year: int | None, off: int
    ) -> list[_Known]:
        """Return the movies with this title, or else those with this original title."""
        key, years = fold(title), {year} if year is None else {year - off, year + off}
        for titles in (self._by_title, self._by_original):
            named = [known for each in years for known in titles.get((key, each), ())]
            fitting = [
                known
                for known in named
                if (imdb_id is None or known.imdb_id is None) and (tmdb_id is None or known.tmdb_id is None)
            ]
            if fitting:
                return fitting
        return []

    def add(self, facts: Mapping[str, Any]) -> int:
        """Add a movie that `find` did not find, and return its id. A TMDB id that another movie has is dropped."""
        row = {**make_row(facts), "id": self._next_id}
        if row["tmdb_id"] in self._by_tmdb:
            row["tmdb_id"] = None
        self._next_id += 1
        self.changes += 1
        self._unwritten.append(row)
        known = _Known(row["id"], row["imdb_id"], row["tmdb_id"])
        self._learn_ids(known)
        self._learn_titles(known, row["year"], row["title_key"], row["original_title_key"])
        if len(self._unwritten) == _BATCH:
            self.flush()
        return int(row["id"])

    def flush(self) -> None:
        """Insert and index what was added; in a dry run, do nothing."""
        if self._dry_run:
            return
        if self._unwritten:
            self._connection.execute(insert(Movie), self._unwritten)
            advance_ids(self._connection, Movie.__table__, self._unwritten[-1]["id"])
            search_index.add_movies(self._connection, self._unwritten)
        self._unwritten.clear()

    def stage(self) -> StagedMovies:
        """Return the movies that were added in a dry run, to be inserted in a transaction."""
        return StagedMovies(self._unwritten, self._similar)


def find_ids_by_imdb_id(connection: Connection, imdb_ids: Collection[str]) -> dict[str, int]:
    """Return the ids of the movies with these IMDb ids. No other rule comes first, so no catalogue is needed."""
    if not imdb_ids:
        return {}
    if len(imdb_ids) * _SEEKS_A_WALK < get_last_id(connection, Movie.__table__):
        return dict(_BY_IMDB_ID.tuples(connection, imdb_ids=encode_values(sorted(imdb_ids))))
    return {imdb_id: movie_id for imdb_id, movie_id in _IMDB_IDS.tuples(connection) if imdb_id in imdb_ids}


# To walk the whole index takes as long as to look for one movie in so many.
_SEEKS_A_WALK = 2
_BATCH = 1000
_WITH_IMDB_ID = select(_movie.imdb_id, _movie.id).where(_movie.imdb_id.is_not(None))
_IMDB_IDS = CompiledStatement(_WITH_IMDB_ID)
_BY_IMDB_ID = CompiledStatement(_WITH_IMDB_ID.where(in_many(_movie.imdb_id, bindparam("imdb_ids"))))
_IDS = select(_movie.id, _movie.imdb_id, _movie.tmdb_id)
