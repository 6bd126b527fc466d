"""Import movies from IMDb's data sets, or from CSV files with the columns of the bundled one.

Existing movies get ids and alternative titles that they lack; their other facts are never changed. Rows are loaded in
batches, one transaction each, so an import that is interrupted keeps what it has done, and the next one resumes it.
Memory does not depend on the size of the files: ids with enough votes are in a temporary database on disk.
"""

import sqlite3
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import marshmallow as ma
from sqlalchemy import Connection, bindparam, update

from movierating import clock
from movierating.http.fields import SingleLineString
from movierating.movies import alternative_titles, imdb_files, movie_csv
from movierating.movies.imdb_files import AKAS, BASICS, RATINGS, ImdbFile, InvalidFile, Line, Progress
from movierating.movies.matching import AmbiguousMovie, Catalogue, find_ids_by_imdb_id
from movierating.movies.models import Movie
from movierating.movies.movie_index import MovieQuery
from movierating.movies.schemas import CreateMovieSchema
from movierating.storage.database import batched, read, write
from movierating.storage.dialect import in_many

_BATCH_ROWS = 500
# IMDb ids that are looked up together, and their titles.
_MAX_IDS, _MAX_TITLES = 5_000, 50_000
_MAX_REASONS = 50

_movie = Movie.__table__.c
_schema = CreateMovieSchema()
_title_field = SingleLineString(max_length=500)


@dataclass(slots=True)
class ImportReport:
    """Counts of the rows of an import.

    `completed` movies got an id, `titled` ones alternative titles. `skipped` rows are of no movie, of a movie without a
    year, or of one with too few votes. `rejected` counts invalid rows; `reasons` has a line for each of the first.
    """

    added: int = 0
    present: int = 0
    completed: int = 0
    titled: int = 0
    skipped: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def reject(self, place: str, reason: object) -> None:
        """Count an invalid row."""
        self.rejected += 1
        if len(self.reasons) < _MAX_REASONS:
            self.reasons.append(f"{place}: {reason}")

    def include(self, part: "ImportReport") -> None:
        """Add the counts of a batch."""
        for count in fields(self)[:-1]:
            setattr(self, count.name, getattr(self, count.name) + getattr(part, count.name))
        self.reasons += part.reasons[: _MAX_REASONS - len(self.reasons)]


class _Row(NamedTuple):
    """A valid row: its file and line, the facts, the titles, and whether a movie that does not exist is added."""

    place: str
    facts: dict[str, Any]
    titles: Sequence[str]
    is_added: bool = True


@dataclass(frozen=True)
class CatalogueFiles:
    """The files of an import, in the order in which they are read."""

    imdb: list[ImdbFile]
    csv: list[Path]

    @property
    def size(self) -> int:
        """Return the size of all files in bytes."""
        return sum(path.stat().st_size for path in (*(file.path for file in self.imdb), *self.csv))

    def has(self, kind: str) -> bool:
        """Return True if one of the files is IMDb's of this kind."""
        return any(file.kind == kind for file in self.imdb)


def open_files(paths: Sequence[Path]) -> CatalogueFiles:
    """Return the files by their kinds. Raise InvalidFile for any other file, and a CSV that can't be read."""
    imdb = [file for path in paths if (file := imdb_files.open_file(path)) is not None]
    known = {file.path for file in imdb}
    csv = [path for path in paths if path not in known]
    for path in csv:
        try:
            deque(movie_csv.read_rows(path), maxlen=0)
        except movie_csv.InvalidMovieCsv as error:
            raise InvalidFile(f"{error}, or be one of IMDb's {BASICS}, {RATINGS} or {AKAS}.") from error
    return CatalogueFiles(sorted(imdb, key=lambda file: (RATINGS, BASICS, AKAS).index(file.kind)), csv)


def import_catalogue(files: CatalogueFiles, min_votes: int | None, progress: Progress) -> ImportReport:
    """Add and complete movies; a movie with fewer than `min_votes` votes is completed, but not added.

    `progress` is called with the number of bytes of the files that are done. Raise InvalidFile for a damaged file; what
    was imported by then stays.
    """
    with closing(sqlite3.connect("")) as voted:
        voted.execute("CREATE TABLE voted (imdb_id TEXT PRIMARY KEY) WITHOUT ROWID")
        return _Import(voted, min_votes).run(files, progress)


