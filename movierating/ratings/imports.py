"""Imports of one user's ratings from a file: all or nothing, with a report of every row."""

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from sqlalchemy import Connection

from movierating.errors import InvalidRequest, invalid_field
from movierating.http.upload_slots import UploadSlots
from movierating.monitoring import counters
from movierating.monitoring.logs import logger
from movierating.movies import seed, title_proposals
from movierating.ratings.bulk import (
    ImportPlan,
    NewRating,
    OnConflict,
    plan_ratings,
    retry_if_catalogue_changes,
    set_ratings,
)
from movierating.ratings.exports import format_replaced
from movierating.ratings.formats.csv_reader import list_names
from movierating.ratings.formats.custom_csv import ColumnMapping
from movierating.ratings.formats.rows import InvalidColumn, RatedRow, RejectedFile, Row
from movierating.ratings.formats.upload_reader import Upload, open_upload
from movierating.ratings.import_report import Details, ImportReport, make_report
from movierating.ratings.row_matches import CreateMissing, MatchOptions, RowMatches, format_place
from movierating.ratings.row_matching import match_rows
from movierating.storage.database import read, write

# How many threads of a worker may import or preview files for clients at the same time.
IMPORT_SLOTS = UploadSlots(2, "Other files are being imported; try again shortly.")


def import_file(
    user_id: int,
    file: BinaryIO,
    expected_format: str | None = None,
    *,
    mapping: ColumnMapping | None = None,
    dry_run: bool = False,
    create_missing: CreateMissing = False,
    choices: Mapping[str, int | str] | None = None,
    on_conflict: OnConflict = "newer",
    details: Details = False,
) -> ImportReport:
    """Import a user's ratings from a file, in one transaction; a dry run reports the same and writes nothing.

    The format is detected from the content, and must be `expected_format` unless that is None; with a `mapping`, the
    file is a CSV with its columns. `create_missing` and `choices` are as in MatchOptions. `on_conflict` is as for
    `set_ratings`. Of several rows for one movie the newest counts. With `details` the report lists every row, with
    AS_CSV as text. While the bundled movies are being loaded for the first time, no movie is added.

    An existing movie's facts do not change, but a movie that an import added may get ids, and a title that two
    accounts' files have becomes an alternative title for matching.

    Raise InvalidRequest if the file as a whole is rejected, and Unavailable if other clients keep adding or deleting
    its movies.
    """
    upload, rows = _read_rows(file, expected_format, mapping)
    _check_places(choices or {}, rows)
    rated_rows = [row for row in rows if isinstance(row, RatedRow)]
    import_rows = _plan_import if dry_run else _import
    # Read before the rows are matched: they may miss a movie that is added in between.
    options = MatchOptions(create_missing, choices or {}, is_catalogue_loading=seed.is_first_load_under_way())
    matches, plan = import_rows(user_id, rated_rows, options, on_conflict)
    report = make_report(upload, rows, matches, plan.outcomes, dry_run=dry_run, details=details)
    report.catalogue = "loading" if options.is_catalogue_loading else None
    report.replaced_csv = format_replaced(read(), plan.list_replaced())
    return report


def _read_rows(
    file: BinaryIO, expected_format: str | None, mapping: ColumnMapping | None
) -> tuple[Upload, list[Row]]:
    """Return an upload and all of its rows. Raise InvalidRequest if it is rejected as a whole."""
    try:
        upload = open_upload(file, expected_format, mapping)
        # Every row is read before the first is written, because a file may turn out damaged at its end.
        return upload, list(upload.rows)
    except RejectedFile as error:
        raise reject_file(error) from error


def reject_file(error: RejectedFile) -> InvalidRequest:
    """Return the error for the client if a file is rejected as a whole."""
    place = ("query", "column") if isinstance(error, InvalidColumn) else ("files", "file")
    return invalid_field(*place, str(error))


def _check_places(choices: Mapping[str, int | str], rows: Sequence[Row]) -> None:
    """Raise InvalidRequest if a choice is for a row that the file does not have."""
    unknown = sorted(choices.keys() - map(format_place, rows)) if choices else []
    if unknown:
        raise invalid_field("query", "choices", f"The file has no row at {list_names(unknown)}.")


def _plan_import(
    user_id: int, rows: Sequence[RatedRow], options: MatchOptions, on_conflict: OnConflict
) -> tuple[RowMatches, ImportPlan]:
    """Return what `_import` would do."""
    matches = match_rows(read(), rows, options)
    return matches, plan_ratings(read(), user_id, _list_ratings(matches), on_conflict)


def _import(
    user_id: int, rows: Sequence[RatedRow], options: MatchOptions, on_conflict: OnConflict
) -> tuple[RowMatches, ImportPlan]:
    """Write a file's ratings and the movies it adds, and count them. Raise Unavailable."""
    matches, plan = retry_if_catalogue_changes(lambda: _match_and_write(user_id, rows, options, on_conflict))
    written = len(plan.outcomes) - plan.outcomes.count("skipped")
    counters.increment(counters.RATINGS_WRITTEN, "upload", amount=written)
    return matches, plan


def _match_and_write(
    user_id: int, rows: Sequence[RatedRow], options: MatchOptions, on_conflict: OnConflict
) -> tuple[RowMatches, ImportPlan]:
    """Write a file's ratings and the movies it adds, and log the titles and ids that existing movies get.

    Raise CatalogueChanged.
    """
    # Matching takes as long as writing, so it runs before the transaction that other writers wait for. A movie that is
    # changed in between counts as changed after the import.
    matches = match_rows(read(), rows, options)
    proposals = title_proposals.find_unknown_titles(read(), matches.list_identified_titles())

    def job(connection: Connection) -> tuple[RowMatches, ImportPlan, set[int]]:
        final = matches.insert_staged(connection)
        plan = set_ratings(connection, user_id, _list_ratings(final), on_conflict)
        # The ratings have locked the account and the movies.
        return final, plan, title_proposals.propose_titles(connection, user_id, proposals)

    final, plan, titled = write(job, own_transaction=True)
    for movie_id in sorted(titled):
        fields = {"movie_id": movie_id, "user_id": user_id}
        logger.info("movie got titles that two accounts imported", extra={"fields": fields})
    for movie_id, ids in matches.staged.learned.items():
        logger.info("movie learned ids", extra={"fields": {"movie_id": movie_id, **ids, "user_id": user_id}})
    return final, plan


def _list_ratings(matches: RowMatches) -> list[NewRating]:
    return [(movie_id, row.value, row.rated_at) for movie_id, row in matches.newest.items()]
