"""A person's ratings out of a file: matched to movies, and written all or not at all, with a report of every row."""

import math
from collections import Counter
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from sqlalchemy import Connection

from movierating.database import write
from movierating.movies.matching import AmbiguousError, Catalogue, Wanted
from movierating.movies.schemas import NewMovieSchema
from movierating.problems import invalid
from movierating.ratings.bulk import Given, OnConflict, put_many
from movierating.ratings.formats.rows import RatedRow, Row, SkippedRow, UnknownFormat
from movierating.ratings.formats.uploads import open_upload


@dataclass(slots=True)
class Report:
    """What became of a file's rows: each counts once. `unmatched` and `errors` hold one dict a row."""

    format: str
    dry_run: bool
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    unmatched: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)


class _NothingIsWritten(Exception):
    """Ends a dry run's transaction, and takes its report out of it."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


def import_file(
    user_id: int,
    file: BinaryIO,
    wanted: str | None = None,
    *,
    dry_run: bool = False,
    create_missing: bool = False,
    on_conflict: OnConflict = "newer",
) -> Report:
    """Give a user the ratings of a file, in one transaction; a dry run reports the same and writes nothing.

    Its format is told from its content, or has to be `wanted`. A movie that isn't there is added if `create_missing`,
    and otherwise its row is unmatched; one that exists is never changed. `on_conflict` is as for `put_many`. Of
    several rows for one movie the newest counts. Raises Invalid where the file as a whole can't be taken.
    """
    try:
        upload = open_upload(file, wanted)
        read = Report(upload.format, dry_run)
        # Every row is read before the first is written, because a file may turn out damaged at its end.
        rated = _sorted_out(upload.rows, read)
    except UnknownFormat as error:
        raise invalid("files", "file", str(error)) from error

    def job(connection: Connection) -> Report:
        report = deepcopy(read)
        newest = _newest(_matched(connection, rated, report, create_missing), report)
        given = [Given(movie_id, row.value, row.rated_at) for movie_id, row in newest.items()]
        for outcome, count in Counter(put_many(connection, user_id, given, on_conflict)).items():
            setattr(report, outcome, getattr(report, outcome) + count)
        if dry_run:
            raise _NothingIsWritten(report)
        return report

    try:
        return write(job)
    except _NothingIsWritten as end:
        return end.report


def _sorted_out(rows: Iterable[Row], report: Report) -> list[RatedRow]:
    rated = []
    for row in rows:
        if isinstance(row, RatedRow):
            rated.append(row)
        elif isinstance(row, SkippedRow):
            report.skipped += 1
        else:
            report.errors.append({"line": row.line, "reason": _placed(row.file, row.reason)})
    return rated


def _placed(file: str, reason: str) -> str:
    return f"{file}: {reason}" if file else reason


def _matched(
    connection: Connection, rated: list[RatedRow], report: Report, create_missing: bool
) -> list[tuple[int, RatedRow]]:
    catalogue = Catalogue(connection, [Wanted(row.imdb_id, row.tmdb_id, _titles(row)) for row in rated])
    found = []
    for row in rated:
        try:
            movie_id = _match(catalogue, row, create_missing)
        except AmbiguousError as error:
            _leave(report, row, str(error), error.movie_ids)
            continue
        if movie_id is not None:
            found.append((movie_id, row))
        elif row.kind is not None:
            report.skipped += 1
        else:
            _leave(report, row, _why_missing(row, create_missing), [])
    catalogue.flush()
    return found


def _match(catalogue: Catalogue, row: RatedRow, create_missing: bool) -> int | None:
    movie_id = catalogue.find(row.imdb_id, row.tmdb_id, _titles(row), row.year, nearby=True)
    if movie_id is not None or row.kind is not None or not create_missing or _refusal(row) is not None:
        return movie_id
    return catalogue.add(_facts(row))


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


def _why_missing(row: RatedRow, create_missing: bool) -> str:
    if create_missing:
        return f"there is no such movie, and it can't be added: {_refusal(row)}"
    return "there is no such movie"


def _leave(report: Report, row: RatedRow, reason: str, candidates: list[int]) -> None:
    report.unmatched.append(
        {
            "line": row.line,
            "title": row.title,
            "year": row.year,
            "reason": _placed(row.file, reason),
            "candidates": candidates,
        }
    )


def _newest(found: list[tuple[int, RatedRow]], report: Report) -> dict[int, RatedRow]:
    """The newest row of each movie, the later one of two as old; the others count as skipped."""
    newest: dict[int, RatedRow] = {}
    for movie_id, row in found:
        other = newest.get(movie_id)
        if other is None or _moment(row) >= _moment(other):
            newest[movie_id] = row
    report.skipped += len(found) - len(newest)
    return newest


def _moment(row: RatedRow) -> float:
    # A row without a time gives way to any that has one, be it from before 1970.
    return -math.inf if row.rated_at is None else row.rated_at
