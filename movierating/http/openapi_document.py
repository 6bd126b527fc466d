"""The OpenAPI document: what the blueprints describe, completed with examples and links between operations."""

import functools
from copy import deepcopy
from typing import Any

from apispec import APISpec

from movierating.http.openapi_components import RATE_LIMIT_HEADERS, refer_to_headers
from movierating.http.openapi_schemas import split_id_choices, split_nullable_enums

# OpenAPI links by operation and status: the next operation, and the expressions of its parameters.
_MOVIE = {"movie_id": "$response.body#/id"}
_FIRST_MOVIE = {"movie_id": "$response.body#/items/0/id"}
_MOVIE_OF_PATH = {"movie_id": "$request.path.movie_id"}
_FIRST_RATED_MOVIE = {"movie_id": "$response.body#/items/0/movie/id"}
_ANY_EDIT = {**_MOVIE, "If-Match": "*"}
_EDIT = {**_MOVIE, "If-Match": "$response.header.ETag"}
_USER = {"user_id": "$response.body#/id"}
_FIRST_RATER = {"user_id": "$response.body#/items/0/user/id"}
_AFTER_RATING = dict.fromkeys(("get_rating", "list_movie_ratings", "delete_rating"), _MOVIE_OF_PATH)
LINKS: dict[tuple[str, int], dict[str, Any]] = {
    ("sign_up", 201): {
        **dict.fromkeys(("get_profile", "list_user_ratings", "update_account"), _USER),
    },
    ("list_accounts", 200): {"get_profile": {"user_id": "$response.body#/items/0/id"}},
    ("list_user_ratings", 200): {"get_movie": _FIRST_RATED_MOVIE, "rate_movie": _FIRST_RATED_MOVIE},
    ("list_own_ratings", 200): {"get_movie": _FIRST_RATED_MOVIE, "rate_movie": _FIRST_RATED_MOVIE},
    ("create_token", 201): {"revoke_token": {"token_id": "$response.body#/id"}},
    ("list_tokens", 200): {"revoke_token": {"token_id": "$response.body#/items/0/id"}},
    ("create_invitation", 201): {"withdraw_invitation": {"invitation_id": "$response.body#/id"}},
    ("list_invitations", 200): {"withdraw_invitation": {"invitation_id": "$response.body#/items/0/id"}},
    ("create_movie", 201): {
        **dict.fromkeys(("get_movie", "rate_movie"), _MOVIE),
        **dict.fromkeys(("update_movie", "delete_movie"), _ANY_EDIT),
    },
    ("get_movie", 200): {"rate_movie": _MOVIE, "update_movie": _EDIT, "delete_movie": _EDIT},
    ("update_movie", 200): {"get_movie": _MOVIE, "update_movie": _EDIT, "delete_movie": _EDIT},
    ("get_movie_by_imdb_id", 200): {"get_movie": _MOVIE, "rate_movie": _MOVIE},
    ("list_movies", 200): {"get_movie": _FIRST_MOVIE, "rate_movie": _FIRST_MOVIE},
    ("list_movie_ratings", 200): {"get_profile": _FIRST_RATER, "list_user_ratings": _FIRST_RATER},
    ("rate_movie", 200): _AFTER_RATING,
    ("rate_movie", 201): _AFTER_RATING,
}

# Rules that apispec can't derive from marshmallow, by schema.
_CURRENT_PASSWORD = ["current_password"]
RULES: dict[str, dict[str, Any]] = {
    "UpdateAccount": {"dependentRequired": {"email": _CURRENT_PASSWORD, "password": _CURRENT_PASSWORD}},
}


@functools.lru_cache(maxsize=1)
def build_document(
    spec: APISpec, root: str = "", private_paths: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return the document of a service mounted at the path `root`. The result is cached: do not modify it.

    All operations at `private_paths` require a token.
    """
    document: dict[str, Any] = deepcopy(spec.to_dict())
    document["servers"] = [{"url": root or "/"}]
    schemas = document["components"]["schemas"]
    for name, rule in RULES.items():
        schemas[name] |= rule
    split_id_choices(schemas)
    split_nullable_enums(schemas)
    # The other fields are query parameters too. In a form, the docs page would send the first choice of each.
    for name in ("Upload", "PreviewUpload"):
        schemas[name]["properties"] = {"file": schemas[name]["properties"]["file"]}
    for path, item in document["paths"].items():
        for parameter in item.get("parameters", []):
            resource = parameter["name"].removesuffix("_id")
            parameter.setdefault("description", f"The {resource}'s `id`.")
        for method in item.keys() - {"parameters"}:
            if path in private_paths:
                _require_token(item[method])
            _complete(item[method], schemas)
    return document


def _require_token(operation: dict[str, Any]) -> None:
    """Describe that the operation requires a token, also if it is optional otherwise."""
    operation["security"] = [scheme for scheme in operation.get("security", []) if scheme] or [{"bearer": []}]
    operation["responses"].setdefault("401", {"$ref": "#/components/responses/UNAUTHORIZED"})


def _complete(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Add examples, links, and the headers of every response to an operation."""
    # Without it, some clients ask for a token everywhere.
    operation.setdefault("security", [])
    operation["responses"] = dict(sorted(operation["responses"].items()))
    operation.get("parameters", []).sort(key=_get_parameter_order)
    _add_example(operation.get("requestBody", {}), schemas)
    for status, response in operation["responses"].items():
        if "$ref" in response:
            continue
        _add_example(response, schemas)
        limit_headers = RATE_LIMIT_HEADERS if "429" in operation["responses"] else ()
        response.setdefault("headers", {}).update(refer_to_headers(*limit_headers, "X-Request-ID"))
        if links := _make_links(operation, int(status)):
            response["links"] = links


def _get_parameter_order(parameter: dict[str, Any]) -> int:
    """Return the place of a parameter: filters first, then those of pages, then headers."""
    return 2 if parameter["in"] == "header" else int(parameter["name"] in ("limit", "cursor"))


def _add_example(message: dict[str, Any], schemas: dict[str, Any]) -> None:
    for media in message.get("content", {}).values():
        if "schema" in media and "example" not in media:
            media["example"] = make_example(media["schema"], schemas)


def make_example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Return a value of the schema, composed of its fields' examples. Raise KeyError if a field has none."""
    if "$ref" in schema:
        return make_example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if "items" in schema:
        return [make_example(schema["items"], schemas)]
    if schema.get("format") == "binary" or "contentMediaType" in schema:
        return "…"
    if "properties" not in schema:
        return make_example(schema["oneOf"][0], schemas)
    return {name: make_example(field, schemas) for name, field in schema["properties"].items()}


def _make_links(operation: dict[str, Any], status: int) -> dict[str, Any]:
    links = {
        target: {"operationId": target, "parameters": values}
        for target, values in LINKS.get((operation["operationId"], status), {}).items()
    }
    parameters = {parameter["name"] for parameter in operation.get("parameters", [])}
    # A cursor is valid for one order only, and a link can't refer to an optional parameter.
    if status == 200 and "cursor" in parameters and "sort" not in parameters:
        next_page = {"cursor": "$response.body#/next_cursor"}
        links["next_page"] = {"operationId": operation["operationId"], "parameters": next_page}
    return links
