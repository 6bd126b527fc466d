"""Import of ratings in three steps: choose a file, check what an import would do, and import it.

Between the steps the file waits in the database.
"""

from collections.abc import Callable
from typing import Any, BinaryIO

from flask import Response, current_app, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from movierating.auth import access
from movierating.errors import InvalidRequest, NotFound, Unavailable
from movierating.http import error_handlers
from movierating.http.application import accept_files
from movierating.http.fields import DISALLOWED
from movierating.movies import service as movies
from movierating.pages.blueprint import blueprint, get_member, member_page, render, send_to
from movierating.pages.import_done import (
    make_csv,
    make_gone_redirect,
    render_report,
    store_report,
    summarize,
)
from movierating.pages.import_options import FORMAT_NAMES, ImportOptions, load_options
from movierating.pages.movie_data import to_plain
from movierating.ratings import import_preview, imports, stored_files
from movierating.ratings.formats.custom_csv import FIELDS, SCALES, name_columns
from movierating.ratings.import_report import AS_CSV, ImportReport
from movierating.ratings.stored_files import FileEntry

_MIB = 1 << 20

Step = Callable[[FileEntry, BinaryIO, ImportOptions], Response]


@blueprint.get("/import")
@member_page
def choose_file() -> Response:
    """Show the form for a file, and the file that waits, if there is one."""
    stored_files.purge_expired()
    return _render_choice(problem="gone" if "gone" in request.args else "")


@blueprint.post("/import")
@member_page
@access.limit_writes
@accept_files
def upload_file() -> Response:
    """Store the file and lead to the check; a script gets the address instead of a redirect."""
    try:
        file = request.files.get("file")
    except RequestEntityTooLarge:
        return _render_choice(413, problem="large")
    if not file:
        return _render_choice(422, problem="missing")
    entry = stored_files.store_file(get_member().id, "upload", _clean_name(file.filename), file.stream)
    path = url_for("pages.check_import", upload=entry.id)
    if request.headers.get("X-Part") == "upload":
        return Response(status=201, headers={"Location": path})
    return send_to(path)


@blueprint.route("/import/check", methods=["GET", "POST"])
@member_page
@access.limit_writes
def check_import() -> Response:
    """Show what an import would do, or the columns of a CSV to name."""
    return _run_step(_check)


@blueprint.post("/import/rows")
@member_page
@access.limit_writes
def download_rows() -> Response:
    """Return every row with what an import would do with it, as CSV."""
    return _run_step(_list_rows)


@blueprint.post("/import/run")
@member_page
@access.limit_writes
def run_import() -> Response:
    """Import the file and lead to the report."""
    return _run_step(_import)


def _run_step(step: Step) -> Response:
    """Run a step on the file that waits. It stays if the step fails because others import files."""
    upload_id = request.values.get("upload")
    entry = stored_files.find_file(get_member().id, "upload", upload_id)
    if entry is None:
        raise make_gone_redirect(upload_id or "")
    options = load_options()
    try:
        with stored_files.open_file(entry) as file, imports.IMPORT_SLOTS.hold():
            try:
                return step(entry, file, options)
            except InvalidRequest as error:
                return _reject(entry, file, options, error)
    except NotFound:
        raise make_gone_redirect(entry.id) from None
    except Unavailable as error:
        return _render_busy(error)


def _check(entry: FileEntry, file: BinaryIO, options: ImportOptions) -> Response:
    preview = import_preview.preview_file(file, None, options.mapping)
    if preview.format is None or "preview" in request.values:
        return _render_columns(entry, options, preview)
    report = summarize(_import_for_member(file, options, dry_run=True))
    candidates = {movie_id for row in report["unmatched"] for movie_id in row["candidates"]}
    return render(
        "import_check.html",
        upload=entry,
        options=options,
        report=report,
        candidates=to_plain(list(movies.find_movies(candidates).values())),
        has_columns=bool(preview.columns),
        format_names=FORMAT_NAMES,
    )


def _list_rows(_entry: FileEntry, file: BinaryIO, options: ImportOptions) -> Response:
    report = _import_for_member(file, options, dry_run=True, details=AS_CSV)
    return make_csv(report.details_csv or "", "rows.csv")


def _import(entry: FileEntry, file: BinaryIO, options: ImportOptions) -> Response:
    report = _import_for_member(file, options, details=AS_CSV)
    stored = store_report(entry, report)
    if stored is None:
        return render_report(entry.name, summarize(report), None)
    return send_to(url_for("pages.show_import", report=stored.id))


def _import_for_member(file: BinaryIO, options: ImportOptions, **more: Any) -> ImportReport:
    return imports.import_file(get_member().id, file, None, **options.values, **more)


def _reject(entry: FileEntry, file: BinaryIO, options: ImportOptions, error: InvalidRequest) -> Response:
    """Return the form for columns or for another file with the reason why the file is rejected."""
    if not error.errors:
        raise error
    message, field = error.errors[0].message, error.errors[0].field
    if field == "column":
        try:
            preview = import_preview.preview_file(file)
        except InvalidRequest:
            field = "file"
        else:
            return _render_columns(entry, options, preview, message)
    if field != "file":
        raise error
    return _render_choice(422, message=message)


def _render_choice(status: int = 200, *, problem: str = "", message: str = "") -> Response:
    """Return the form for a file; `problem` is `gone`, `large`, `missing`, or empty if `message` says what is wrong."""
    max_bytes = current_app.config["MAX_UPLOAD_BYTES"]
    # A message is about the file that waits.
    waiting = None if message else stored_files.find_file(get_member().id, "upload")
    return render(
        "import.html",
        status,
        is_rejected=bool(problem or message),
        problem=problem,
        message=message,
        waiting=waiting,
        max_bytes=max_bytes,
        max_size=f"{max_bytes / _MIB:.3g}",
    )


def _render_columns(
    entry: FileEntry,
    options: ImportOptions,
    preview: import_preview.ImportPreview,
    message: str | None = None,
) -> Response:
    return render(
        "import_columns.html",
        422 if message else 200,
        upload=entry,
        options=options,
        preview=preview,
        chosen=name_columns(
            [name.lower() for name in preview.columns], options.mapping.columns if options.mapping else {}
        ),
        message=message,
        fields=FIELDS,
        scales=SCALES,
    )


def _render_busy(error: Unavailable) -> Response:
    """Return a page with the same form, to be sent again."""
    problem = error_handlers.handle_api_error(error)
    response = render(
        "import_busy.html", 503, fields=list(request.values.items(multi=True)), detail=error.detail
    )
    response.headers["Retry-After"] = problem.headers["Retry-After"]
    return response


def _clean_name(name: str | None) -> str:
    """Return the name of a file to show, without its folder."""
    base = (name or "").replace("\\", "/").rpartition("/")[2]
    return DISALLOWED.sub("", base).strip() or "file"
