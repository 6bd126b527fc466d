"""The report of an import: counts, the rows that need attention, and on request the outcome of every row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, NamedTuple

from movierating import clock
from movierating.ratings.bulk import Outcome
from movierating.ratings.formats.csv_writer import format_csv_lines
from movierating.ratings.formats.formulas import escape_formula
from movierating.ratings.formats.rows import RatedRow, RejectedRow, Row, SkippedRow, describe_kind
from movierating.ratings.formats.upload_reader import Upload
from movierating.ratings.row_matches import RowMatches, UnmatchedRow

AS_CSV: Literal["csv"] = "csv"
Details = bool | Literal["csv"]
_MAX_UNREAD_FILES, _MAX_NAME_LENGTH = 100, 200
_DETAILS = ("file", "line", "title", "year", "value", "rated_at", "outcome", "movie_id", "reason")


@dataclass(slots=True)
class ImportReport:
    """Counts of a file's rows, and a dict for each row that is listed.

    Each row counts once, except that a film that several files of a ZIP name is listed as unmatched once.

    `catalogue` is "loading" if the bundled movies were being loaded for the first time. `read` counts the valid rows.
    `unread_files` are paths of files in a ZIP that are ignored. `details` or `details_csv` lists every row on request.
    `replaced_csv` is our own CSV of the stored ratings that were replaced, None if there are none or it would be too
    long.
    """

    format: str
    dry_run: bool
    catalogue: Literal["loading"] | None = None
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: dict[str, int] = field(default_factory=lambda: {"older": 0, "not_a_movie": 0, "no_rating": 0})
    unmatched: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    unread_files: list[str] = field(default_factory=list)
    details: list[dict[str, Any]] | None = None
    details_csv: str | None = None
    replaced_csv: str | None = None


class _Result(NamedTuple):
    """The outcome of a row, its movie, and a reason or note."""

    outcome: str
    movie_id: int | None = None
    reason: str | None = None


def make_report(
    upload: Upload,
    rows: Sequence[Row],
    matches: RowMatches,
    outcomes: Sequence[Outcome],
    *,
    dry_run: bool,
    details: Details,
) -> ImportReport:
    """Return the report of an upload. `outcomes` are those of `matches.newest`, in its order.

    With `details` it lists what became of every row: a dict for each, or with AS_CSV one text.
    """
    report = ImportReport(upload.format, dry_run, read=sum(not isinstance(row, RejectedRow) for row in rows))
    report.unread_files = [name[:_MAX_NAME_LENGTH] for name in upload.unread_files[:_MAX_UNREAD_FILES]]
    _count_outcomes(report, rows, matches, outcomes)
    report.unmatched = _sort(map(_describe_unmatched, _list_unmatched_films(matches.unmatched)))
    report.errors = _sort(
        {**_describe_place(row), "reason": row.reason} for row in rows if isinstance(row, RejectedRow)
    )
    report.notes = _sort(
        {**_describe_place(row), "reason": reason} for row, reason in _list_notes(rows, matches)
    )
    if details == AS_CSV:
        report.details_csv = _format_details(_list_details(rows, matches, outcomes))
    elif details:
        report.details = list(_list_details(rows, matches, outcomes))
    return report


def _count_outcomes(
    report: ImportReport, rows: Iterable[Row], matches: RowMatches, outcomes: Iterable[Outcome]
) -> None:
    counts = Counter(outcomes)
    report.created, report.updated = counts["created"], counts["updated"]
    report.unchanged = counts["unchanged"]
    report.skipped["older"] = counts["skipped"] + len(matches.older)
    report.skipped["not_a_movie"] = len(matches.not_movies)
    for row in rows:
        if isinstance(row, SkippedRow):
            report.skipped[row.outcome] += 1


def _list_notes(rows: Iterable[Row], matches: RowMatches) -> Iterator[tuple[RatedRow, str]]:
    yield from ((row, row.note) for row in rows if isinstance(row, RatedRow) and row.note)
    yield from matches.notes


def _list_unmatched_films(entries: Iterable[UnmatchedRow]) -> Iterator[UnmatchedRow]:
    """Yield the entries; for a film that several files of a ZIP name, only those of the first file."""
    first_files: dict[tuple[object, ...], str] = {}
    for entry in entries:
        row = entry.row
        film = (row.imdb_id, row.tmdb_id, row.title, row.year)
        if first_files.setdefault(film, row.file) == row.file:
            yield entry


def _sort(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: (entry["file"] or "", entry["line"]))


def _describe_place(row: Row) -> dict[str, Any]:
    return {"file": row.file or None, "line": row.line}


def _describe_film(row: RatedRow | SkippedRow) -> dict[str, Any]:
    return {**_describe_place(row), "title": row.title, "year": row.year}


def _describe_unmatched(entry: UnmatchedRow) -> dict[str, Any]:
    return {
        **_describe_film(entry.row),
        "reason": entry.reason,
        "candidates": list(entry.candidates),
    }


def _list_details(
    rows: Sequence[Row], matches: RowMatches, outcomes: Sequence[Outcome]
) -> Iterator[dict[str, Any]]:
    """Yield a dict for each row: its place, the film, the rating as it was read, and what became of it and why."""
    results = _list_results(matches, outcomes)
    for noted, note in _list_notes(rows, matches):
        reason = results[noted].reason
        results[noted] = results[noted]._replace(reason=f"{reason}; {note}" if reason else note)
    for row in rows:
        if isinstance(row, RatedRow):
            result = results[row]
            rated_at = None if row.rated_at is None else clock.format_rfc3339(row.rated_at)
            rating = {"value": row.value / 2, "rated_at": rated_at}
        else:
            result = _Result(row.outcome if isinstance(row, SkippedRow) else "unreadable", None, row.reason)
            rating = {"value": None, "rated_at": None}
        film = (
            {**_describe_place(row), "title": None, "year": None}
            if isinstance(row, RejectedRow)
            else _describe_film(row)
        )
        yield {**film, **rating, **result._asdict()}


def _format_details(details: Iterable[dict[str, Any]]) -> str:
    """Return the details as CSV, with a column for each key."""
    cells = ([_format_cell(entry[name]) for name in _DETAILS] for entry in details)
    return b"".join(format_csv_lines(chain([_DETAILS], cells))).decode()


def _format_cell(value: object) -> object:
    if isinstance(value, str):
        return escape_formula(value)
    return f"{value:g}" if isinstance(value, float) else value


def _list_results(matches: RowMatches, outcomes: Sequence[Outcome]) -> dict[RatedRow, _Result]:
    # The ids of movies that are not added yet are provisional.
    end = matches.staged.first_id
    results = {entry.row: _Result("unmatched", None, entry.reason) for entry in matches.unmatched}
    for row in matches.not_movies:
        results[row] = _Result("not_a_movie", None, describe_kind(row.kind or ""))
    rated = [("older", movie_id, row) for movie_id, row in matches.older]
    for outcome, (movie_id, row) in zip(outcomes, matches.newest.items(), strict=True):
        rated.append(("older" if outcome == "skipped" else outcome, movie_id, row))
    for name, movie_id, row in rated:
        reason = "another rating of the movie stays" if name == "older" else None
        results[row] = _Result(name, movie_id if not end or movie_id < end else None, reason)
    return results
