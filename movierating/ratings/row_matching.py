"""Match the rows of an uploaded file to movies.

Rows that name a movie exactly come first, by an id or by title and year. A row whose title has a movie a year off means
that one only if no other row does: a remake, or the short that a film began as, often came out a year apart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from movierating.movies.matching import AmbiguousMovie, Catalogue, MovieQuery, find_ids_by_imdb_id
from movierating.movies.schemas import CreateMovieSchema
from movierating.movies.staged_movies import StagedMovies
from movierating.ratings.formats.rows import RatedRow

# They are added while others wait to write.
MAX_MOVIES_ADDED = 5_000


@dataclass(slots=True)
class RowMatches:
    """The newest row of each movie, by the movie's id, and what became of the other rows.

    `skipped` counts rows that are no movies, and the older rows of a movie. `missing` are the rows that name no movie
    exactly. `staged` are the movies to add; until they are inserted, their ids are provisional.
    """

    newest: dict[int, RatedRow] = field(default_factory=dict)
    skipped: int = 0
    missing: list[RatedRow] = field(default_factory=list)
    staged: StagedMovies | None = None
    _ids: dict[int, tuple[str | None, int | None]] = field(default_factory=dict)
    _unmatched: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)

    def add(self, movie_id: int, row: RatedRow) -> None:
        """Add a row; of several rows of a movie the newest counts, and of two as old the later one."""
        other = self.newest.setdefault(movie_id, row)
        if other is not row:
            self.skipped += 1
            if _moment(row) >= _moment(other):
                self.newest[movie_id] = row

    def add_by_title(self, movie_id: int, row: RatedRow) -> None:
        """Add a row matched by title, unless another row with other ids already means this movie."""
        imdb_id, tmdb_id = self._ids.get(movie_id, (None, None))
        if _differ(imdb_id, row.imdb_id) or _differ(tmdb_id, row.tmdb_id):
            self.mark_unmatched(row, "another row of the file, with another id, means this movie", [movie_id])
        else:
            self._ids[movie_id] = (imdb_id or row.imdb_id, tmdb_id or row.tmdb_id)
            self.add(movie_id, row)

    def mark_unmatched(self, row: RatedRow, reason: str, candidates: Sequence[int] = ()) -> None:
        """Report that the row's movie is unknown, with a reason for the user and the ids of movies it may be."""
        report: dict[str, Any] = {"line": row.line, "title": row.title, "year": row.year}
        report |= {"reason": prefix_file_name(row.file, reason), "candidates": list(candidates)}
        self._unmatched.append((row.file, row.line, report))

    @property
    def unmatched(self) -> list[dict[str, Any]]:
        """Return a dict for each row whose movie is unknown, in the file's order."""
        return [report for *_, report in sorted(self._unmatched, key=lambda entry: entry[:2])]

    def copy(self) -> "RowMatches":
        """Return another one that can be added to."""
        return RowMatches(dict(self.newest), self.skipped, [], None, dict(self._ids), list(self._unmatched))

    def insert_staged(self, connection: Connection) -> "RowMatches":
        """Insert the staged movies inside the caller's transaction; return the matches with their final ids.

        Raises CatalogueChanged.
        """
        moved = self.staged.insert(connection) if self.staged else 0
        return self._renumber(self.staged.first_id, moved) if self.staged and moved else self

    def _renumber(self, first_id: int, moved: int) -> "RowMatches":
        def renumber(movie_id: int) -> int:
            return movie_id + moved if movie_id >= first_id else movie_id

        newest = {renumber(movie_id): row for movie_id, row in self.newest.items()}
        unmatched = [
            (file, line, {**report, "candidates": list(map(renumber, report["candidates"]))})
            for file, line, report in self._unmatched
        ]
        return RowMatches(newest, self.skipped, _unmatched=unmatched)


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def prefix_file_name(file: str, reason: str) -> str:
    """Return the reason, with the file's name if the file is in a ZIP."""
    return f"{file}: {reason}" if file else reason


def _moment(row: RatedRow) -> float:
    # A row without a time gives way to any that has one, be it from before 1970.
    return -math.inf if row.rated_at is None else row.rated_at


