"""The last step of an import: the report, which is stored for an hour, and what it can be used for."""

import hashlib
import io
from typing import Any

import orjson
from flask import Response, make_response, request, url_for

from movierating.auth import access
from movierating.errors import ApiError, NotFound
from movierating.pages.blueprint import Redirect, blueprint, get_member, member_page, render, send_to
from movierating.ratings import stored_files
from movierating.ratings.import_report import ImportReport
from movierating.ratings.stored_files import FileEntry

# Rows of each kind on a page; the CSV has them all.
ROWS_SHOWN = 50


@blueprint.get("/import/done")
@member_page
def show_import() -> Response:
    """Show the report of the last import."""
    entry, report = _load_report()
    return render_report(entry.name, report, entry.id)


@blueprint.get("/import/rows.csv", defaults={"part": "rows"})
@blueprint.get("/import/former.csv", defaults={"part": "former"})
@member_page
def download_report(part: str) -> Response:
    """Return every row of the last import, or the ratings that it replaced, as CSV."""
    _, report = _load_report()
    text = report["details_csv" if part == "rows" else "replaced_csv"]
    if text is None:
        raise NotFound("The import has replaced no ratings.")
    return make_csv(text, f"{part}.csv")


@blueprint.post("/import/restore")
@member_page
@access.limit_writes
def restore_ratings() -> Response:
    """Store the ratings that the last import replaced as an upload, and lead to its check."""
    _, report = _load_report()
    if not report["replaced_csv"]:
        raise NotFound("The import has replaced no ratings.")
    content = io.BytesIO(report["replaced_csv"].encode())
    entry = stored_files.store_file(get_member().id, "upload", "former.csv", content)
    return send_to(url_for("pages.check_import", upload=entry.id, on_conflict="replace"))


def store_report(entry: FileEntry, report: ImportReport) -> FileEntry | None:
    """Store the report instead of the upload, and return it; None if that fails, because the ratings are imported.

    If the form was sent twice, the first report stays: only that has what the import changed.
    """
    user_id, report_id = get_member().id, _make_report_id(entry.id)
    try:
        if not stored_files.delete_file(entry):
            return stored_files.find_file(user_id, "report", report_id)
        content = io.BytesIO(orjson.dumps(report))
        return stored_files.store_file(user_id, "report", entry.name, content, report_id)
    except ApiError:
        return None


def _make_report_id(upload_id: str) -> str:
    """Return the id of the report of an upload, by which a form that is sent again finds it."""
    return hashlib.sha256(upload_id.encode()).hexdigest()[:32]


def make_gone_redirect(upload_id: str) -> Redirect:
    """Return the redirect to the report of an upload, or without one to the first step, which says that it is gone."""
    report_id = _make_report_id(upload_id)
    if stored_files.find_file(get_member().id, "report", report_id) is not None:
        return Redirect(url_for("pages.show_import", report=report_id))
    return Redirect(url_for("pages.choose_file", gone=1))


def _load_report() -> tuple[FileEntry, dict[str, Any]]:
    """Return the report of the viewer's last import. Raise Redirect if it is not stored any more."""
    entry = stored_files.find_file(get_member().id, "report", request.values.get("report"))
    if entry is None:
        raise Redirect(url_for("pages.choose_file"))
    with stored_files.open_file(entry) as file:
        return entry, orjson.loads(file.read())


def render_report(name: str, report: dict[str, Any], report_id: str | None) -> Response:
    """Return the page of a report; without `report_id`, it is not stored, and there are no downloads."""
    return render("import_done.html", name=name, report=report, report_id=report_id, rows_shown=ROWS_SHOWN)


def make_csv(text: str, name: str) -> Response:
    """Return a CSV as a download."""
    response = make_response(text)
    response.mimetype = "text/csv"
    response.headers["Content-Disposition"] = f'attachment; filename="movierating-import-{name}"'
    return response
