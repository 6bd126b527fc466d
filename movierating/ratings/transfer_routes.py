"""Routes of batches, imports and exports: `/v1/users/me/ratings`."""

from dataclasses import asdict
from typing import Any

from flask import Response, request

from movierating.auth import access
from movierating.http.blueprint import Blueprint, View
from movierating.http.responses import json_response
from movierating.http.upload_slots import UploadSlots, acquire_upload_slot
from movierating.ratings import batch, exports, imports, transfer_schemas

blueprint = Blueprint(
    "data", __name__, url_prefix="/v1/users/me/ratings", description="Your ratings, in and out."
)

# Of a worker's few threads; the others are for those who only want to rate a movie.
_IMPORTS = UploadSlots(2, "Other files are being taken in; try again shortly.")

_EXAMPLE = {"file": "imdb_id,value\ntt0111161,9.5\n"}
_FILE = {"type": "string", "format": "binary"}


@blueprint.route("")
class OwnRatings(View):
    """The caller's ratings."""

    @blueprint.doc(operationId="rate_movies")
    @access.auth_required
    @blueprint.error_responses(400, 413, 415)
    @blueprint.arguments(transfer_schemas.BatchRateSchema())
    @blueprint.response(200, transfer_schemas.BatchRateReportSchema())
    def post(self, body: dict[str, Any]) -> Response:
        """Rate many movies

        Up to 1,000 ratings, each naming its movie by `movie_id`, `imdb_id` or `tmdb_id`. Each is set as
        `PUT /v1/movies/{id}/rating` would set it; all of them or, if the request is refused, none.
        """
        return json_response(batch.rate_batch(access.get_caller().user_id, body["ratings"]))


@blueprint.route("/delete")
class OwnRatingsDelete(View):
    """Deletion of the caller's ratings."""

    @blueprint.doc(operationId="delete_ratings")
    @access.auth_required
    @blueprint.error_responses(400, 413, 415)
    @blueprint.arguments(transfer_schemas.BatchDeleteSchema())
    @blueprint.response(200, transfer_schemas.BatchDeleteReportSchema())
    def post(self, body: dict[str, Any]) -> Response:
        """Delete many ratings

        Up to 1,000, each naming its movie by `movie_id`, `imdb_id` or `tmdb_id`.
        """
        return json_response(batch.delete_batch(access.get_caller().user_id, body["ratings"]))


@blueprint.route("/import")
class Import(View):
    """Import of ratings."""

    @blueprint.doc(operationId="import_ratings")
    @access.auth_required
    @blueprint.error_responses(400, 413, 415)
    @blueprint.arguments(transfer_schemas.ImportQuerySchema(), location="query")
    @blueprint.arguments(transfer_schemas.UploadSchema(), location="files", example=_EXAMPLE)
    @blueprint.response(200, transfer_schemas.ImportReportSchema())
    def post(self, query: dict[str, Any], body: dict[str, Any]) -> Response:
        """Import ratings

        Takes the file that Letterboxd, IMDb, Trakt, TMDB, Movary or MovieLens lets you download, or movierating's own
        CSV or JSON; the format is detected from the content. The report names every row that can't be read or
        matched, and why, and counts those that rate no movie or are older. With `dry_run=true` nothing is written, and
        the report is the same. The options may stand in the form as well.
        """
        options = {**query, **body}
        file, wanted = options.pop("file"), options.pop("format", None)
        leave = _IMPORTS.acquire()
        try:
            return json_response(
                asdict(imports.import_file(access.get_caller().user_id, file, wanted, **options))
            )
        finally:
            leave()


@blueprint.route("/export")
class Export(View):
    """Export of ratings."""

    @blueprint.doc(operationId="export_ratings")
    @access.auth_required
    @blueprint.arguments(transfer_schemas.ExportQuerySchema(), location="query")
    @blueprint.response(200, _FILE, content_type="text/csv", description="The file.")
    @blueprint.alt_response(
        200, schema=transfer_schemas.ExportSchema(), content_type="application/json", description="The file."
    )
    @blueprint.alt_response(200, schema=_FILE, content_type="application/zip", description="The file.")
    def get(self, query: dict[str, str]) -> Response:
        """Export ratings

        `csv` and `json` hold everything, and come back in by import without loss. `letterboxd` and `imdb` are what
        those places import.
        """
        download = exports.export_ratings(access.get_caller().user_id, query["format"])
        name = f"movierating-{query['format']}.{download.ending}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        response = Response(download.blocks, 200, headers, content_type=download.media_type)
        response.call_on_close(acquire_upload_slot(request.environ))
        return response
