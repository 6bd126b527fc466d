"""Responses of the API: JSON bodies, entity tags with 304, and lists with a link to the next page."""

from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import marshmallow as ma
import orjson
import xxhash
from flask import Response, request
from flask.globals import request_ctx
from werkzeug.datastructures import Headers
from werkzeug.urls import iri_to_uri

from movierating.http.fields import StrictInteger, in_range

DEFAULT_PAGE_LIMIT = 20
MAX_PAGE_LIMIT = 100


class PageQuerySchema(ma.Schema):
    """The query of a list: how many items, and from where."""

    limit = StrictInteger(
        load_default=DEFAULT_PAGE_LIMIT,
        validate=in_range(1, MAX_PAGE_LIMIT),
        metadata={"from_query": True, "description": "Items per page."},
    )
    cursor = ma.fields.String(
        load_default=None,
        allow_none=False,
        validate=ma.validate.Length(1, 4000),
        metadata={"pattern": "^[A-Za-z0-9_-]+$", "description": "The `next_cursor` of the previous page."},
    )


def make_list_schema(item: type[ma.Schema]) -> ma.Schema:
    """Return the schema of a page of `item`: `items` and `next_cursor`."""
    fields: dict[str, ma.fields.Field[Any]] = {
        "items": ma.fields.List(ma.fields.Nested(item), required=True),
        "next_cursor": ma.fields.String(
            required=True,
            allow_none=True,
            metadata={"example": "kq0VJYHq2n1bWzguNSwxN10", "description": "Null on the last page."},
        ),
    }
    name = item.__name__.removesuffix("Schema") + "ListSchema"
    return ma.Schema.from_dict(fields, name=name)()


class SlimResponse(Response):
    """A response with a JSON body, or none, that Werkzeug does not process again. `headers` may be changed."""

    def __init__(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        self.response = [body]
        self.status_code = status
        self._on_close = []
        self._headers = list(headers.items())
        if body:
            self._headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]

    @cached_property
    def headers(self) -> Headers:  # type: ignore[override]
        """Return the headers as Werkzeug's mutable mapping, which most requests don't need."""
        return Headers(self._headers)

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        """Send the response."""
        start_response(self.status, list(self.headers) if "headers" in self.__dict__ else self._headers)
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else self.response  # type: ignore[return-value]


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response from plain dicts and lists."""
    return SlimResponse(orjson.dumps(body), status, headers or {})


def created_response(body: Any, location: str) -> Response:
    """Return a 201 response with `Location`, the relative address of the new resource."""
    return json_response(body, 201, {"Location": iri_to_uri(location)})


def etag_response(body: Any, *, edit: int | None = None, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response with a strong ETag, or 304 for a read if the client has it.

    The tag is a hash of the body, behind the `edit` that `If-Match` names, if the resource has one.
    """
    encoded = orjson.dumps(body)
    # A hash without cryptographic strength is enough: only the author of both bodies could make them collide.
    tag = xxhash.xxh3_128_hexdigest(encoded)
    if edit is not None:
        tag = f"{edit}-{tag}"
    headers = {"ETag": f'"{tag}"', **(headers or {})}
    context = request_ctx._get_current_object()  # type: ignore[attr-defined]
    is_conditional = "HTTP_IF_NONE_MATCH" in context.request.environ
    if is_conditional and request.method in ("GET", "HEAD") and request.if_none_match.contains_weak(tag):
        return SlimResponse(b"", 304, headers)
    return SlimResponse(encoded, 200, headers)


def list_response(items: list[Any], next_cursor: str | None) -> Response:
    """Return a page of a list, with `Link: …; rel="next"` if there is a next page."""
    headers = {}
    if next_cursor is not None:
        request = request_ctx.request
        parameters = parse_qsl(request.query_string.decode(), keep_blank_values=True)
        query = urlencode([(name, value) for name, value in parameters if name != "cursor"])
        path = quote(request.root_path + request.path)
        separator = "&" if query else ""
        headers["Link"] = f'<{path}?{query}{separator}cursor={next_cursor}>; rel="next"'
    return etag_response({"items": items, "next_cursor": next_cursor}, headers=headers)
