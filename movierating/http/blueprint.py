"""flask-smorest made strict: one blueprint class, and one shape for errors in the document."""

import functools
from collections.abc import Callable
from copy import deepcopy
from http import HTTPStatus
from typing import Any

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, request
from flask.globals import request_ctx
from flask.views import MethodView
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.routing import BaseConverter

from movierating import errors
from movierating.http import fields, openapi
from movierating.http.request_parser import BODY_IS_CHECKED, QUERY_IS_CHECKED, RequestParser

_LARGEST_ID = 2**63 - 1

_READ_METHODS = frozenset({"GET", "HEAD"})


class IdConverter(BaseConverter):
    """An id in a path. One with more digits than any row's becomes the largest, which no row has: a 404, not a 500."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        """The id, clamped to what the database can hold."""
        return int(value) if len(value) <= 18 else _LARGEST_ID


class View(MethodView):
    """The operations of one URL, a method each. One object serves all requests, so it keeps nothing of theirs."""

    init_every_request = False


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose operations refuse query parameters and bodies that nothing reads.

    On each operation `response` stands innermost, and `error_responses` names the other answers that it can give.
    """

    ARGUMENTS_PARSER = RequestParser()

    def response(self, status_code: int, schema: Any = None, **kwargs: Any) -> Callable[[Any], Any]:
        """flask-smorest's `response`, which also refuses a query and a body that no `arguments` has read.

        A GET whose `headers` tell of an ETag is documented to answer 304 as well.
        """
        documented = super().response(status_code, schema, **kwargs)

        def decorator(view: Callable[..., Any]) -> Any:
            strict = _without_surplus(view)
            # Only described by flask-smorest: its wrapper is for views that leave the dumping to it.
            strict._apidoc = documented(view)._apidoc
            writes = view.__name__ != "get"
            described = self.error_responses(422, 500, 503, *([507] if writes else []))(strict)
            if view.__name__ == "get" and "ETag" in kwargs.get("headers", ()):
                described = self.parameter(openapi.IF_NONE_MATCH)(self.error_responses(304)(described))
            return described

        return decorator

    @staticmethod
    def error_responses(*statuses: int) -> Callable[[Any], Any]:
        """Document the problems that an operation answers with, beside those that every operation can."""

        def add(doc: dict[str, Any]) -> None:
            responses = doc.setdefault("response", {}).setdefault("responses", {})
            for status in statuses:
                responses.setdefault(status, [HTTPStatus(status).name])

        return _documenting(add)

    @staticmethod
    def parameter(parameter: dict[str, Any]) -> Callable[[Any], Any]:
        """Document a parameter that the code reads by itself."""
        return _documenting(
            lambda doc: doc.setdefault("arguments", {}).setdefault("parameters", []).append(parameter)
        )


def _without_surplus(view: Callable[..., Any]) -> Any:
    @functools.wraps(view)
    def strict(*args: Any, **kwargs: Any) -> Any:
        environ = request_ctx.request.environ
        if environ["REQUEST_METHOD"] not in _READ_METHODS:
            _refuse_surplus_body()
        if not environ.get("QUERY_STRING", "") or QUERY_IS_CHECKED in environ or not request.args:
            return view(*args, **kwargs)
        if request.method in _READ_METHODS:
            # What is not there is a 404 before its query is a 422.
            view(*args, **kwargs)
        unknown = [errors.FieldError("query", name, "Unknown field.") for name in sorted(request.args)]
        raise errors.InvalidRequest("The request is not valid.", unknown)

    return strict


def _refuse_surplus_body() -> None:
    if BODY_IS_CHECKED in request.environ:
        return
    # Clients that send JSON with every POST send an empty object.
    if request.get_data().strip() not in (b"", b"{}"):
        raise errors.invalid_field("json", "", "This call takes no body.")


def _documenting(add: Callable[[dict[str, Any]], None]) -> Callable[[Any], Any]:
    """A decorator that lets `add` change the view's own copy of what flask-smorest knows about it."""

    def decorator(view: Any) -> Any:
        view._apidoc = deepcopy(getattr(view, "_apidoc", {}))
        add(view._apidoc)
        return view

    return decorator


def check_exists_first(check: Callable[..., object]) -> Callable[[Any], Any]:
    """Let `check(**path arguments)` refuse, with a 404 say, before a request that doesn't validate gets its 422.

    A request that validates does not pay for it: the service finds the same out in its transaction.
    """

    def decorator(view: Callable[..., Any]) -> Any:
        @functools.wraps(view)
        def checked(self: Any, **path: Any) -> Any:
            try:
                return view(self, **path)
            except (errors.InvalidRequest, BadRequest, UnsupportedMediaType):
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
        self._register_field(fields.Timestamp, "string", "date-time")

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
