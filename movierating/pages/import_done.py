"""The last step of an import: the report, which is stored for an hour, and what it can be used for."""

import hashlib
import io
from contextlib import suppress
from functools import partial
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
from flask import Response, make_response, request, url_for

from movierating.auth import access
from movierating.errors import ApiError, NotFound
from movierating.pages.blueprint import Redirect, blueprint, get_member, member_page, render, send_to
from movierating.pages.movie_data import to_plain
from movierating.ratings import stored_files
from movierating.ratings.import_report import ImportReport
from movierating.ratings.stored_files import FileEntry

# Rows of each kind on a page; the CSV has them all.
ROWS_SHOWN = 50
_LISTS = ("unmatched", "errors", "notes", "unread_files")
_FACTS = ("format", "catalogue", "read", "created", "updated", "unchanged", "skipped")

# A stored report is a ZIP of these, so that the page does not read the CSVs, which may have 100,000 rows.
_SUMMARY, _ROWS, _FORMER = "summary.json", "rows.csv", "former.csv"


@blueprint.get("/import/done")
@member_page
def show_import() -> Response:
    """Show the report of the last import."""
    entry = _find_report()
    return render_report(entry.name, orjson.loads(_read_part(entry, _SUMMARY)), entry.id)


@blueprint.get("/import/rows.csv", defaults={"part": "rows"})
@blueprint.get("/import/former.csv", defaults={"part": "former"})
@member_page
def download_report(part: str) -> Response:
    """Return every row of the last import, or the ratings that it replaced, as CSV."""
    return make_csv(_read_part(_find_report(), f"{part}.csv"), f"{part}.csv")


@blueprint.post("/import/restore")
@member_page
@access.limit_writes
def restore_ratings() -> Response:
    """Store the ratings that the last import replaced as an upload, and lead to its check."""
    content = io.BytesIO(_read_part(_find_report(), _FORMER))
    entry = stored_files.store_file(get_member().id, "upload", _FORMER, content)
    return send_to(url_for("pages.check_import", upload=entry.id, on_conflict="replace"))


def summarize(report: ImportReport) -> dict[str, Any]:
    """Return what a page shows of a report: its numbers, and the first rows of each kind."""
    lists = {name: getattr(report, name) for name in _LISTS}
    summary: dict[str, Any] = to_plain(
        {
            **{name: getattr(report, name) for name in _FACTS},
            **{name: rows[:ROWS_SHOWN] for name, rows in lists.items()},
            "totals": {name: len(rows) for name, rows in lists.items()},
            "has_former": bool(report.replaced_csv),
        }
    )
    return summary


def store_report(entry: FileEntry, report: ImportReport) -> FileEntry | None:
    """Store the report instead of the upload, and return it; None if that fails, because the ratings are imported.

    If the form was sent twice, the report of the import that changed something stays: only that can be undone.
    """
    user_id, report_id = get_member().id, _make_report_id(entry.id)
    store = partial(stored_files.store_file, user_id, "report", entry.name, file_id=report_id)
    with suppress(ApiError):
        with suppress(NotFound):
            return store(_pack_report(report), instead_of=entry)
        if report.created or report.updated:
            return store(_pack_report(report))
        return stored_files.find_file(user_id, "report", report_id)
    return None


def _pack_report(report: ImportReport) -> io.BytesIO:
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        archive.writestr(_SUMMARY, orjson.dumps(summarize(report)))
        archive.writestr(_ROWS, report.details_csv or "")
        if report.replaced_csv:
            archive.writestr(_FORMER, report.replaced_csv)
    content.seek(0)
    return content


def _make_report_id(upload_id: str) -> str:
    """Return the id of the report of an upload, by which a form that is sent again finds it."""
    return hashlib.sha256(upload_id.encode()).hexdigest()[:32]


def make_gone_redirect(upload_id: str) -> Redirect:
    """Return the redirect to the report of an upload, or without one to the first step, which says that it is gone."""
    report_id = _make_report_id(upload_id)
    if stored_files.find_file(get_member().id, "report", report_id) is not None:
        return Redirect(url_for("pages.show_import", report=report_id))
    return Redirect(url_for("pages.choose_file", gone=1))


def _find_report() -> FileEntry:
    """Return the report of the viewer's last import. Raise Redirect if it is not stored any more."""
    entry = stored_files.find_file(get_member().id, "report", request.values.get("report"))
    if entry is None:
        raise Redirect(url_for("pages.choose_file"))
    return entry


def _read_part(entry: FileEntry, name: str) -> bytes:
    """Return a part of a stored report. Raise NotFound if the import has replaced no ratings."""
    with stored_files.open_file(entry) as file, ZipFile(file) as archive:
        if name not in archive.namelist():
            raise NotFound("The import has replaced no ratings.")
        return archive.read(name)


def render_report(name: str, summary: dict[str, Any], report_id: str | None) -> Response:
    """Return the page of a report; without `report_id`, it is not stored, and there are no downloads."""
    return render("import_done.html", name=name, report=summary, report_id=report_id)


def make_csv(text: str | bytes, name: str) -> Response:
    """Return a CSV as a download."""
    response = make_response(text)
    response.mimetype = "text/csv"
    response.headers["Content-Disposition"] = f'attachment; filename="movierating-import-{name}"'
    return response
