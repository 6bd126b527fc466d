"""Load the bundled movies, or a CSV with the same columns.

An existing movie gets its prominence and alternative titles; its facts are never changed. Rows are loaded in batches,
one transaction each, which are prepared before the transaction so that other writers wait for little.
"""

import functools
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, select, update

from movierating import clock
from movierating.movies import alternative_titles
from movierating.movies.matching import AmbiguousMovie, Catalogue
from movierating.movies.models import DataMigration, Movie
from movierating.movies.movie_csv import InvalidRow, MovieRow, get_bundled_csv, parse_row, read_rows
from movierating.movies.movie_index import MovieQuery
from movierating.movies.retired_movies import RetiredMovies
from movierating.movies.staged_movies import CatalogueChanged, StagedMovies
from movierating.storage.database import batched, catalogue_lock, read, write
from movierating.storage.dialect import in_many, upsert

BATCH_ROWS = 500
# Movies of this prominence and more are widely known; they are loaded before the service starts.
WELL_KNOWN_PROMINENCE = 40
_WELL_KNOWN = "seeded"

_movie = Movie.__table__.c
_milestone = DataMigration.__table__.c
Line = tuple[int, dict[str, str]]


@dataclass(slots=True)
class SeedReport:
    """The number of movies added and already present, and a line for each rejected row."""

    added: int = 0
    present: int = 0
    rejected: list[str] = field(default_factory=list)


def seed_new_database() -> None:
    """Load the well-known bundled movies into a database that has never had them.

    Only one process may call it at a time.
    """
    if _is_reached(_WELL_KNOWN):
        return
    lines = [line for line in read_rows(get_bundled_csv()) if _is_well_known(line)]
    _Loader(lines).load(lines, _WELL_KNOWN)


def is_catalogue_loaded() -> bool:
    """Return True if all bundled movies have been loaded."""
    return _is_reached(_get_catalogue_milestone())


def list_milestones() -> list[str]:
    """Return the names of the data migrations of a database that has all bundled movies."""
    return [_WELL_KNOWN, _get_catalogue_milestone()]


def load_catalogue() -> SeedReport:
    """Load the bundled movies that this database has not had, from where an earlier process stopped.

    One process a database does so at a time; others wait. Well-known movies are not added, so that those that were
    deleted before this version stay deleted.
    """
    with catalogue_lock():
        if is_catalogue_loaded():
            return SeedReport()
        return _load_bundled(resumes=True)


def seed_bundled() -> SeedReport:
    """Add all bundled movies that do not exist, as `load_catalogue` does."""
    with catalogue_lock():
        return _load_bundled(resumes=False)


def _load_bundled(*, resumes: bool) -> SeedReport:
    milestone = _get_catalogue_milestone()
    loader = _Loader(read_rows(get_bundled_csv()), adds_well_known=not resumes)
    # The file is sorted by year. If ids were too, a walk in their order would pass most movies to find those of a year.
    rows = read_rows(get_bundled_csv(), shuffled=True)
    for number, lines in enumerate(batched(rows, BATCH_ROWS)):
        part = f"{milestone} {number}"
        if not (resumes and _is_reached(part)):
            loader.load(lines, part)
    write(functools.partial(_finish, milestone), ())
    return loader.report


def _finish(milestone: str, connection: Connection) -> None:
    """Replace the milestones of the batches by that of the whole catalogue."""
    connection.execute(delete(DataMigration).where(_milestone.name.startswith(f"{milestone} ")))
    _record(connection, milestone)


def _record(connection: Connection, milestone: str) -> None:
    statement = upsert(connection.dialect, DataMigration).values(name=milestone, reached_at=clock.now())
    connection.execute(statement.on_conflict_do_nothing())


def _is_reached(milestone: str) -> bool:
    return read().scalar(select(_milestone.name).where(_milestone.name == milestone)) is not None


def _get_catalogue_milestone() -> str:
    path = get_bundled_csv()
    return f"catalogue {_get_checksum(path, path.stat().st_mtime_ns)}"


@functools.lru_cache(2)
def _get_checksum(path: Path, _modified: int) -> str:
    return f"{zlib.crc32(path.read_bytes()):08x}"


def _is_well_known(line: Line) -> bool:
    return int(line[1].get("prominence") or 0) >= WELL_KNOWN_PROMINENCE


def seed_from_csv(path: Path) -> SeedReport:
    """Add the movies of a CSV that do not exist yet. Raise InvalidMovieCsv before anything is written."""
    loader = _Loader(read_rows(path), bundled=False)
    for lines in batched(read_rows(path), BATCH_ROWS):
        loader.load(lines, None)
    return loader.report


