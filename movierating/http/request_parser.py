"""The one parser of requests: bodies, forms and queries, strictly as their schemas describe them."""

import functools
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import marshmallow as ma
import orjson
from flask import Request, current_app
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from movierating import errors

# The deepest body that any schema takes has three levels; the parser of a hostile one must not run out of stack.
MAX_JSON_DEPTH = 32

# A query in which nothing is encoded.
AS_IT_STANDS = re.compile(r"[A-Za-z0-9=&._-]*", re.ASCII)

# Marks in a request's environment: what a schema has read and judged.
QUERY_IS_CHECKED = "movierating.query_is_checked"
BODY_IS_CHECKED = "movierating.body_is_checked"


class RequestParser(FlaskParser):
    """Reads what a schema describes; refuses unknown fields, wrong content types and malformed JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": ma.RAISE, "query": ma.RAISE, "form": ma.RAISE, "files": ma.RAISE}  # noqa: RUF012

    def parse(self, argmap: Any, req: Any = None, *, location: Any = None, **kwargs: Any) -> Any:
        """What the request holds at `location`, as the schema `argmap` loads it.

        What is valid is loaded field by field, in a tenth of the time; marshmallow finds words for what isn't.
        """
        request: Request = req or self.get_default_request()
        plain = _plain(argmap)
        if plain is not None and location in ("query", "json"):
            body = self.load_json(request, argmap) if location == "json" else _given(request, plain)
            if isinstance(body, dict):
                with suppress(ma.ValidationError, KeyError):
                    return plain.load(body)
        return super().parse(argmap, request, location=location, **kwargs)

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """The body, parsed. Raises 415 for another content type, 413 if too large, and 400 for what isn't JSON."""
        req.environ[BODY_IS_CHECKED] = True
        if req.mimetype != "application/json":
            raise UnsupportedMediaType("The body must be application/json.")
        encoded = req.get_data()
        if len(encoded) > current_app.config["MAX_JSON_BYTES"]:
            raise RequestEntityTooLarge
        try:
            body = orjson.loads(encoded)
        except orjson.JSONDecodeError as error:
            raise BadRequest("The body is not valid JSON in UTF-8.") from error
        _refuse_hidden(body, encoded)
        return body

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        """The query; marks it as checked, so that `Blueprint.response` does not refuse it."""
        req.environ[QUERY_IS_CHECKED] = True
        _refuse_no_text(req)
        _refuse_repeated("query", req.args, schema)
        return MultiDictProxy(req.args, schema)

    def load_files(self, req: Request, schema: ma.Schema) -> Any:
        """A form's files and its other fields together. Raises 415 for another content type."""
        req.environ[BODY_IS_CHECKED] = True
        if req.mimetype != "multipart/form-data":
            raise UnsupportedMediaType("The body must be multipart/form-data.")
        form: MultiDict[str, Any] = CombinedMultiDict([req.form, req.files])
        _refuse_repeated("files", form, schema)
        return MultiDictProxy(form, schema)

    def handle_error(self, error: ma.ValidationError, req: Request, schema: ma.Schema, **_: Any) -> Any:
        """Raises InvalidRequest, with one entry a field."""
        trees = error.messages_dict.items()
        refused = [errors.FieldError(place, *pair) for place, tree in trees for pair in _flattened(tree)]
        raise errors.InvalidRequest("The request is not valid.", refused) from error


@dataclass(frozen=True, slots=True)
class _Plain:
    """A schema that is nothing but its fields."""

    fields: dict[str, ma.fields.Field[Any]]
    lists: frozenset[str]
    defaults: dict[str, Any]
    required: frozenset[str]

    def load(self, given: dict[str, Any]) -> dict[str, Any]:
        """As the schema's own. Raises ValidationError or KeyError where something is wrong, not saying all of it."""
        if not self.required <= given.keys():
            raise KeyError
        return self.defaults | {
            name: self.fields[name].deserialize(value, name, given) for name, value in given.items()
        }


@functools.cache
def _plain(schema: ma.Schema) -> _Plain | None:
    """What there is to a schema if it is plain: without hooks, renamed fields or defaults that are made anew."""
    fields = schema.load_fields
    defaults = {name: field.load_default for name, field in fields.items()}
    renamed = any(field.data_key or field.attribute for field in fields.values())
    if any(schema._hooks.values()) or schema.partial or renamed or any(map(callable, defaults.values())):
        return None
    return _Plain(
        fields,
        frozenset(name for name, field in fields.items() if isinstance(field, ma.fields.List)),
        {name: default for name, default in defaults.items() if default is not ma.missing},
        frozenset(name for name, field in fields.items() if field.required),
    )


def _given(request: Request, plain: _Plain) -> dict[str, Any] | None:
    """The query by name; None if something is there twice that can't be."""
    request.environ[QUERY_IS_CHECKED] = True
    given: dict[str, Any] = {}
    for name, value in _pairs(request):
        if name in plain.lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            return None
        else:
            given[name] = value
    return given


def _pairs(request: Request) -> Iterable[tuple[str, str]]:
    query: str = request.environ.get("QUERY_STRING", "")
    if AS_IT_STANDS.fullmatch(query):
        return [
            (name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)
        ]
    _refuse_no_text(request)
    return request.args.items(multi=True)


def _refuse_repeated(place: str, given: MultiDict[str, Any], schema: ma.Schema) -> None:
    for name, values in given.lists():
        field = schema.fields.get(name)
        if len(values) > 1 and field is not None and not isinstance(field, ma.fields.List):
            raise errors.invalid_field(place, name, "Must be given once.")


def _refuse_no_text(request: Request) -> None:
    """Raises InvalidRequest for a query that isn't UTF-8; werkzeug puts U+FFFD into it."""
    if b"%" in request.query_string:
        try:
            unquote_to_bytes(request.query_string).decode()
        except UnicodeDecodeError as error:
            raise errors.invalid_field("query", "", "Must be percent-encoded UTF-8.") from error


def _refuse_hidden(body: Any, encoded: bytes) -> None:
    """Raises BadRequest for a body that is nested too deeply, and for a name twice in one object, of which one is lost.

    `body` is what `encoded` says.
    """
    level, names = [body], 0
    for _ in range(MAX_JSON_DEPTH):
        objects = [item for item in level if isinstance(item, dict)]
        names += sum(map(len, objects))
        inner = [*(item.values() for item in objects), *(item for item in level if isinstance(item, list))]
        level = [child for children in inner for child in children]
        if not level:
            break
    else:
        raise BadRequest("The body is nested too deeply.")
    # A colon follows each name, and may stand in texts too.
    if encoded.count(b":") > names:
        json.loads(encoded, object_pairs_hook=_refuse_repeated_name, parse_int=len)


def _refuse_repeated_name(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise BadRequest("The body has a name twice in one object.")


def _flattened(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for key, branch in tree.items():
            yield from _flattened(branch, path if key == "_schema" else f"{path}.{key}".removeprefix("."))
    elif isinstance(tree, list):
        for branch in tree:
            yield from _flattened(branch, path)
    else:
        yield path, str(tree)
