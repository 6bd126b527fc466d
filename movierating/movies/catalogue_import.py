"""Import movies from IMDb's data sets, or from CSV files with the columns of the bundled one.

Existing movies get ids and alternative titles that they lack, and the prominence of a CSV; their other facts are never
changed. Rows are loaded in batches, so an import that is interrupted keeps what it has done, and the next one resumes
it. Memory does not depend on the size of the files: ids with enough votes are in a temporary database on disk.
"""

import sqlite3
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import marshmallow as ma

from movierating.http.fields import SingleLineString
from movierating.movies import imdb_files, movie_csv
from movierating.movies.imdb_files import AKAS, BASICS, RATINGS, ImdbFile, InvalidFile, Line, Progress
from movierating.movies.import_batch import (
    BATCH_ROWS,
    BatchLoader,
    CatalogueReport,
    ImportRow,
    add_catalogue_titles,
)
from movierating.movies.movie_ids import find_ids_by_imdb_id
from movierating.movies.names import list_titles
from movierating.movies.schemas import CreateMovieSchema
from movierating.storage.database import batched, read, write

# How many IMDb ids are looked up together, and how many of their titles are held in memory.
_MAX_IDS, _MAX_TITLES = 5_000, 50_000
# Movies that get alternative titles in one transaction. Reindexing takes 0.1 ms a movie.
_TITLED_MOVIES = 100

_schema = CreateMovieSchema()
_title_field = SingleLineString(max_length=500)


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
        except InvalidFile as error:
            raise InvalidFile(f"{error}. A file may also be IMDb's {BASICS}, {RATINGS} or {AKAS}.") from error
    return CatalogueFiles(sorted(imdb, key=lambda file: (RATINGS, BASICS, AKAS).index(file.kind)), csv)


def import_catalogue(
    files: CatalogueFiles, min_votes: int | None = None, progress: Progress = lambda _bytes: None
) -> CatalogueReport:
    """Add and complete movies; a movie with fewer than `min_votes` votes is completed, but not added.

    `progress` is called with the number of bytes of the files that are done. Raise InvalidFile for a damaged file; what
    was imported by then stays.
    """
    with closing(sqlite3.connect("")) as voted:
        voted.execute("CREATE TABLE voted (imdb_id TEXT PRIMARY KEY) WITHOUT ROWID")
        return _Import(voted, min_votes).run(files, progress)


class _Import:
    """An import in progress: its report, and the ids with enough votes in a temporary database."""

    def __init__(self, voted: sqlite3.Connection, min_votes: int | None) -> None:
        self._voted = voted
        self._min_votes = min_votes
        self._loader = BatchLoader()
        self._report = self._loader.report

    def run(self, files: CatalogueFiles, progress: Progress) -> CatalogueReport:
        """Import the files one after another; `progress` as in `import_catalogue`."""
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

    def _parse(
        self, file: ImdbFile, lines: Iterator[Line], parse: Callable[[list[bytes]], Any]
    ) -> Iterator[tuple[int, Any]]:
        """Yield the number of each line, and what `parse` returns for its cells. Report the invalid lines."""
        for line in lines:
            try:
                if line.cells is None:
                    raise ValueError(f"does not have {file.column_count} columns")
                parsed = parse(line.cells)
            except ValueError as error:
                self._report.reject(f"{file.path.name}:{line.number}", error)
            else:
                yield line.number, parsed

    def _load_ratings(self, file: ImdbFile, lines: Iterator[Line]) -> None:
        """Store the ids with enough votes."""
        if self._min_votes is None:
            return
        parsed = self._parse(file, lines, imdb_files.parse_votes)
        ids = ((imdb_id,) for _, (imdb_id, votes) in parsed if votes >= self._min_votes)
        self._voted.executemany("INSERT OR IGNORE INTO voted VALUES (?)", ids)

    def _has_votes(self, imdb_id: str) -> bool:
        if self._min_votes is None:
            return True
        row = self._voted.execute("SELECT 1 FROM voted WHERE imdb_id = ?", (imdb_id,)).fetchone()
        return row is not None

    def _load_basics(self, file: ImdbFile, lines: Iterator[Line]) -> None:
        self._load_rows(self._read_basics(file, lines))

    def _read_basics(self, file: ImdbFile, lines: Iterator[Line]) -> Iterator[ImportRow]:
        for number, facts in self._parse(file, lines, imdb_files.parse_movie):
            if facts is None:
                self._report.skipped += 1
                continue
            place = f"{file.path.name}:{number}"
            try:
                facts = _schema.load(facts)
            except ma.ValidationError as error:
                self._report.reject(place, movie_csv.describe_errors(error.messages_dict))
                continue
            # If the row matches a movie with other titles, they become alternative titles.
            yield ImportRow(place, facts, list_titles(facts), self._has_votes(facts["imdb_id"]))

    def _read_csv(self, path: Path, progress: Progress) -> Iterator[ImportRow]:
        for line, text in movie_csv.read_rows(path, progress):
            try:
                row = movie_csv.parse_row(line, text)
            except movie_csv.InvalidRow as error:
                self._report.reject(path.name, error)
            else:
                titles = [*list_titles(row.facts), *row.alternative_titles]
                yield ImportRow(f"{path.name}:{line}", row.facts, titles)

    def _load_rows(self, rows: Iterator[ImportRow]) -> None:
        for batch in batched(rows, BATCH_ROWS):
            self._loader.load(batch)

    def _load_akas(self, file: ImdbFile, lines: Iterator[Line]) -> None:
        """Add alternative titles to the movies with the ids."""
        titles = defaultdict[str, list[str]](list)
        count = 0
        for _, parsed in self._parse(file, lines, imdb_files.parse_alternative_title):
            if parsed is not None:
                imdb_id, title = parsed
                titles[imdb_id].append(title)
                count += 1
            if len(titles) == _MAX_IDS or count == _MAX_TITLES:
                self._add_titles(titles)
                titles.clear()
                count = 0
        self._add_titles(titles)

    def _add_titles(self, titles: Mapping[str, Sequence[str]]) -> None:
        movie_ids = find_ids_by_imdb_id(read(), titles)
        for batch in batched(movie_ids.items(), _TITLED_MOVIES):
            titles_by_id = {movie_id: _load_titles(titles[imdb_id]) for imdb_id, movie_id in batch}
            job = partial(add_catalogue_titles, titles=titles_by_id)
            self._report.titled += write(job, own_transaction=True)


def _advance(progress: Progress, before: int, done: int) -> None:
    progress(before + done)


def _load_titles(texts: Sequence[str]) -> list[str]:
    """Return the valid titles among these texts, as a request would set them."""
    titles: list[str] = []
    for text in texts:
        with suppress(ma.ValidationError):
            titles.append(_title_field.deserialize(text))
    return titles