class _Import:
    def __init__(self, voted: sqlite3.Connection, min_votes: int | None) -> None:
        self._voted = voted
        self._min_votes = min_votes
        self._report = ImportReport()

    def run(self, files: CatalogueFiles, progress: Progress) -> ImportReport:
        done = 0
        for file in files.imdb:
            load = {RATINGS: self._load_ratings, BASICS: self._load_basics, AKAS: self._load_akas}[file.kind]
            load(file, file.read(partial(_advance, progress, done)))
            done += file.path.stat().st_size
        for path in files.csv:
            self._load_rows(self._read_csv(path, partial(_advance, progress, done)))
            done += path.stat().st_size
        progress(done)
        return self._report

    def _parse(self, file: ImdbFile, line: Line, parse: Callable[[list[bytes]], Any]) -> Any:
        """Return what `parse` makes of a line; None if it is invalid or there is nothing to import."""
        try:
            if line.cells is None:
                raise ValueError(f"has not {file.width} columns")
            return parse(line.cells)
        except ValueError as error:
            self._report.reject(f"{file.path.name}:{line.number}", error)
            return None

    def _load_ratings(self, file: ImdbFile, lines: Iterator[Line]) -> None:
        """Store the ids with enough votes."""
        if self._min_votes is None:
            return
        parsed = (self._parse(file, line, imdb_files.parse_votes) for line in lines)
        ids = ((row[0],) for row in parsed if row is not None and row[1] >= self._min_votes)
        self._voted.executemany("INSERT OR IGNORE INTO voted VALUES (?)", ids)

    def _has_votes(self, imdb_id: str) -> bool:
        found = "SELECT 1 FROM voted WHERE imdb_id = ?"
        return self._min_votes is None or self._voted.execute(found, (imdb_id,)).fetchone() is not None

    def _load_basics(self, file: ImdbFile, lines: Iterator[Line]) -> None:
        self._load_rows(self._read_basics(file, lines))

    def _read_basics(self, file: ImdbFile, lines: Iterator[Line]) -> Iterator[_Row]:
        for line in lines:
            rejected = self._report.rejected
            facts = self._parse(file, line, imdb_files.parse_movie)
            if facts is None:
                self._report.skipped += self._report.rejected == rejected
                continue
            place = f"{file.path.name}:{line.number}"
            try:
                facts = _schema.load(facts)
            except ma.ValidationError as error:
                self._report.reject(place, movie_csv.describe_errors(error.messages_dict))
                continue
            titles = [title for title in (facts["title"], facts["original_title"]) if title]
            yield _Row(place, facts, titles, self._has_votes(facts["imdb_id"]))

    def _read_csv(self, path: Path, progress: Progress) -> Iterator[_Row]:
        for line, text in movie_csv.read_rows(path, progress):
            try:
                row = movie_csv.parse_row(line, text)
            except movie_csv.InvalidRow as error:
                self._report.reject(path.name, error)
            else:
                yield _Row(f"{path.name}:{line}", row.facts, row.alternative_titles)

    def _load_rows(self, rows: Iterator[_Row]) -> None:
        for batch in batched(rows, _BATCH_ROWS):
            self._report.include(write(partial(_load_batch, batch), own_transaction=True))

    def _load_akas(self, file: ImdbFile, lines: Iterator[Line]) -> None:
        """Add alternative titles to the movies with the ids."""
        titles = defaultdict[str, list[str]](list)
        count = 0
        for line in lines:
            parsed = self._parse(file, line, imdb_files.parse_alternative_title)
            if parsed is not None:
                titles[parsed[0]].append(parsed[1])
                count += 1
            if len(titles) == _MAX_IDS or count == _MAX_TITLES:
                self._add_titles(titles)
                titles.clear()
                count = 0
        self._add_titles(titles)

    def _add_titles(self, titles: Mapping[str, Sequence[str]]) -> None:
        movie_ids = find_ids_by_imdb_id(read(), titles)
        for batch in batched(movie_ids.items(), _BATCH_ROWS):
            titles_by_id = {movie_id: list(filter(_is_title, titles[imdb_id])) for imdb_id, movie_id in batch}
            job = partial(_add_titles, titles=titles_by_id)
            self._report.titled += write(job, own_transaction=True)


def _advance(progress: Progress, before: int, done: int) -> None:
    progress(before + done)


def _is_title(text: str) -> bool:
    try:
        _title_field.deserialize(text)
    except ma.ValidationError:
        return False
    return True


def _load_batch(rows: Sequence[_Row], connection: Connection) -> ImportReport:
    """Match, complete and add the movies of some rows inside a transaction; report these alone."""
    report = ImportReport()
    queries = [_make_query(row) for row in rows]
    catalogue = Catalogue(connection, queries)
    added, titles, wikidata_ids = set[int](), defaultdict[int, list[str]](list), dict[int, str]()
    for row, query in zip(rows, queries, strict=True):
        changes = catalogue.changes
        try:
            movie_id = catalogue.find_and_complete(query)
        except AmbiguousMovie as error:
            report.reject(row.place, error)
            continue
        if movie_id is not None:
            report.present += 1
            report.completed += catalogue.changes - changes
            wikidata_ids[movie_id] = row.facts["wikidata_id"]
        elif row.is_added:
            movie_id = catalogue.add(row.facts)
            added.add(movie_id)
        else:
            report.skipped += 1
            continue
        titles[movie_id] += row.titles
    catalogue.flush()
    report.added = len(added)
    report.titled = _add_titles(connection, titles, added)
    _complete_wikidata_ids(connection, wikidata_ids)
    return report


def _make_query(row: _Row) -> MovieQuery:
    facts = row.facts
    # A movie with few votes is not what another row means that has its title and year only.
    titles = (facts["title"], facts["original_title"]) if row.is_added else ()
    return MovieQuery(facts["imdb_id"], facts["tmdb_id"], titles, facts["year"])


def _add_titles(
    connection: Connection,
    titles: Mapping[int, Sequence[str]],
    added: frozenset[int] | set[int] = frozenset(),
) -> int:
    """Add alternative titles by the movie's id; return how many movies got some. `added` are new movies."""
    titled = alternative_titles.add_titles(connection, titles, alternative_titles.CATALOGUE)
    changed = in_many(_movie.id, sorted(titled - added))
    edit = {"edit": _movie.edit + 1, "updated_at": clock.now()}
    connection.execute(update(Movie).where(changed).values(edit))
    return len(titled)


def _complete_wikidata_ids(connection: Connection, wikidata_ids: Mapping[int, str | None]) -> None:
    rows = [{"key": movie_id, "value": value} for movie_id, value in wikidata_ids.items() if value]
    if rows:
        lacks_id = (_movie.id == bindparam("key")) & _movie.wikidata_id.is_(None)
        edit = {"wikidata_id": bindparam("value"), "edit": _movie.edit + 1, "updated_at": clock.now()}
        connection.execute(update(Movie).where(lacks_id).values(edit), rows)
