"""The one parser of requests: bodies, forms and queries, strictly as their schemas describe them."""

from collections.abc import Iterator
from typing import Any

import marshmallow as ma
import orjson
from flask import Request, current_app
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from movierating import problems

# The deepest body that any schema takes has three levels; the parser of a hostile one must not run out of stack.
DEEPEST_JSON = 32

# Marks in a request's environment: what a schema has read and judged.
QUERY_IS_CHECKED = "movierating.query_is_checked"
BODY_IS_CHECKED = "movierating.body_is_checked"


class Parser(FlaskParser):
    """Reads what a schema describes; refuses unknown fields, wrong content types and malformed JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": ma.RAISE, "query": ma.RAISE, "form": ma.RAISE, "files": ma.RAISE}  # noqa: RUF012

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
        if _depth_exceeds(body, DEEPEST_JSON):
            raise BadRequest("The body is nested too deeply.")
        return body

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        """The query; marks it as checked, so that `Blueprint.response` does not refuse it."""
        req.environ[QUERY_IS_CHECKED] = True
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
        """Raises Invalid, with one entry a field."""
        trees = error.messages_dict.items()
        refused = [problems.FieldError(place, *pair) for place, tree in trees for pair in _flattened(tree)]
        raise problems.Invalid("The request is not valid.", refused) from error


def _refuse_repeated(place: str, given: MultiDict[str, Any], schema: ma.Schema) -> None:
    for name, values in given.lists():
        field = schema.fields.get(name)
        if len(values) > 1 and field is not None and not isinstance(field, ma.fields.List):
            raise problems.invalid(place, name, "Must be given once.")


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        inner = [
            item.values() if isinstance(item, dict) else item
            for item in level
            if isinstance(item, dict | list)
        ]
        level = [child for children in inner for child in children]
        if not level:
            return False
    return True


def _flattened(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for key, branch in tree.items():
            yield from _flattened(branch, path if key == "_schema" else f"{path}.{key}".removeprefix("."))
    elif isinstance(tree, list):
        for branch in tree:
            yield from _flattened(branch, path)
    else:
        yield path, str(tree)
