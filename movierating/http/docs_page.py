"""The docs page and the OpenAPI document."""

from flask import Blueprint, Response, current_app, request

from movierating.http.extensions import api
from movierating.http.openapi_document import build_document
from movierating.http.public_views import list_private_paths, public
from movierating.http.responses import etag_response

blueprint = Blueprint("docs", __name__)

# The page loads only files of the package; Swagger UI's icons are data: URLs.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@blueprint.get("/docs")
@public
def docs() -> Response:
    """Return the docs page: Swagger UI."""
    page = current_app.send_static_file("docs.html")
    page.headers["Content-Security-Policy"] = DOCS_POLICY
    return page


@blueprint.get("/openapi.json")
@public
def openapi() -> Response:
    """Return the OpenAPI document."""
    return etag_response(build_document(api.build_spec(), request.root_path, list_private_paths(current_app)))
