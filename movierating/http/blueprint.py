"""flask-smorest with strict requests: the blueprint class, and problem details for errors in the document."""

import functools
import threading
from collections.abc import Callable
from copy import deepcopy
from http import HTTPStatus
from typing import Any

import flask_smorest
from apispec import APISpec
from flask import Flask
from flask.views import MethodView
from webargs.fields import DelimitedList
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.routing import BaseConverter

from movierating import errors
from movierating.http import fields, openapi_components, openapi_schemas
from movierating.http.request_context import BODY_IS_CHECKED, QUERY_IS_CHECKED, READ_METHODS, get_context
from movierating.http.request_parser import RequestParser

_MAX_ID = 2**63 - 1


class IdConverter(BaseConverter):
    """An id in a path."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        """Return the id, or for more digits the largest, which no row has.

        So a missing token or permission is still reported before a missing row, as for other ids.
        """
        return int(value) if len(value) <= 18 else _MAX_ID


class View(MethodView):
    """The operations of one URL, a method each. One object serves all requests, so it holds no state.

    With `accepts_files`, bodies may have MAX_UPLOAD_BYTES, and may be a file instead of a form.
    """

    init_every_request = False
    accepts_files = False

    def dispatch_request(self, **path: Any) -> Any:
        """Call the operation for the request's method, as Flask does, but look up the request only once."""
        context = get_context()
        method = context.request.method
        operation = getattr(self, "get" if method == "HEAD" else method.lower())
        return context.app.ensure_sync(operation)(**path)


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose operations reject query parameters and bodies that they don't read.

    `response` must be the innermost decorator of an operation; `error_responses` documents its errors.
    """

    ARGUMENTS_PARSER = RequestParser()

    def register_views_in_doc(self, api: "Api", *args: Any, **kwargs: Any) -> None:
        """Leave the documentation of the views to `api.build_spec`: it takes as long as the rest of a start."""
        api.document_later(functools.partial(super().register_views_in_doc, api, *args, **kwargs))

    def response(self, status_code: int, schema: Any = None, **kwargs: Any) -> Callable[[Any], Any]:
        """Apply flask-smorest's `response`, and reject a query and a body that no `arguments` has read.

        A GET with an ETag among its `headers` is documented to return 304 as well.
        """
        documented = super().response(status_code, schema, **kwargs)

        def decorator(view: Callable[..., Any]) -> Any:
            """Return the view that rejects unread input, with its documentation."""
            strict = _reject_unread_input(view)
            # Take the documentation only: flask-smorest's wrapper is for views whose results it serializes.
            strict._apidoc = documented(view)._apidoc
            writes = view.__name__ != "get"
            described = self.error_responses(422, 500, 503, *([507] if writes else []))(strict)
            if view.__name__ == "get" and "ETag" in kwargs.get("headers", ()):
                described = self.parameter(openapi_components.IF_NONE_MATCH)(
                    self.error_responses(304)(described)
                )
            return described

        return decorator

    @staticmethod
    def doc(**kwargs: Any) -> Callable[[Any], Any]:
        """Add to the documentation of an operation, as flask-smorest's `doc`, but without a wrapper around the view."""
        return _change_documentation(lambda doc: doc.setdefault("manual_doc", {}).update(kwargs))

    @staticmethod
    def error_responses(*statuses: int) -> Callable[[Any], Any]:
        """Document the errors that an operation can return besides those of every operation."""

        def add(doc: dict[str, Any]) -> None:
            responses = doc.setdefault("response", {}).setdefault("responses", {})
            for status in statuses:
                responses.setdefault(status, [HTTPStatus(status).name])

        return _change_documentation(add)

    @staticmethod
    def parameter(parameter: dict[str, Any]) -> Callable[[Any], Any]:
        """Document a parameter that the code reads without a schema."""
        return _change_documentation(
            lambda doc: doc.setdefault("arguments", {}).setdefault("parameters", []).append(parameter)
        )


def _reject_unread_input(view: Callable[..., Any]) -> Any:
    """Return a view that raises InvalidRequest for a query or a body that no schema has checked."""

    @functools.wraps(view)
    def strict(*args: Any, **kwargs: Any) -> Any:
        """Raise InvalidRequest for a body or query that no schema has checked; otherwise call the view."""
        request = get_context().request
        environ = request.environ
        is_read = environ["REQUEST_METHOD"] in READ_METHODS
        # Some clients send an empty object with every POST.
        if not (is_read or BODY_IS_CHECKED in environ or request.get_data().strip() in (b"", b"{}")):
            raise errors.invalid_field("json", "", "This operation takes no body.")
        if QUERY_IS_CHECKED in environ or not environ.get("QUERY_STRING") or not request.args:
            return view(*args, **kwargs)
        if is_read:
            # A missing resource gets 404 before an unknown parameter gets 422.
            view(*args, **kwargs)
        unknown = [errors.FieldError("query", name, "Unknown field.") for name in sorted(request.args)]
        raise errors.InvalidRequest("The request is not valid.", unknown)

    return strict


