"""Batches, imports and exports of ratings: `/v1/users/me/ratings`."""

from typing import Any

from flask import Response

from movierating.auth import access
from movierating.http.blueprint import Blueprint, View
from movierating.http.responses import json_response
from movierating.ratings import (
    batch,
    batch_schemas,
    export_schemas,
    import_preview,
    import_report_schemas,
    import_schemas,
    imports,
)
from movierating.ratings.export_response import make_export_response

blueprint = Blueprint(
    "data",
    __name__,
    url_prefix="/v1/users/me/ratings",
    description="Import, export and batches of your ratings.",
)

_FILE = {"type": "string", "format": "binary"}


@blueprint.route("")
class OwnRatings(View):
    """The caller's ratings."""

    @blueprint.doc(operationId="rate_movies")
    @access.auth_required
    @blueprint.error_responses(400, 413, 415)
    @blueprint.arguments(batch_schemas.BatchRateSchema())
    @blueprint.response(200, batch_schemas.BatchRateReportSchema())
    def post(self, body: dict[str, Any]) -> Response:
        """Rate many movies

        Sets up to 1,000 ratings as `PUT /v1/movies/{id}/rating` does, in one transaction. Each names its movie by
        `movie_id`, `imdb_id` or `tmdb_id`.
        """
        return json_response(batch.rate_batch(access.get_caller().user_id, body["ratings"]))


@blueprint.route("/delete")
class OwnRatingsDelete(View):
    """Deletion of the caller's ratings."""

    @blueprint.doc(operationId="delete_ratings")
    @access.auth_required
    @blueprint.error_responses(400, 413, 415)
    @blueprint.arguments(batch_schemas.BatchDeleteSchema())
    @blueprint.response(200, batch_schemas.BatchDeleteReportSchema())
    def post(self, body: dict[str, Any]) -> Response:
        """Delete many ratings

        Deletes up to 1,000 ratings. Each names its movie by `movie_id`, `imdb_id` or `tmdb_id`.
        """
        return json_response(batch.delete_batch(access.get_caller().user_id, body["ratings"]))


@blueprint.route("/import")
class Import(View):
    """Import of ratings."""

    accepts_files = True

    @blueprint.doc(operationId="import_ratings")
    @access.auth_required
    @blueprint.error_responses(400, 413, 415)
    @blueprint.arguments(import_schemas.ImportQuerySchema(), location="query")
    @blueprint.arguments(
        import_schemas.UploadSchema(), location="files", example={"file": import_schemas.CSV}
    )
    @blueprint.response(200, import_report_schemas.ImportReportSchema())
    def post(self, query: dict[str, Any], body: dict[str, Any]) -> Response:
        """Import ratings

        Accepts an export of Letterboxd, IMDb, Trakt, TMDB, Simkl or another service that the `format` option lists, or
        movierating's own CSV or JSON; the format is detected from the content. The report lists each row that is
        invalid or matches no movie, with the reason. With `details=true` it lists every row, with `details=csv` as CSV.
        `replaced_csv` restores the ratings that the import replaced. With `dry_run=true` nothing is written, and the
        report is the same. For any other CSV, `column` and `scale` tell how to read it. Options are part of the query,
        or of the form. Instead of a form, the body may be the file itself, as `text/csv`, `application/json`,
        `application/xml`, `text/xml`, `application/zip` or `application/octet-stream`.
        """
        options = {**query, **body}
        file, expected_format = options.pop("file"), options.pop("format", None)
        mapping = import_schemas.take_mapping(options)
        with imports.IMPORT_SLOTS.hold():
            report = imports.import_file(
                access.get_caller().user_id, file, expected_format, mapping=mapping, **options
            )
        return json_response(report)


@blueprint.route("/import/preview")
class ImportPreview(View):
    """Preview of an import."""

    accepts_files = True

    @blueprint.doc(operationId="preview_import")
    @access.auth_required
    @blueprint.error_responses(400, 413, 415)
    @blueprint.arguments(import_schemas.PreviewQuerySchema(), location="query")
    @blueprint.arguments(
        import_schemas.PreviewUploadSchema(), location="files", example={"file": import_schemas.CSV}
    )
    @blueprint.response(200, import_report_schemas.ImportPreviewSchema())
    def post(self, query: dict[str, Any], body: dict[str, Any]) -> Response:
        """Preview an import

        Returns the columns of a CSV and the first five rows of a file as an import would read them, without looking for
        their movies. Name the columns of a CSV in an unknown format with `column`, and its highest rating with `scale`.
        """
        options = {**query, **body}
        mapping = import_schemas.take_mapping(options)
        with imports.IMPORT_SLOTS.hold():
            preview = import_preview.preview_file(options["file"], options.get("format"), mapping)
        return json_response(preview)


@blueprint.route("/export")
class Export(View):
    """Export of ratings."""

    @blueprint.doc(operationId="export_ratings")
    @access.auth_required
    @blueprint.arguments(export_schemas.ExportQuerySchema(), location="query")
    # Clients that support one type only take the first: openapi-generator's returns the bytes of any format,
    # and openapi-python-client, which skips ZIP, the text.
    @blueprint.response(200, _FILE, content_type="application/zip", description="The file.")
    @blueprint.alt_response(
        200,
        schema={"type": "string"},
        content_type="text/csv",
        description="The file.",
        example=export_schemas.CSV,
    )
    # With a schema, fastmcp would reject the other types. The format decides on it anyway.
    @blueprint.alt_response(
        200,
        schema={},
        content_type="application/json",
        description="The file.",
        example=export_schemas.JSON,
    )
    def get(self, query: dict[str, str]) -> Response:
        """Export ratings

        `csv` and `json` are lossless and can be imported again. The others are files for these services, with whole
        points; `letterboxd` has no dates, because Letterboxd would make a diary entry of each. In `simkl` movies are
        watched on the day of the rating.
        """
        return make_export_response(access.get_caller().user_id, query["format"])
