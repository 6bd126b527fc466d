"""Shared parts of the OpenAPI document: introduction, security schemes, headers and errors."""

from http import HTTPStatus
from typing import Any

import marshmallow as ma
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from movierating import errors
from movierating.http.problems import PROBLEM_MEDIA_TYPE, PROBLEMS, make_http_error, make_problem_details

INFO = {
    "summary": "Sign up, find a movie, rate it, see the charts.",
    "description": """\
A rating is a number from 0.5 to 10 in steps of 0.5. It says how much a movie entertained you.

**To rate a movie from this page**

1. [Sign up](#/users/sign_up) with a username and a password.
2. Log in at the top of this page. You stay logged in for 15 minutes, unless you close the page.
3. [Find a movie](#/movies/list_movies): enter a word of its title as `q`, and note the movie's `id`.
4. [Rate it](#/ratings/rate_movie). The response contains the movie's new average.

Programs [log in](#/auth/log_in) and send the `access_token` as a bearer token, or use
[a personal token](#/auth/create_token), which is valid until you revoke it. To try a token here, press **Authorize**.

**All operations**

- Bodies are JSON in UTF-8, ids are integers, times are RFC 3339 in UTC. Unknown fields and parameters are rejected.
- Booleans in a query may also be written `True` and `False`, or `1` and `0`.
- Errors use RFC 9457 problem details (`application/problem+json`). Compare their `type`;
  [all kinds](problems/) are explained.
- Lists are paginated: pass `next_cursor` as `cursor`, or follow the `Link` header.
- Send an `ETag` as `If-None-Match` to get 304 without a body if the resource has not changed. Send it
  as `If-Match` with a change to get 412 if the resource has changed meanwhile.
- Bodies over 1 KB are compressed with gzip if `Accept-Encoding` allows it. Their `ETag` is weak (`W/"…"`).
- Writes, sign-ups and logins are limited. `RateLimit` says how many requests remain; a 429 says when to try again.
- Every response has an `X-Request-ID`: the one that you sent, or a new one. Quote it when you report a problem.
""",
    "license": {"name": "MIT", "identifier": "MIT"},
}

# The descriptions of the security schemes, each of which is a bearer token.
TOKEN_DESCRIPTIONS = {
    "bearer": "The `access_token` from a login, or a personal token (`mr_…`).",
    "refresh": "The `refresh_token` from a login; only to get new tokens.",
    "metrics": "The operator's `MOVIERATING_METRICS_TOKEN`, if it is set; only for `/metrics`.",
}

ERROR_DESCRIPTIONS = {
    400: "The body is not JSON in UTF-8, or is nested too deeply.",
    401: "The token or password is missing, wrong, expired or revoked.",
    403: "The caller may not do this.",
    404: "Not found.",
    409: "The request conflicts with existing data.",
    412: "The resource has changed since you read the `ETag` in `If-Match`, or exists despite `If-None-Match`.",
    413: "The body is too large.",
    415: "The body is compressed, or has a content type that the operation does not take.",
    422: "A field or parameter is invalid; `errors` lists each.",
    428: "The `If-Match` header is required.",
    429: "Too many requests; try again after `Retry-After` seconds.",
    500: "Internal error; the log has the details under this request id.",
    503: "The service is temporarily unavailable; try again shortly.",
    507: "The disk is full.",
}

HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {
        "description": "The version of the resource; weak (`W/`) if the body is compressed.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Link": {
        "description": 'The relative URL of the next page, if there is one: `<…>; rel="next"` (RFC 8288).',
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "The relative URL of the resource.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "RateLimit": {
        "description": "For each limit that applies to the request, the number of requests that remain (`r`), and the "
        'seconds until the window ends (`t`): `"writes";r=599;t=60`.',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "The limits that apply to the request, each with its number of requests (`q`) in a window of so "
        'many seconds (`w`): `"writes";q=600;w=60`.',
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "integer", "format": "int32", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "`Bearer`, with `error` and `error_description` (RFC 6750) if a token was sent.",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer"},
    },
    "X-Request-ID": {
        "description": "The id of the request: the client's, or a new one.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    },
}
RATE_LIMIT_HEADERS = ("RateLimit", "RateLimit-Policy")
_PROBLEM_HEADERS = {
    401: ["WWW-Authenticate"],
    429: [*RATE_LIMIT_HEADERS, "Retry-After"],
    503: ["Retry-After"],
}


def refer_to_headers(*names: str) -> dict[str, Any]:
    """Return references to some of HEADERS, as a response object's `headers`."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


ETAG_HEADER, LOCATION_HEADER = refer_to_headers("ETag"), refer_to_headers("Location")
LIST_HEADERS = refer_to_headers("ETag", "Link")

IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` of an earlier response. If it is still current, the response is 304 without a body.",
}


class ProblemErrorSchema(ma.Schema):
    """An invalid field."""

    location = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["json", "query", "path", "headers", "files"]),
        metadata={"example": "json"},
    )
    field = ma.fields.String(
        required=True, metadata={"description": "The path of the field, with dots.", "example": "value"}
    )
    message = ma.fields.String(required=True, metadata={"example": "Missing data for required field."})


class ProblemConflictSchema(ma.Schema):
    """The field, and the movie, with which a request conflicts; only for some kinds of status 409."""

    field = ma.fields.String(required=True, metadata={"description": "The field.", "example": "imdb_id"})
    movie_id = ma.fields.Integer(
        metadata={
            "description": "The movie with the same value, or into which the requested one was merged.",
            "example": 7,
        }
    )


class ProblemSchema(ma.Schema):
    """Problem details (RFC 9457)."""

    type = ma.fields.String(
        required=True,
        metadata={
            "format": "uri-reference",
            "example": "/problems/validation",
            "description": "The kind of problem, for a program to compare. A page at this address explains it.",
        },
    )
    title = ma.fields.String(required=True, metadata={"example": PROBLEMS["validation"].title})
    status = ma.fields.Integer(required=True, metadata={"minimum": 400, "maximum": 599, "example": 422})
    detail = ma.fields.String(required=True, metadata={"example": "The request is not valid."})
    request_id = ma.fields.String(required=True, metadata={"example": "2f0c1a9be07d4c5f8f6f2ab1c0b34d55"})
    errors = ma.fields.List(
        ma.fields.Nested(ProblemErrorSchema), metadata={"description": "The invalid fields, with status 422."}
    )
    conflict = ma.fields.Nested(ProblemConflictSchema)


def register(spec: APISpec, plugin: MarshmallowPlugin) -> None:
    """Add the headers, security schemes and error responses to the components of `spec`."""
    for name, header in HEADERS.items():
        spec.components.header(name, header)
    for name, text in TOKEN_DESCRIPTIONS.items():
        spec.components.security_scheme(name, {"type": "http", "scheme": "bearer", "description": text})
    schema = plugin.resolver.resolve_schema_dict(ProblemSchema)  # type: ignore[union-attr]
    not_modified = {"description": "Not modified.", "headers": refer_to_headers("ETag", "X-Request-ID")}
    spec.components.response(HTTPStatus.NOT_MODIFIED.name, not_modified, lazy=True)
    for redirect in (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT):
        moved = {
            "description": "The movie was merged into another one, which `Location` names.",
            "headers": refer_to_headers("Location", "X-Request-ID"),
        }
        spec.components.response(redirect.name, moved, lazy=True)
    field = errors.FieldError("json", "value", "Missing data for required field.")
    for status, description in ERROR_DESCRIPTIONS.items():
        error = make_http_error(status, description)
        kind = next(kind for kind, problem in PROBLEMS.items() if problem.status == status)
        error.kind, error.errors = kind, [field] if status == 422 else None
        example = make_problem_details(error, "2f0c1a9be07d4c5f")
        response = {
            "description": description,
            "headers": refer_to_headers(*_PROBLEM_HEADERS.get(status, []), "X-Request-ID"),
            "content": {PROBLEM_MEDIA_TYPE: {"schema": schema, "example": example}},
        }
        spec.components.response(HTTPStatus(status).name, response, lazy=True)
