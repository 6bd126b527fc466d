"""Load movies in batches, one transaction each: complete the movies that exist, and add the others.

Rows are matched and new movies prepared before the transaction, so that other writers wait for little. A batch is
matched again inside it if movies were added or changed meanwhile.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from movierating import clock
from movierating.movies import alternative_titles
from movierating.movies.import_counts import ImportCounts
from movierating.movies.matching import AmbiguousMovie, MovieMatcher
from movierating.movies.models import Movie
from movierating.movies.movie_query import MovieQuery
from movierating.movies.retired_movies import RetiredMovies
from movierating.movies.staged_movies import CatalogueChanged, StagedMovies
from movierating.storage.database import read, write
from movierating.storage.dialect import in_many

BATCH_ROWS = 500

_movie = Movie.__table__.c


@dataclass(slots=True)
class CatalogueReport(ImportCounts):
    """Counts of the rows of an import of movies.

    `completed` movies got an IMDb, TMDB or Wikidata id, `titled` ones alternative titles. `skipped` rows are those of
    other titles than movies, and of movies without a year, with too few votes, or that were deleted.
    """

    added: int = 0
    present: int = 0
    completed: int = 0
    titled: int = 0
    skipped: int = 0


class ImportRow(NamedTuple):
    """A valid row: its file and line, the facts and the titles.

    If `is_added` is False, the row completes an existing movie, but no movie is added for it.
    """

    place: str
    facts: dict[str, Any]
    titles: Sequence[str]
    is_added: bool = True


@dataclass(slots=True)
class _Batch:
    """Matched rows: provisional ids of the movies to add, alternative titles by the movie's id, and facts to complete.

    `identified` are the movies that get an IMDb or TMDB id. The report lacks what only the transaction can tell.
    """

    report: CatalogueReport = field(default_factory=CatalogueReport)
    staged: StagedMovies = field(default_factory=StagedMovies)
    added: set[int] = field(default_factory=set)
    titles: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    completed: list[dict[str, Any]] = field(default_factory=list)
    identified: set[int] = field(default_factory=set)

    def write(self, connection: Connection, finish: Callable[[Connection], object]) -> CatalogueReport:
        """Add and complete the movies inside a transaction, and call `finish`. Raise CatalogueChanged."""
        id_offset = self.staged.insert(connection)
        identified = self.identified | _complete(connection, self.completed)
        titles = {
            movie_id + id_offset if movie_id in self.added else movie_id: names
            for movie_id, names in self.titles.items()
        }
        added = {movie_id + id_offset for movie_id in self.added}
        titled = add_catalogue_titles(connection, titles, added)
        finish(connection)
        return replace(self.report, completed=len(identified), titled=titled)


class BatchLoader:
    """Loads batches of rows, and reports what became of all of them.

    With `gives_ids`, a movie gets the ids of its row that it lacks; otherwise only one that learns ids does.
    """

    def __init__(self, *, gives_ids: bool = True) -> None:
        self.report = CatalogueReport()
        self._gives_ids = gives_ids

    def load(
        self, rows: Sequence[ImportRow], finish: Callable[[Connection], object] = lambda _connection: None
    ) -> None:
        """Load a batch; `finish` is the last part of the transaction."""
        batch = self._match(rows, read())
        try:
            report = write(partial(batch.write, finish=finish), own_transaction=True)
        except CatalogueChanged:
            report = write(
                lambda connection: self._match(rows, connection).write(connection, finish),
                own_transaction=True,
            )
        self.report.include(report)

    def _match(self, rows: Sequence[ImportRow], connection: Connection) -> _Batch:
        """Match rows to movies, and stage those of rows that match none. Writes nothing."""
        batch = _Batch()
        queries = [_make_query(row) for row in rows]
        matcher = MovieMatcher(connection, queries, gives_ids=self._gives_ids, with_import_titles=False)
        retired = RetiredMovies(connection, [row.facts for row in rows])
        for row, query in zip(rows, queries, strict=True):
            try:
                movie_id, ids = matcher.find_and_claim(query) or (self._find(retired, row.facts), {})
            except AmbiguousMovie as error:
                batch.report.reject(row.place, error)
                continue
            if movie_id is not None:
                batch.report.present += 1
                if ids:
                    batch.identified.add(movie_id)
                if movie_id not in batch.added:
                    batch.completed += self._list_completed(movie_id, row.facts)
            elif row.is_added and row.facts not in retired:
                movie_id = matcher.add(row.facts)
                batch.added.add(movie_id)
            else:
                batch.report.skipped += 1
                continue
            batch.titles[movie_id] += row.titles
        batch.staged = matcher.stage()
        batch.report.added = len(batch.added)
        return batch

    def _find(self, retired: RetiredMovies, facts: Mapping[str, Any]) -> int | None:
        """Return the id of the movie with the Wikidata id, or of that into which the row's movie was merged."""
        return self._ids_by_wikidata_id.get(facts["wikidata_id"]) or retired.find_survivor(facts)

    @cached_property
    def _ids_by_wikidata_id(self) -> dict[str | None, int]:
        # The column has no index, so all ids are read at once.
        statement = select(_movie.wikidata_id, _movie.id).where(_movie.wikidata_id.is_not(None))
        return dict(map(tuple, read().execute(statement)))

    def _list_completed(self, movie_id: int, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a row for `_complete`, if the row of the file has something for it."""
        wikidata_id = facts["wikidata_id"] if self._gives_ids else None
        prominence = facts.get("prominence")
        if wikidata_id is None and prominence is None:
            return []
        return [{"key": movie_id, "new_wikidata_id": wikidata_id, "new_prominence": prominence}]


def _make_query(row: ImportRow) -> MovieQuery:
    facts = row.facts
    # A movie with too few votes must match by its id: a movie with its title and year is probably another one.
    titles = (facts["title"], facts["original_title"]) if row.is_added else ()
    return MovieQuery(facts["imdb_id"], facts["tmdb_id"], titles, facts["year"])


def _complete(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[int]:
    """Give movies the Wikidata ids that they lack, and the prominence of their rows.

    Return the ids of the movies that got a Wikidata id.
    """
    if not rows:
        return set()
    ids = sorted(row["key"] for row in rows if row["new_wikidata_id"] is not None)
    lacks_id = and_(in_many(_movie.id, ids), _movie.wikidata_id.is_(None))
    identified = set(connection.scalars(select(_movie.id).where(lacks_id)))
    wikidata_id = bindparam("new_wikidata_id", type_=_movie.wikidata_id.type)
    prominence = bindparam("new_prominence", type_=_movie.prominence.type)
    is_changed = or_(
        and_(_movie.wikidata_id.is_(None), wikidata_id.is_not(None)), _movie.prominence != prominence
    )
    changes = {
        "wikidata_id": func.coalesce(_movie.wikidata_id, wikidata_id),
        "prominence": func.coalesce(prominence, _movie.prominence),
        "edit": _movie.edit + 1,
        "updated_at": clock.now(),
    }
    statement = update(Movie).where(_movie.id == bindparam("key"), is_changed).values(changes)
    connection.execute(statement, list(rows))
    return identified


def add_catalogue_titles(
    connection: Connection,
    titles: Mapping[int, Sequence[str]],
    added: frozenset[int] | set[int] = frozenset(),
) -> int:
    """Add alternative titles by the movie's id; return how many movies got some. `added` are new movies.

    A movie of which an admin removed a title gets none: that title must not come back.
    """
    taking = _movie.takes_titles & in_many(_movie.id, sorted(titles))
    taken = {movie_id: titles[movie_id] for movie_id in connection.scalars(select(_movie.id).where(taking))}
    titled = alternative_titles.add_titles(connection, taken, alternative_titles.CATALOGUE)
    changed = in_many(_movie.id, sorted(titled - added))
    edit = {"edit": _movie.edit + 1, "updated_at": clock.now()}
    connection.execute(update(Movie).where(changed).values(edit))
    return len(titled)