def _change_documentation(add: Callable[[dict[str, Any]], None]) -> Callable[[Any], Any]:
    """Return a decorator that applies `add` to a copy of the view's flask-smorest documentation."""

    def decorator(view: Any) -> Any:
        """Change the documentation of the view, and return the view."""
        view._apidoc = deepcopy(getattr(view, "_apidoc", {}))
        add(view._apidoc)
        return view

    return decorator


def check_exists_first(check: Callable[..., object]) -> Callable[[Any], Any]:
    """Call `check(**path_arguments)`, which may raise another error, before an invalid request gets 400, 415 or 422.

    It is not called for valid requests: the service checks the same in its transaction.
    """

    def decorator(view: Callable[..., Any]) -> Any:
        """Return the view with the check before its errors."""

        @functools.wraps(view)
        def checked(self: Any, **path: Any) -> Any:
            """Call the view; if the request is invalid, call the check before its error is raised."""
            try:
                return view(self, **path)
            except (errors.InvalidRequest, BadRequest, UnsupportedMediaType):
                check(**path)
                raise

        return checked

    return decorator


class Api(flask_smorest.Api):
    """flask-smorest's Api with problem details for errors, which `error_handlers` returns."""

    ERROR_SCHEMA = openapi_components.ProblemSchema
    # Each operation lists every error that it can return.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def init_app(self, app: Flask, **kwargs: Any) -> None:
        """Bind to `app`; register the path converter and field types."""
        self._undocumented: list[Callable[[], None]] = []
        self._documenting_lock = threading.Lock()
        app.url_map.converters["id"] = IdConverter
        # Werkzeug would redirect `/v1//movies` to an absolute URL.
        app.url_map.merge_slashes = False
        plugin = openapi_schemas.SchemaPlugin(schema_name_resolver=_get_schema_name)
        super().init_app(app, spec_kwargs={"marshmallow_plugin": plugin, "info": openapi_components.INFO})
        self._register_converter(IdConverter, lambda _: {"type": "integer", "minimum": 1, "format": "int64"})
        self._register_field(fields.HalfPoints, "number", None)
        self._register_field(fields.Timestamp, "string", "date-time")

    def document_later(self, document: Callable[[], None]) -> None:
        """Call `document` when the OpenAPI document is first needed."""
        self._undocumented.append(document)

    def build_spec(self) -> APISpec:
        """Return the OpenAPI document of all blueprints."""
        with self._documenting_lock:
            while self._undocumented:
                self._undocumented.pop(0)()
        spec: APISpec = self.spec
        return spec

    def _register_error_handlers(self) -> None:
        """Register none: `error_handlers` handles the errors of every layer."""

    def _register_responses(self) -> None:
        self.ma_plugin.converter.add_attribute_function(_convert_to_json_schema)
        self.ma_plugin.converter.add_parameter_attribute_function(_describe_parameter)
        openapi_components.register(self.spec, self.ma_plugin)

    def _register_pagination_header(self) -> None:
        """Register none: lists have cursors instead of flask-smorest's page numbers."""


def _convert_to_json_schema(_converter: Any, field: Any, ret: dict[str, Any]) -> dict[str, Any]:
    """Change apispec's schema of a field to JSON Schema 2020-12: `examples` is a list, and patterns are ECMA's."""
    if "example" in ret:
        ret["examples"] = [ret.pop("example")]
    if ret.get("default", 0) is None:
        del ret["default"]
    if ret.get("pattern", "").endswith(r"\Z"):
        ret["pattern"] = f"^{ret['pattern'][:-2]}$"
    openapi_schemas.complete_field(field.name, ret)
    return {}


def _describe_parameter(_converter: Any, field: Any, ret: dict[str, Any]) -> dict[str, Any]:
    """Document that a list with commas is one parameter, not a repeated one, and leave out examples.

    The docs page would fill them in, and a filter that the user did not choose finds nothing.
    """
    ret["schema"].pop("examples", None)
    return {"explode": False} if isinstance(field, DelimitedList) else {}


def _get_schema_name(schema: Any) -> str:
    return (schema if isinstance(schema, type) else type(schema)).__name__.removesuffix("Schema")
