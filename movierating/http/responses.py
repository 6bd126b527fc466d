"""Answers of the API: JSON bodies, entity tags with 304, and lists with their next page."""

import functools
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import marshmallow as ma
import orjson
import xxhash
from flask import Request, Response, request
from flask.globals import request_ctx
from werkzeug.datastructures import Headers
from werkzeug.urls import iri_to_uri

from movierating.http.fields import StrictInteger
from movierating.http.request_parser import AS_IT_STANDS

DEFAULT_PAGE_LIMIT = 20
MAX_PAGE_LIMIT = 100


class PageQuerySchema(ma.Schema):
    """Where a list continues, and how much of it is wanted."""

    limit = StrictInteger(
        load_default=DEFAULT_PAGE_LIMIT,
        validate=ma.validate.Range(1, MAX_PAGE_LIMIT),
        metadata={"from_query": True, "description": "Items a page."},
    )
    cursor = ma.fields.String(
        load_default=None,
        allow_none=False,
        validate=ma.validate.Length(1, 4000),
        metadata={"pattern": "^[A-Za-z0-9_-]+$", "description": "`next_cursor` of the page before."},
    )


def make_list_schema(item: type[ma.Schema]) -> ma.Schema:
    """The schema of a page of `item`: `items`, `next_cursor`."""
    fields: dict[str, ma.fields.Field[Any]] = {
        "items": ma.fields.List(ma.fields.Nested(item), required=True),
        "next_cursor": ma.fields.String(
            required=True,
            allow_none=True,
            metadata={"example": "kq0VJYHq2n1bWzguNSwxN10", "description": "null on the last page."},
        ),
    }
    name = item.__name__.removesuffix("Schema") + "ListSchema"
    return ma.Schema.from_dict(fields, name=name)()


class SlimResponse(Response):
    """A response whose body and headers are final, without Werkzeug's looking over both again."""

    def __init__(self, body: bytes, status: int, headers: list[tuple[str, str]]) -> None:
        self.response = [body]
        self.status_code = status
        self._plain = headers
        self._on_close = []

    @cached_property
    def headers(self) -> Headers:  # type: ignore[override]
        """Its headers, to be changed by those few who want to."""
        return Headers(self._plain)

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        """Send it."""
        start_response(self.status, list(self.headers) if "headers" in self.__dict__ else self._plain)
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else self.response  # type: ignore[return-value]


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer from plain dicts and lists."""
    return _encoded(orjson.dumps(body), status, headers or {})


def _encoded(body: bytes, status: int, headers: dict[str, str]) -> Response:
    content = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return SlimResponse(body, status, [*content, *headers.items()])


def created_response(body: Any, location: str) -> Response:
    """201, with the relative address of what was made."""
    return json_response(body, 201, {"Location": iri_to_uri(location)})


def etag_response(body: Any, *, edit: int | None = None, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response with a strong ETag, or 304 for a read if the client has it.

    The tag is a hash of the body, behind the `edit` that `If-Match` names, if the resource has one.
    """
    encoded = orjson.dumps(body)
    # Only who may write both bodies could make them collide, so the hash need not be a cryptographic one.
    tag = xxhash.xxh3_128_hexdigest(encoded)
    if edit is not None:
        tag = f"{edit}-{tag}"
    headers = {"ETag": f'"{tag}"', **(headers or {})}
    is_conditional = "HTTP_IF_NONE_MATCH" in request.environ and request.method in ("GET", "HEAD")
    if is_conditional and request.if_none_match.contains_weak(tag):
        return SlimResponse(b"", 304, list(headers.items()))
    return _encoded(encoded, 200, headers)


def list_response(items: list[Any], next_cursor: str | None) -> Response:
    """A page of a list, with `Link: …; rel="next"` where there is a next one."""
    headers = {}
    if next_cursor is not None:
        now = request_ctx.request
        headers["Link"] = (
            f'<{_quoted(now.root_path + now.path)}?{_query_without_cursor(now)}cursor={next_cursor}>; rel="next"'
        )
    return etag_response({"items": items, "next_cursor": next_cursor}, headers=headers)


# Most lists have one address.
_quoted = functools.lru_cache(1000)(quote)


def _query_without_cursor(now: Request) -> str:
    given: str = now.environ.get("QUERY_STRING", "")
    if AS_IT_STANDS.fullmatch(given):
        return "".join(f"{part}&" for part in given.split("&") if part and not part.startswith("cursor="))
    query = [(name, value) for name, value in now.args.items(multi=True) if name != "cursor"]
    return urlencode(query) + "&" if query else ""
