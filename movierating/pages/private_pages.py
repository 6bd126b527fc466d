"""Pages with secrets or with the data of other people, such as e-mail addresses."""

from typing import Any

from flask import Response, request

from movierating.http.request_context import READ_METHODS
from movierating.pages.blueprint import render

# The length of a compressed page could reveal its content (the attack BREACH).
UNCOMPRESSED = "private, no-cache, no-transform"
_NOT_STORED = "no-store, no-transform"


def render_private(template: str, status: int = 200, **values: Any) -> Response:
    """Return a page that is not compressed and that, as the response to a form, no browser stores."""
    response = render(template, status, **values)
    response.headers["Cache-Control"] = UNCOMPRESSED if request.method in READ_METHODS else _NOT_STORED
    return response
