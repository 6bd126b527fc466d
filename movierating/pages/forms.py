"""Forms: the API's schemas load them, and a rejected form is shown again with messages at its fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
from flask import request
from werkzeug.datastructures import MultiDict

from movierating.errors import ApiError
from movierating.http.fields import reading_text
from movierating.http.request_parser import is_repeatable, make_invalid_request
from movierating.pages.local_paths import make_list_address


@dataclass(slots=True)
class Form:
    """A form to be shown: the text of its fields, a message for each invalid field, and one for the whole form.

    `status` is that of the page with the form.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    message: str | None = None
    status: int = 200

    @classmethod
    def of_request(cls, error: ApiError) -> "Form":
        """Return the form of the request, with the messages of `error`. Templates leave passwords empty."""
        errors = _index_by_field(error)
        if error.conflict is not None and error.conflict["field"] in request.form:
            errors = {error.conflict["field"]: error.detail}
        elif error.kind == "wrong-password":
            errors = {"current_password": error.detail}
        # The form as a whole has no name.
        message = errors.pop("", None)
        return cls(request.form, errors, message if errors or message else error.detail, error.status)

    @classmethod
    def of_query(cls, error: ApiError) -> "Form":
        """Return the form of the request's query, with the messages of `error`."""
        errors = _index_by_field(error)
        return cls(request.args, errors, None if errors else error.detail, error.status)

    @property
    def first_page(self) -> str:
        """Return the address of the first page of the list that the request reads, with the same filters."""
        return make_list_address()


def _index_by_field(error: ApiError) -> dict[str, str]:
    """Return the first message of each field, in the order of the schema."""
    errors: dict[str, str] = {}
    for each in error.errors or ():
        # An item of a list, such as `directors.0`, is an error of the list.
        errors.setdefault(each.field.partition(".")[0], each.message)
    return errors


def load_form(schema: ma.Schema) -> dict[str, Any]:
    """Return what `schema` loads from the request's form, as from JSON. Raise InvalidRequest.

    Empty fields count as missing, and fields that the schema does not have are ignored.
    """
    return load_text(schema, request.form, "form")


def load_query(schema: ma.Schema) -> dict[str, Any]:
    """Return what `schema` loads from the query, as from the API's. Raise InvalidRequest."""
    return load_text(schema, request.args, "query")


def load_text(schema: ma.Schema, source: MultiDict[str, str], location: str) -> dict[str, Any]:
    """Return what `schema` loads from fields of text, without spaces around them. Raise InvalidRequest.

    The spaces of passwords count, and those of lists, such as names of columns.
    """
    values: dict[str, Any] = {}
    for name, schema_field in schema.load_fields.items():
        texts = source.getlist(name)
        is_list = is_repeatable(schema_field)
        if not is_list:
            # The first, by which rate limits count; a second one must not take its place.
            texts = texts[:1]
            # A keyboard of a phone adds a space after a word, and a copied id may have some.
            if schema_field.metadata.get("format") != "password":
                texts = [text.strip() for text in texts]
        texts = [text for text in texts if text.strip()]
        if texts:
            values[name] = texts if is_list else texts[0]
    try:
        with reading_text():
            loaded: dict[str, Any] = schema.load(values)
    except ma.ValidationError as error:
        raise make_invalid_request({location: error.messages_dict}) from error
    return loaded
