"""Which movies the rows of somebody's file mean."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from movierating.movies.matching import AmbiguousError, Catalogue, Wanted, ids_by_imdb_id
from movierating.movies.schemas import NewMovieSchema
from movierating.ratings.formats.rows import RatedRow


@dataclass(slots=True)
class Matches:
    """The newest row of each movie, by its id, and what became of the others.

    `unmatched` holds a dict for each row whose movie can't be told; `skipped` counts those that are no movies, and the
    older ones of a movie.
    """

    newest: dict[int, RatedRow] = field(default_factory=dict)
    unmatched: list[dict[str, Any]] = field(default_factory=list)
    skipped: int = 0

    def add(self, movie_id: int, row: RatedRow) -> None:
        """Of several rows of a movie the newest counts, and of two as old the later one."""
        other = self.newest.setdefault(movie_id, row)
        if other is not row:
            self.skipped += 1
            if _moment(row) >= _moment(other):
                self.newest[movie_id] = row

    def leave(self, row: RatedRow, reason: str, candidates: list[int]) -> None:
        """The row goes nowhere, for a reason that a person understands."""
        told = {"line": row.line, "title": row.title, "year": row.year}
        self.unmatched.append({**told, "reason": placed(row.file, reason), "candidates": candidates})


def placed(file: str, reason: str) -> str:
    """The reason, with the file's name if it lies in a ZIP."""
    return f"{file}: {reason}" if file else reason


def _moment(row: RatedRow) -> float:
    # A row without a time gives way to any that has one, be it from before 1970.
    return -math.inf if row.rated_at is None else row.rated_at


def match_rows(
    connection: Connection, rows: Sequence[RatedRow], *, create_missing: bool = False, dry_run: bool = False
) -> Matches:
    """Tell the movies of a file's rows, adding those that are not there if `create_missing`.

    Movies are added inside the caller's write transaction; in a dry run they only get ids. Without `create_missing`
    nothing is written, and any connection will do.
    """
    matches, by_imdb_id = Matches(), ids_by_imdb_id(connection, {row.imdb_id for row in rows if row.imdb_id})
    others = [row for row in rows if row.imdb_id not in by_imdb_id]
    wanted = [Wanted(row.imdb_id, row.tmdb_id, _titles(row)) for row in others]
    catalogue = Catalogue(connection, wanted, dry_run=dry_run) if wanted else None
    for row in rows:
        movie_id = by_imdb_id.get(row.imdb_id or "")
        if movie_id is not None:
            matches.add(movie_id, row)
        elif catalogue is not None:
            _match_row(catalogue, row, create_missing, matches)
    if catalogue is not None:
        catalogue.flush()
    return matches


def _match_row(catalogue: Catalogue, row: RatedRow, create_missing: bool, matches: Matches) -> None:
    try:
        movie_id = catalogue.find(row.imdb_id, row.tmdb_id, _titles(row), row.year, nearby=True)
    except AmbiguousError as error:
        matches.leave(row, str(error), error.movie_ids)
        return
    if movie_id is not None:
        matches.add(movie_id, row)
    elif row.kind is not None:
        matches.skipped += 1
    elif not create_missing:
        matches.leave(row, "there is no such movie", [])
    elif refusal := _refusal(row):
        matches.leave(row, f"there is no such movie, and it can't be added: {refusal}", [])
    else:
        matches.add(catalogue.add(_facts(row)), row)


def _titles(row: RatedRow) -> tuple[str | None, ...]:
    return (row.title, row.alternative_title) if row.kind is None else ()


def _facts(row: RatedRow) -> dict[str, Any]:
    facts = {
        "title": row.title,
        "original_title": row.alternative_title,
        "year": row.year,
        "imdb_id": row.imdb_id,
        "tmdb_id": row.tmdb_id,
    }
    return {name: value for name, value in facts.items() if value is not None}


_schema = NewMovieSchema()


def _refusal(row: RatedRow) -> str | None:
    """Why a movie of this row's title and year can't be added, or None."""
    errors = _schema.validate(_facts(row))
    return "; ".join(f"{name}: {' '.join(map(str, why))}" for name, why in errors.items()) or None
