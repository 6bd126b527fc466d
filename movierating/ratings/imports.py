"""Imports of one user's ratings from a file: all or nothing, with a report of every row."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from sqlalchemy import Connection

from movierating.errors import invalid_field
from movierating.monitoring import counters
from movierating.ratings.bulk import (
    NewRating,
    OnConflict,
    Outcome,
    plan_ratings,
    retry_if_catalogue_changes,
    set_ratings,
)
from movierating.ratings.formats.rows import RatedRow, Row, SkippedRow, UnknownFormat
from movierating.ratings.formats.upload_reader import open_upload
from movierating.ratings.row_matching import RowMatches, match_rows, prefix_file_name
from movierating.storage.database import read, write


@dataclass(slots=True)
class ImportReport:
    """Counts of a file's rows; each row counts once. `unmatched` and `errors` hold a dict for each row."""

    format: str
    dry_run: bool
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    unmatched: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def take_rated(self, rows: Iterable[Row]) -> list[RatedRow]:
        """Return the rated rows; count the others."""
        rated_rows = []
        for row in rows:
            if isinstance(row, RatedRow):
                rated_rows.append(row)
            elif isinstance(row, SkippedRow):
                self.skipped += 1
            else:
                self.errors.append({"line": row.line, "reason": prefix_file_name(row.file, row.reason)})
        return rated_rows

    def add_outcomes(self, matches: RowMatches, outcomes: Iterable[Outcome]) -> None:
        """Count the rated rows."""
        self.skipped += matches.skipped
        self.unmatched = matches.unmatched
        for outcome, count in Counter(outcomes).items():
            setattr(self, outcome, getattr(self, outcome) + count)


def import_file(
    user_id: int,
    file: BinaryIO,
    expected_format: str | None = None,
    *,
    dry_run: bool = False,
    create_missing: bool = False,
    on_conflict: OnConflict = "newer",
) -> ImportReport:
    """Import a user's ratings from a file, in one transaction; a dry run reports the same and writes nothing.

    The format is detected from the content, and must be `expected_format` unless that is None. A missing movie is added
    if `create_missing`, else its row is unmatched; an existing movie is never changed. `on_conflict` is as for
    `set_ratings`. Of several rows for one movie the newest counts. Raise InvalidRequest if the file as a whole is
    rejected, and Unavailable if other clients keep adding or deleting its movies.
    """
    try:
        upload = open_upload(file, expected_format)
        report = ImportReport(upload.format, dry_run)
        # Every row is read before the first is written, because a file may turn out damaged at its end.
        rows = report.take_rated(upload.rows)
    except UnknownFormat as error:
        raise invalid_field("files", "file", str(error)) from error
    if dry_run:
        matches = match_rows(read(), rows, create_missing=create_missing)
        plan = plan_ratings(read(), user_id, _list_ratings(matches), on_conflict)
        report.add_outcomes(matches, plan.outcomes)
        return report
    report.add_outcomes(
        *retry_if_catalogue_changes(lambda: _import(user_id, rows, create_missing, on_conflict))
    )
    written = report.created + report.updated + report.unchanged
    counters.increment(counters.RATINGS_WRITTEN, "upload", amount=written)
    return report


def _import(
    user_id: int, rows: Sequence[RatedRow], create_missing: bool, on_conflict: OnConflict
) -> tuple[RowMatches, list[Outcome]]:
    """Write a file's ratings and the movies it adds. Raise CatalogueChanged."""
    # Matching takes as long as writing, so it runs before the transaction that other writers wait for. A movie that is
    # changed in between counts as changed after the import.
    matches = match_rows(read(), rows, create_missing=create_missing)

    def job(connection: Connection) -> tuple[RowMatches, list[Outcome]]:
        final = matches.insert_staged(connection)
        return final, set_ratings(connection, user_id, _list_ratings(final), on_conflict)

    return write(job, own_transaction=True)


def _list_ratings(matches: RowMatches) -> list[NewRating]:
    return [(movie_id, row.value, row.rated_at) for movie_id, row in matches.newest.items()]