def match_exactly(connection: Connection, rows: Sequence[RatedRow]) -> RowMatches:
    """Match the rows that name a movie by an id, or by title and year; any connection will do."""
    matches = RowMatches()
    by_imdb_id = find_ids_by_imdb_id(connection, {row.imdb_id for row in rows if row.imdb_id})
    others = [row for row in rows if row.imdb_id not in by_imdb_id]
    catalogue = _catalogue(connection, others)
    for row in rows:
        movie_id = by_imdb_id.get(row.imdb_id or "")
        if movie_id is not None:
            matches.add(movie_id, row)
        else:
            _match_exactly(catalogue, row, matches)
    return matches


def _match_exactly(catalogue: Catalogue, row: RatedRow, matches: RowMatches) -> None:
    try:
        movie_id = catalogue.find(_query(row))
    except AmbiguousMovie as error:
        matches.mark_unmatched(row, str(error), error.movie_ids)
        return
    if movie_id is None:
        matches.missing.append(row)
    else:
        matches.add_by_title(movie_id, row)


def match_missing(connection: Connection, exact: RowMatches, *, create_missing: bool) -> RowMatches:
    """Return `exact` with the movies of its `missing` rows: those a year off, or staged if `create_missing`.

    Writes nothing; any connection will do.
    """
    matches = exact.copy()
    catalogue = _catalogue(connection, exact.missing)
    nearby = _Nearby(catalogue, set(exact.newest))
    for row in exact.missing:
        # The movie may have been added meanwhile, by another client or for an earlier row.
        known = len(matches.missing)
        _match_exactly(catalogue, row, matches)
        if len(matches.missing) > known:
            _match_missing(catalogue, row, matches, nearby, create_missing)
    matches.staged = catalogue.stage()
    return matches


def _match_missing(
    catalogue: Catalogue, row: RatedRow, matches: RowMatches, nearby: "_Nearby", create_missing: bool
) -> None:
    if row.kind is not None:
        matches.skipped += 1
        return
    try:
        movie_id = nearby.find(row)
    except AmbiguousMovie as error:
        matches.mark_unmatched(row, str(error), error.movie_ids)
        return
    if movie_id is not None:
        matches.add_by_title(movie_id, row)
    elif reason := _why_not_added(row, catalogue, create_missing):
        matches.mark_unmatched(row, reason)
    else:
        movie_id = catalogue.add(_facts(row))
        nearby.named.add(movie_id)
        matches.add_by_title(movie_id, row)


def _why_not_added(row: RatedRow, catalogue: Catalogue, create_missing: bool) -> str | None:
    if not create_missing:
        has_key = row.year is not None or row.imdb_id is not None or row.tmdb_id is not None
        return "there is no such movie" if has_key else "without a year or an id its movie can't be told"
    if catalogue.changes >= MAX_MOVIES_ADDED:
        return f"a file adds {MAX_MOVIES_ADDED:,} movies at most; import it again for the others"
    refusal = _refusal(row)
    return refusal and f"there is no such movie, and it can't be added: {refusal}"


class _Nearby:
    """Movies a year off, but for those that are `named` by a row exactly, or meant by one of another year."""

    def __init__(self, catalogue: Catalogue, named: set[int]) -> None:
        self.named = named
        self._catalogue = catalogue
        self._meant_in: dict[int, int | None] = {}

    def find(self, row: RatedRow) -> int | None:
        """Raises AmbiguousMovie."""
        movie_id = self._catalogue.find(_query(row), nearby=True)
        if movie_id is None or movie_id in self.named:
            return None
        return movie_id if self._meant_in.setdefault(movie_id, row.year) == row.year else None


def _catalogue(connection: Connection, rows: Sequence[RatedRow]) -> Catalogue:
    return Catalogue(connection, list(map(_query, rows)), dry_run=True)


def _query(row: RatedRow) -> MovieQuery:
    titles = (row.title, row.alternative_title) if row.kind is None else ()
    return MovieQuery(row.imdb_id, row.tmdb_id, titles, row.year)


def _facts(row: RatedRow) -> dict[str, Any]:
    facts = {
        "title": row.title,
        "original_title": row.alternative_title,
        "year": row.year,
        "imdb_id": row.imdb_id,
        "tmdb_id": row.tmdb_id,
    }
    return {name: value for name, value in facts.items() if value is not None}


_schema = CreateMovieSchema()


def _refusal(row: RatedRow) -> str | None:
    """Return why a movie of this row's title and year can't be added, or None."""
    errors = _schema.validate(_facts(row))
    return "; ".join(f"{name}: {' '.join(map(str, why))}" for name, why in errors.items()) or None
