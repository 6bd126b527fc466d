"""What the OpenAPI document says beside the routes: how to begin, credentials, errors, headers, examples, links."""

import functools
from copy import deepcopy
from http import HTTPStatus
from typing import Any

import marshmallow as ma
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from movierating import errors

INFO = {
    "summary": "Sign up, find a movie, rate it, see the charts.",
    "description": """\
A rating is a number from 0.5 to 10 in steps of 0.5, and says how much a movie entertained you.

**To rate a movie from this page**

1. [Sign up](#/users/sign_up) with a username and a password of your own.
2. [Log in](#/auth/log_in), and copy the `access_token` from the answer.
3. Press **Authorize**, paste the token under *bearer*, and press its **Authorize** button. It holds for 15 minutes;
   [a refresh](#/auth/refresh_tokens) or another login gives the next one. For scripts, make
   [a personal token](#/auth/create_token), which stays good until you end it.
4. [Find a movie](#/movies/list_movies): put a word of its title into `q`, and note the movie's `id`.
5. [Rate it](#/ratings/rate_movie). The answer shows what the movie's ratings add up to now.

**What holds everywhere**

- Bodies are JSON in UTF-8, ids are whole numbers, times are RFC 3339 in UTC. A field or parameter that is not
  described here is refused.
- Every error is a problem document (RFC 9457, `application/problem+json`).
- A list comes in pages: `next_cursor`, and the header `Link`, lead to the next one.
- An `ETag` sent back as `If-None-Match` saves the transfer of what has not changed.
- Every answer carries `X-Request-ID`, the client's own one if it sent one. Quote it when something goes wrong.
""",
    "license": {"name": "MIT", "identifier": "MIT"},
}

SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The `access_token` of a login, or a personal token (`mr_…`).",
    },
    "refresh": {
        "type": "http",
        "scheme": "bearer",
        "description": "The `refresh_token` of a login; only to exchange it for a new pair.",
    },
    "metrics": {
        "type": "http",
        "scheme": "bearer",
        "description": "The operator's `MOVIERATING_METRICS_TOKEN`, where there is one; only for `/metrics`.",
    },
}

ERROR_DESCRIPTIONS = {
    400: "The body is not JSON in UTF-8, or is nested too deeply.",
    401: "The token or password is missing, wrong, expired or revoked.",
    403: "The caller may not do this.",
    404: "Not found.",
    409: "The request conflicts with existing data.",
    412: "The movie has changed since the edit in `If-Match`.",
    413: "The body is too large.",
    415: "The body must be `application/json`.",
    422: "A field or parameter is invalid; `errors` lists each.",
    428: "The `If-Match` header is required.",
    429: "Too many requests; try again after `Retry-After` seconds.",
    500: "Internal error; the log has the details under this request id.",
    503: "The service is temporarily unavailable; try again shortly.",
    507: "The disk is full.",
}

HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {
        "description": "The entity tag of this version.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Link": {
        "description": 'The next page, if any: `<…>; rel="next"` (RFC 8288), relative.',
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "The address of what was made, relative.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}},
    "X-Request-ID": {
        "description": "The id of this request, the client's own if it sent one.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    },
}
_PROBLEM_HEADERS = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}


def headers(*names: str) -> dict[str, Any]:
    """References to some of HEADERS, as a response object's `headers`."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


ETAG_HEADER, LOCATION_HEADER, LIST_HEADERS = headers("ETag"), headers("Location"), headers("ETag", "Link")

IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` of the copy you have: if it is fresh, the answer is 304 without a body.",
}


class ProblemErrorSchema(ma.Schema):
    """One refused field."""

    location = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["json", "query", "path", "headers", "files"]),
        metadata={"example": "json"},
    )
    field = ma.fields.String(required=True, metadata={"description": "Dotted.", "example": "value"})
    message = ma.fields.String(required=True, metadata={"example": "Missing data for required field."})


class ProblemSchema(ma.Schema):
    """A problem document (RFC 9457)."""

    type = ma.fields.String(required=True, metadata={"format": "uri-reference", "example": "about:blank"})
    title = ma.fields.String(required=True, metadata={"example": HTTPStatus(422).phrase})
    status = ma.fields.Integer(required=True, metadata={"minimum": 400, "maximum": 599, "example": 422})
    detail = ma.fields.String(required=True, metadata={"example": "The request is not valid."})
    request_id = ma.fields.String(required=True, metadata={"example": "2f0c1a9be07d4c5f8f6f2ab1c0b34d55"})
    errors = ma.fields.List(ma.fields.Nested(ProblemErrorSchema), metadata={"description": "On a 422."})


# From an answer to what can be asked next: the operation, then its parameters (or body) out of the answer.
_NEW_MOVIE = {"movie_id": "$response.body#/id"}
_FOUND_MOVIE = {"movie_id": "$response.body#/items/0/id"}
_SAME_MOVIE = {"movie_id": "$request.path.movie_id"}
_RATED_MOVIE = {"movie_id": "$response.body#/items/0/movie/id"}
_AS_IT_IS = {**_NEW_MOVIE, "If-Match": "*"}
_EDITION = {**_NEW_MOVIE, "If-Match": "$response.header.ETag"}
_NEW_USER = {"user_id": "$response.body#/id"}
_RATER = {"user_id": "$response.body#/items/0/user/id"}
LINKS: dict[tuple[str, int], dict[str, Any]] = {
    ("sign_up", 201): {
        "log_in": {"login": "$response.body#/username", "password": "$request.body#/password"},
        "get_profile": _NEW_USER,
        "list_user_ratings": _NEW_USER,
        "update_account": _NEW_USER,
    },
    ("list_accounts", 200): {"get_profile": {"user_id": "$response.body#/items/0/id"}},
    ("list_user_ratings", 200): {"get_movie": _RATED_MOVIE, "rate_movie": _RATED_MOVIE},
    ("create_token", 201): {"revoke_token": {"token_id": "$response.body#/id"}},
    ("list_tokens", 200): {"revoke_token": {"token_id": "$response.body#/items/0/id"}},
    ("create_movie", 201): {
        "get_movie": _NEW_MOVIE,
        "rate_movie": _NEW_MOVIE,
        "update_movie": _AS_IT_IS,
        "delete_movie": _AS_IT_IS,
    },
    ("get_movie", 200): {"rate_movie": _NEW_MOVIE, "update_movie": _EDITION, "delete_movie": _EDITION},
    ("update_movie", 200): {"get_movie": _NEW_MOVIE, "update_movie": _EDITION, "delete_movie": _EDITION},
    ("get_movie_by_imdb_id", 200): {"get_movie": _NEW_MOVIE, "rate_movie": _NEW_MOVIE},
    ("list_movies", 200): {"get_movie": _FOUND_MOVIE, "rate_movie": _FOUND_MOVIE},
    ("list_movie_ratings", 200): {"get_profile": _RATER, "list_user_ratings": _RATER},
    **{
        ("rate_movie", status): {
            "get_rating": _SAME_MOVIE,
            "list_movie_ratings": _SAME_MOVIE,
            "delete_rating": _SAME_MOVIE,
        }
        for status in (200, 201)
    },
}  # fmt: skip


# What marshmallow has no words for, by schema.
_PROOF = ["current_password"]
_ONE_ID = {"oneOf": [{"required": [name]} for name in ("imdb_id", "movie_id", "tmdb_id")]}
RULES: dict[str, dict[str, Any]] = {
    "UpdateAccount": {"dependentRequired": {"email": _PROOF, "password": _PROOF}},
    "MovieReference": _ONE_ID,
    "BatchRating": _ONE_ID,
}


def register(spec: APISpec, plugin: MarshmallowPlugin) -> None:
    """Add the problem answers, headers and credentials to the components of `spec`."""
    for name, header in HEADERS.items():
        spec.components.header(name, header)
    for name, scheme in SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    schema = plugin.resolver.resolve_schema_dict(ProblemSchema)  # type: ignore[union-attr]
    not_modified = {"description": "Your copy is fresh.", "headers": headers("ETag", "X-Request-ID")}
    spec.components.response(HTTPStatus.NOT_MODIFIED.name, not_modified, lazy=True)
    field = errors.FieldError("json", "value", "Missing data for required field.")
    for status, description in ERROR_DESCRIPTIONS.items():
        example = errors.problem_details(
            status, description, "2f0c1a9be07d4c5f", [field] if status == 422 else None
        )
        response = {
            "description": description,
            "headers": headers(*_PROBLEM_HEADERS.get(status, []), "X-Request-ID"),
            "content": {errors.PROBLEM_MEDIA_TYPE: {"schema": schema, "example": example}},
        }
        spec.components.response(HTTPStatus(status).name, response, lazy=True)


@functools.lru_cache(maxsize=1)
def build_document(spec: APISpec, root: str = "") -> dict[str, Any]:
    """Return the document of a service mounted at the path `root`. The result is cached: do not modify it."""
    whole: dict[str, Any] = deepcopy(spec.to_dict())
    whole["servers"] = [{"url": root or "/"}]
    schemas = whole["components"]["schemas"]
    for name, rule in RULES.items():
        schemas[name] |= rule
    # The docs page would send the first choice of each with every upload; in the query it sends what was chosen.
    schemas["Upload"]["properties"] = {"file": schemas["Upload"]["properties"]["file"]}
    for path in whole["paths"].values():
        for parameter in path.get("parameters", []):
            thing = parameter["name"].removesuffix("_id")
            parameter.setdefault("description", f"The {thing}'s `id`.")
        for method in path.keys() - {"parameters"}:
            _complete(path[method], schemas)
    return whole


def _complete(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Give an operation's body and good answers their examples, the answers the request id, and links to others."""
    operation["responses"] = dict(sorted(operation["responses"].items()))
    operation.get("parameters", []).sort(key=lambda parameter: bool(parameter["in"] == "header"))
    _add_example(operation.get("requestBody", {}), schemas)
    for status, response in operation["responses"].items():
        if "$ref" in response:
            continue
        _add_example(response, schemas)
        response.setdefault("headers", {}).update(headers("X-Request-ID"))
        if links := _links(operation, int(status)):
            response["links"] = links


def _add_example(message: dict[str, Any], schemas: dict[str, Any]) -> None:
    for media in message.get("content", {}).values():
        if "schema" in media and "example" not in media:
            media["example"] = example(media["schema"], schemas)


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value of the schema, put together from the examples of its fields. Raises KeyError where one has none."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if "items" in schema:
        return [example(schema["items"], schemas)]
    if schema.get("format") == "binary" or "contentMediaType" in schema:
        return "…"
    others = {name for choice in schema.get("oneOf", [])[1:] for name in choice["required"]}
    return {
        name: example(field, schemas) for name, field in schema["properties"].items() if name not in others
    }


def _links(operation: dict[str, Any], status: int) -> dict[str, Any]:
    links = {
        target: {"operationId": target, "requestBody" if target == "log_in" else "parameters": values}
        for target, values in LINKS.get((operation["operationId"], status), {}).items()
    }
    asked = {parameter["name"] for parameter in operation.get("parameters", [])}
    # A cursor is good for one order only, and a link can't say "the order that was asked for, if any".
    if status == 200 and "cursor" in asked and "sort" not in asked:
        following = {"cursor": "$response.body#/next_cursor"}
        links["next_page"] = {"operationId": operation["operationId"], "parameters": following}
    return links
