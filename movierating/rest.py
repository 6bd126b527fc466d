"""flask-smorest made strict: one body parser, one blueprint class, one shape for errors in the document."""

import functools
from collections.abc import Callable, Iterator
from copy import deepcopy
from http import HTTPStatus
from typing import Any

import flask_smorest
import marshmallow as ma
import orjson
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Request, current_app, request
from flask.views import MethodView
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.routing import BaseConverter

from movierating import fields, openapi, problems

# The deepest body that any schema takes has three levels; the parser of a hostile one must not run out of stack.
DEEPEST_JSON = 32

_LARGEST_ID = 2**63 - 1

_QUERY_IS_CHECKED = "movierating.query_is_checked"
_READING = frozenset({"GET", "HEAD"})


class IdConverter(BaseConverter):
    """An id in a path. One with more digits than any row's becomes the largest, which no row has: a 404, not a 500."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        """The id, clamped to what the database can hold."""
        return int(value) if len(value) <= 18 else _LARGEST_ID


class Parser(FlaskParser):
    """Reads what a schema describes; refuses unknown fields, wrong content types and malformed JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": ma.RAISE, "query": ma.RAISE, "form": ma.RAISE, "files": ma.RAISE}  # noqa: RUF012

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """The body, parsed. Raises 415 for another content type, 413 if too large, and 400 for what isn't JSON."""
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
        req.environ[_QUERY_IS_CHECKED] = True
        _refuse_repeated("query", req.args, schema)
        return MultiDictProxy(req.args, schema)

    def load_files(self, req: Request, schema: ma.Schema) -> Any:
        """A form's files and its other fields together. Raises 415 for another content type."""
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


class View(MethodView):
    """The operations of one URL, a method each. One object serves all requests, so it keeps nothing of theirs."""

    init_every_request = False


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose operations refuse unknown query parameters.

    On each operation `response` stands innermost, and `refuses` names the other answers that it can give.
    """

    ARGUMENTS_PARSER = Parser()

    def response(self, status_code: int, schema: Any = None, **kwargs: Any) -> Callable[[Any], Any]:
        """flask-smorest's `response`, which also refuses a query that no `arguments` has read.

        A GET whose `headers` tell of an ETag is documented to answer 304 as well.
        """
        documented = super().response(status_code, schema, **kwargs)

        def decorator(view: Callable[..., Any]) -> Any:
            described = self.refuses(422, 500, 503)(documented(_without_query(view)))
            if view.__name__ == "get" and "ETag" in kwargs.get("headers", ()):
                described = self.takes(openapi.IF_NONE_MATCH)(self.refuses(304)(described))
            return described

        return decorator

    @staticmethod
    def refuses(*statuses: int) -> Callable[[Any], Any]:
        """Document the problems that an operation answers with, beside those that every operation can."""

        def add(doc: dict[str, Any]) -> None:
            responses = doc.setdefault("response", {}).setdefault("responses", {})
            for status in statuses:
                responses.setdefault(status, [HTTPStatus(status).name])

        return _documenting(add)

    @staticmethod
    def takes(parameter: dict[str, Any]) -> Callable[[Any], Any]:
        """Document a parameter that the code reads by itself."""
        return _documenting(
            lambda doc: doc.setdefault("arguments", {}).setdefault("parameters", []).append(parameter)
        )

    @staticmethod
    def doc(**described: Any) -> Callable[[Any], Any]:
        """flask-smorest's `doc`, without a call more on each request."""
        return _documenting(lambda doc: doc.setdefault("manual_doc", {}).update(described))


def _without_query(view: Callable[..., Any]) -> Any:
    @functools.wraps(view)
    def strict(*args: Any, **kwargs: Any) -> Any:
        if not request.args or _QUERY_IS_CHECKED in request.environ:
            return view(*args, **kwargs)
        if request.method in _READING:
            # What is not there is a 404 before its query is a 422.
            view(*args, **kwargs)
        unknown = [problems.FieldError("query", name, "Unknown field.") for name in sorted(request.args)]
        raise problems.Invalid("The request is not valid.", unknown)

    return strict


def _documenting(add: Callable[[dict[str, Any]], None]) -> Callable[[Any], Any]:
    """A decorator that lets `add` change the view's own copy of what flask-smorest knows about it."""

    def decorator(view: Any) -> Any:
        view._apidoc = deepcopy(getattr(view, "_apidoc", {}))
        add(view._apidoc)
        return view

    return decorator


def before_422(check: Callable[..., object]) -> Callable[[Any], Any]:
    """Let `check(**path arguments)` refuse, with a 404 say, before a request that doesn't validate gets its 422.

    A request that validates does not pay for it: the service finds the same out in its transaction.
    """

    def decorator(view: Callable[..., Any]) -> Any:
        @functools.wraps(view)
        def checked(self: Any, **path: Any) -> Any:
            try:
                return view(self, **path)
            except (problems.Invalid, BadRequest, UnsupportedMediaType):
                check(**path)
                raise

        return checked

    return decorator


class Api(flask_smorest.Api):
    """flask-smorest's Api with problem documents for errors; `http.py` is what answers with them."""

    ERROR_SCHEMA = openapi.ProblemSchema
    # Each operation lists every answer it can give.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def init_app(self, app: Flask, **kwargs: Any) -> None:
        """Bind to `app`, with our path converter and field types known to the document."""
        app.url_map.converters["id"] = IdConverter
        # `//v1/movies` is no address of ours; werkzeug would redirect it, and to an absolute one.
        app.url_map.merge_slashes = False
        plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
        super().init_app(app, spec_kwargs={"marshmallow_plugin": plugin, "info": openapi.INFO})
        self._register_converter(IdConverter, lambda _: {"type": "integer", "minimum": 1, "format": "int64"})
        self._register_field(fields.HalfPoints, "number", None)
        self._register_field(fields.Moment, "string", "date-time")

    def _register_error_handlers(self) -> None:
        """None here: `http.py` answers errors of every layer."""

    def _register_responses(self) -> None:
        self.ma_plugin.converter.add_attribute_function(_json_schema)
        openapi.register(self.spec, self.ma_plugin)

    def _register_pagination_header(self) -> None:
        """None here: lists have cursors, not flask-smorest's page numbers."""


def _json_schema(_converter: Any, field: Any, ret: dict[str, Any]) -> dict[str, Any]:
    """What differs between apispec's schema of a field and JSON Schema 2020-12: `examples`, and ECMA's patterns."""
    if "example" in ret:
        shown = ret.pop("example")
        # The docs page fills in a parameter's example, and a filter that nobody asked for finds nothing.
        if not field.metadata.get("from_query"):
            ret["examples"] = [shown]
    if ret.get("default", 0) is None:
        del ret["default"]
    if ret.get("pattern", "").endswith(r"\Z"):
        ret["pattern"] = f"^{ret['pattern'][:-2]}$"
    return {}


def _schema_name(schema: Any) -> str:
    return (schema if isinstance(schema, type) else type(schema)).__name__.removesuffix("Schema")
