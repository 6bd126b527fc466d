"""A person's ratings out of a file: matched to movies, and written all or not at all, with a report of every row."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from sqlalchemy import Connection

from movierating.errors import Unavailable, invalid_field
from movierating.monitoring import counters
from movierating.ratings.bulk import MovieDeleted, NewRating, OnConflict, Outcome, plan_ratings, set_ratings
from movierating.ratings.formats.rows import RatedRow, Row, SkippedRow, UnknownFormat
from movierating.ratings.formats.upload_reader import open_upload
from movierating.ratings.row_matching import RowMatches, match_exactly, match_missing, prefix_file_name
from movierating.storage.database import read, write

# Each time an admin would have to remove a movie of the file in the moment between its match and its rating.
_ATTEMPTS = 3


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
    and otherwise its row is unmatched; one that exists is never changed. `on_conflict` is as for `set_ratings`. Of
    several rows for one movie the newest counts. Raises InvalidRequest where the file as a whole can't be taken, and
    Unavailable where movies go as fast as they are matched.
    """
    try:
        upload = open_upload(file, wanted)
        report = Report(upload.format, dry_run)
        # Every row is read before the first is written, because a file may turn out damaged at its end.
        rated = _sorted_out(upload.rows, report)
    except UnknownFormat as error:
        raise invalid_field("files", "file", str(error)) from error
    if dry_run:
        exact = match_exactly(read(), rated)
        matches = match_missing(read(), exact, create_missing=create_missing, dry_run=True)
        return _told(report, matches, plan_ratings(read(), user_id, _given(matches), on_conflict).outcomes)
    for _ in range(_ATTEMPTS):
        with suppress(MovieDeleted):
            done = _told(report, *_import(user_id, rated, create_missing, on_conflict))
            counters.increment(
                counters.RATINGS_WRITTEN, "upload", amount=done.created + done.updated + done.unchanged
            )
            return done
    raise Unavailable("Movies of this file are being removed; try again shortly.")


def _import(
    user_id: int, rated: Sequence[RatedRow], create_missing: bool, on_conflict: OnConflict
) -> tuple[RowMatches, list[Outcome]]:
    """Write a file's ratings, and tell what became of its rows. Raises MovieDeleted where one went meanwhile."""
    # To tell the movies takes as long as to write their ratings, and needs the lock that others wait for only where
    # movies are added. One that is changed meanwhile was so after this import, as it were.
    exact = match_exactly(read(), rated)
    known = None if create_missing and exact.missing else match_missing(read(), exact)

    def job(connection: Connection) -> tuple[RowMatches, list[Outcome]]:
        matches = known or match_missing(connection, exact, create_missing=True)
        return matches, set_ratings(connection, user_id, _given(matches), on_conflict)

    return write(job, is_long=True)


def _given(matches: RowMatches) -> list[NewRating]:
    return [(movie_id, row.value, row.rated_at) for movie_id, row in matches.newest.items()]


def _told(read: Report, matches: RowMatches, outcomes: Iterable[Outcome]) -> Report:
    report = replace(read, unmatched=matches.unmatched)
    report.skipped += matches.skipped
    for outcome, count in Counter(outcomes).items():
        setattr(report, outcome, getattr(report, outcome) + count)
    return report


def _sorted_out(rows: Iterable[Row], report: Report) -> list[RatedRow]:
    rated = []
    for row in rows:
        if isinstance(row, RatedRow):
            rated.append(row)
        elif isinstance(row, SkippedRow):
            report.skipped += 1
        else:
            report.errors.append({"line": row.line, "reason": prefix_file_name(row.file, row.reason)})
    return rated
