"""The response that downloads an export, for the API and the pages."""

from flask import Response, request

from movierating.http.upload_slots import acquire_client_slot
from movierating.ratings import exports


def make_export_response(user_id: int, format_name: str) -> Response:
    """Return a user's ratings as a file to save, in one of the formats of `writers`, sent while it is generated."""
    release_slot = acquire_client_slot(request.environ)
    try:
        export = exports.export_ratings(user_id, format_name)
    except BaseException:
        release_slot()
        raise
    # Our own formats are named after their extension.
    site = "" if format_name == export.extension else f"-{format_name}"
    name = f"movierating{site}.{export.extension}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    response = Response(export.blocks, 200, headers, content_type=export.media_type)
    response.call_on_close(release_slot)
    return response
