"""Responses of the API: JSON bodies, entity tags with 304, compression, and lists with a link to the next page.

`coding` are the headers about the content coding: `Vary`, and `Content-Encoding` if the body is to be compressed.
"""

from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import marshmallow as ma
import orjson
import xxhash
from flask import Response, request
from werkzeug.datastructures import Headers
from werkzeug.urls import iri_to_uri

from movierating.http import compression
from movierating.http.fields import StrictInteger, in_range
from movierating.http.problems import PROBLEM_MEDIA_TYPE
from movierating.http.request_context import get_context

DEFAULT_PAGE_LIMIT = 20
MAX_PAGE_LIMIT = 100

_COMPRESSIBLE_TYPES = frozenset({"application/json", PROBLEM_MEDIA_TYPE})


class PageQuerySchema(ma.Schema):
    """The query of a list: how many items, and from where."""

    limit = StrictInteger(
        load_default=DEFAULT_PAGE_LIMIT,
        validate=in_range(1, MAX_PAGE_LIMIT),
        metadata={"description": "Items per page."},
    )
    cursor = ma.fields.String(
        load_default=None,
        allow_none=False,
        validate=ma.validate.Length(1, 4000),
        metadata={
            "pattern": "^[A-Za-z0-9_-]+$",
            "description": "The `next_cursor` of the previous page, whose filters and sort it needs.",
        },
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
    encoded = orjson.dumps(body)
    coding = _get_coding_headers(len(encoded))
    return SlimResponse(_encode(encoded, coding), status, {**(headers or {}), **coding})


def _get_coding_headers(length: int | None) -> dict[str, str]:
    """Return the headers about the content coding of a compressible body of `length` bytes, None if unknown."""
    if length is not None and length <= compression.MAX_UNCOMPRESSED_BYTES:
        return {}
    takes_gzip = compression.accepts_gzip(get_context().request.environ.get("HTTP_ACCEPT_ENCODING"))
    return {"Vary": "Accept-Encoding", **({"Content-Encoding": "gzip"} if takes_gzip else {})}


def _encode(body: bytes, coding: dict[str, str]) -> bytes:
    return compression.compress(body) if "Content-Encoding" in coding else body


def created_response(body: Any, resource_id: int) -> Response:
    """Return a 201 response with `Location`: the path of the request, and the id of the new resource."""
    location = iri_to_uri(f"{request.root_path}{request.path}/{resource_id}")
    return json_response(body, 201, {"Location": location})


def etag_response(body: Any, *, edit: int | None = None, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response with an ETag, or 304 for a read if the client has it.

    The tag is a hash of the uncompressed body, behind the `edit` that `If-Match` names, if the resource has one. It is
    weak if the body is compressed, because the same tag has other bytes then.
    """
    encoded = orjson.dumps(body)
    tag = _hash(encoded)
    if edit is not None:
        tag = f"{edit}-{tag}"
    coding = _get_coding_headers(len(encoded))
    etag = f'W/"{tag}"' if "Content-Encoding" in coding else f'"{tag}"'
    headers = {"ETag": etag, **(headers or {}), **coding}
    is_conditional = "HTTP_IF_NONE_MATCH" in get_context().request.environ
    if is_conditional and request.method in ("GET", "HEAD") and request.if_none_match.contains_weak(tag):
        headers.pop("Content-Encoding", None)
        return SlimResponse(b"", 304, headers)
    return SlimResponse(_encode(encoded, coding), 200, headers)


def make_tag(body: Any) -> str:
    """Return the ETag of a JSON body, without its quotes."""
    return _hash(orjson.dumps(body))


def _hash(encoded: bytes) -> str:
    # A hash without cryptographic strength is enough: only the author of both bodies could make them collide.
    return xxhash.xxh3_128_hexdigest(encoded)


def list_response(
    items: list[Any], next_cursor: str | None, fields: dict[str, Any] | None = None
) -> Response:
    """Return a page of a list, with `Link: …; rel="next"` if there is a next page. `fields` are added to its body."""
    headers = {}
    if next_cursor is not None:
        request = get_context().request
        parameters = request.args.items(multi=True)
        query = urlencode([(name, value) for name, value in parameters if name != "cursor"])
        path = quote(request.root_path + request.path)
        separator = "&" if query else ""
        headers["Link"] = f'<{path}?{query}{separator}cursor={next_cursor}>; rel="next"'
    return etag_response({"items": items, "next_cursor": next_cursor, **(fields or {})}, headers=headers)


def finish_response(response: Response) -> Response:
    """Compress a response that no function above made, such as a page, a file or an error; return 304 for a known ETag.

    A response with `Cache-Control: no-transform` is not compressed. An `after_request` hook.
    """
    if isinstance(response, SlimResponse):
        return response
    coding = _negotiate_coding(response)
    if coding:
        response.vary.add("Accept-Encoding")
    is_compressed = "Content-Encoding" in coding
    etag, is_weak = response.get_etag()
    if etag is not None:
        response.set_etag(etag, weak=is_weak or is_compressed)
        response.make_conditional(request)
    if is_compressed and response.status_code != 304:
        response.content_encoding = "gzip"
        _compress_body(response)
    return response


def _negotiate_coding(response: Response) -> dict[str, str]:
    media_type = response.mimetype or ""
    if not media_type.startswith("text/") and media_type not in _COMPRESSIBLE_TYPES:
        return {}
    if response.cache_control.no_transform:
        return {}
    return _get_coding_headers(None if response.is_streamed else len(response.get_data()))


def _compress_body(response: Response) -> None:
    if not response.is_streamed:
        is_file = response.cache_control.immutable
        compress = compression.compress_file if is_file else compression.compress
        response.set_data(compress(response.get_data()))
        return
    blocks = response.response
    if hasattr(blocks, "close"):
        response.call_on_close(blocks.close)
    response.headers.pop("Content-Length", None)
    response.response = compression.compress_blocks(blocks)  # type: ignore[arg-type]
