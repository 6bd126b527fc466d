"""Adapt schemas of the OpenAPI document, so that client generators make usable types of them."""

import inspect
import re
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter

ID_KEYS = ("imdb_id", "movie_id", "tmdb_id")
# Schemas of objects that name a movie by exactly one of ID_KEYS.
_BY_ONE_ID = ("MovieReference", "BatchRating")
_IS_ID = re.compile(r"(.*_)?ids?")
_MAX_INT64 = 2**63 - 1


class _Converter(OpenAPIConverter):
    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        """Return the JSON Schema of a schema, with its docstring as the description."""
        text = (schema if isinstance(schema, type) else type(schema)).__doc__
        description = {"description": inspect.cleandoc(text)} if text else {}
        return {**super().schema2jsonschema(schema), **description}  # type: ignore[no-untyped-call]


class SchemaPlugin(MarshmallowPlugin):
    """The plugin of apispec for schemas, which describes them by their docstrings."""

    Converter = _Converter


def complete_field(name: str, schema: dict[str, Any]) -> None:
    """Add the format of an integer, and the names of sort orders such as `-title`, to the schema of a field."""
    types = schema.get("type", ())
    if "integer" in ([types] if isinstance(types, str) else types):
        schema.setdefault("format", "int64" if _IS_ID.fullmatch(name) else "int32")
        if schema.get("maximum") == _MAX_INT64:
            # The format says so already, and clients that read it as a float get a larger number.
            del schema["maximum"]
    choices = schema.get("enum", ())
    if any(isinstance(choice, str) and choice.startswith("-") for choice in choices):
        # From `title` and `-title` alone, generators would make one name.
        schema["x-enum-varnames"] = [
            f"{choice[1:]}_desc".upper() if choice.startswith("-") else choice.upper() for choice in choices
        ]


def split_nullable_enums(schemas: dict[str, Any]) -> None:
    """Move the values of each field that may be null to a schema with the name of the field."""
    enums: dict[str, Any] = {}
    for schema in schemas.values():
        for name, field in schema.get("properties", {}).items():
            if None in field.get("enum", ()):
                values = [value for value in field.pop("enum") if value is not None]
                enum = name.title().replace("_", "")
                enums[enum] = {"type": "string", "enum": values}
                del field["type"]
                field["anyOf"] = [{"$ref": f"#/components/schemas/{enum}"}, {"type": "null"}]
    schemas.update(enums)


def split_id_choices(schemas: dict[str, Any]) -> None:
    """Replace each schema of _BY_ONE_ID by a choice of whole objects, one for each of ID_KEYS."""
    for name in _BY_ONE_ID:
        schema, names = schemas[name], []
        for key in ID_KEYS:
            others = set(ID_KEYS) - {key}
            properties = {field: of for field, of in schema["properties"].items() if field not in others}
            names.append(f"{name}By{key.title().replace('_', '')}")
            required = sorted([key, *schema.get("required", ())])
            schemas[names[-1]] = {**schema, "properties": properties, "required": required}
        schemas[name] = {"oneOf": [{"$ref": f"#/components/schemas/{choice}"} for choice in names]}