@dataclass(slots=True)
class _Batch:
    """Movies to add, with titles by provisional id; matched rows, with the movie's id; reasons by rejected line."""

    staged: StagedMovies
    titles: dict[int, list[str]]
    present: list[tuple[int, MovieRow]]
    rejected: dict[int, str]


class _Loader:
    """Loads rows in batches and counts what became of them."""

    def __init__(self, lines: Iterable[Line], *, bundled: bool = True, adds_well_known: bool = True) -> None:
        """Read all rows of a file once. Raise InvalidMovieCsv. Tests have validated the bundled file."""
        self.report = SeedReport()
        self._bundled = bundled
        self._adds_well_known = adds_well_known
        wikidata_ids = {row.get("wikidata_id") for _, row in lines} - {None, ""}
        known = select(_movie.wikidata_id, _movie.id).where(in_many(_movie.wikidata_id, sorted(wikidata_ids)))
        # The column has no index, so all are looked up at once.
        self._by_wikidata_id: dict[str, int] = dict(map(tuple, read().execute(known)))

    def load(self, lines: Iterable[Line], milestone: str | None) -> None:
        """Load some rows and record the milestone, in one transaction."""
        rows, rejected = [], {}
        for line, text in lines:
            try:
                rows.append(parse_row(line, text, validated=self._bundled))
            except InvalidRow as error:
                rejected[line] = str(error)
        try:
            matched = self._match(rows, read())
            batch = write(lambda connection: _apply(connection, matched, milestone))
        except CatalogueChanged:
            batch = write(lambda connection: _apply(connection, self._match(rows, connection), milestone))
        rejected |= batch.rejected
        self.report.added += len(batch.titles)
        self.report.present += len(batch.present)
        self.report.rejected += [reason for _, reason in sorted(rejected.items())]

    def _match(self, rows: list[MovieRow], connection: Connection) -> _Batch:
        """Match rows to movies, and stage those of rows that match none. Writes nothing."""
        queries = [_make_query(row.facts) for row in rows]
        catalogue = Catalogue(connection, queries, dry_run=True)
        retired = RetiredMovies(connection, [row.facts for row in rows])
        titles: dict[int, list[str]] = {}
        present: list[tuple[int, MovieRow]] = []
        rejected: dict[int, str] = {}
        for row, query in zip(rows, queries, strict=True):
            try:
                movie_id = catalogue.find(query)
            except AmbiguousMovie as error:
                rejected[row.line] = f"line {row.line}: {error}"
                continue
            movie_id = movie_id or self._by_wikidata_id.get(row.facts["wikidata_id"])
            if movie_id is None and row.facts in retired:
                movie_id = retired.find_survivor(row.facts)
                if movie_id is None:
                    continue
            if movie_id is not None:
                present.append((movie_id, row))
            elif self._adds_well_known or row.facts.get("prominence", 0) < WELL_KNOWN_PROMINENCE:
                titles[catalogue.add(row.facts)] = row.alternative_titles
        return _Batch(catalogue.stage(), titles, present, rejected)


def _make_query(facts: Mapping[str, Any]) -> MovieQuery:
    titles = (facts["title"], facts["original_title"])
    return MovieQuery(facts["imdb_id"], facts["tmdb_id"], titles, facts["year"])


def _apply(connection: Connection, batch: _Batch, milestone: str | None) -> _Batch:
    """Insert and complete movies, record the milestone, and return the batch. Raise CatalogueChanged."""
    moved = batch.staged.insert(connection)
    titles = {movie_id + moved: names for movie_id, names in batch.titles.items()}
    alternative_titles.add_titles(connection, titles, alternative_titles.CATALOGUE)
    _complete(connection, {movie_id: row for movie_id, row in batch.present if movie_id not in batch.titles})
    if milestone is not None:
        _record(connection, milestone)
    return batch


def _complete(connection: Connection, rows: Mapping[int, MovieRow]) -> None:
    """Give existing movies the prominence and the alternative titles of their rows."""
    prominences = [
        {"key": movie_id, "value": row.facts["prominence"]}
        for movie_id, row in rows.items()
        if "prominence" in row.facts
    ]
    if prominences:
        is_changed = and_(_movie.id == bindparam("key"), _movie.prominence != bindparam("value"))
        changes = {"prominence": bindparam("value"), "edit": _movie.edit + 1}
        connection.execute(update(Movie).where(is_changed).values(changes), prominences)
    titles = {movie_id: row.alternative_titles for movie_id, row in rows.items()}
    changed = alternative_titles.add_titles(connection, titles, alternative_titles.CATALOGUE)
    chosen = in_many(_movie.id, sorted(changed))
    connection.execute(update(Movie).where(chosen).values(edit=_movie.edit + 1))
