"""The forms of schemas that generators of clients need, without the generators."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.any_database


@pytest.fixture
def document(client) -> dict[str, Any]:
    return client.get("/openapi.json").json


def list_nodes(node: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object below `node` with the name of the field or parameter that it describes."""
    if isinstance(node, list):
        for child in node:
            yield from list_nodes(child, name)
    elif isinstance(node, dict):
        yield name, node
        for key, child in node.items():
            if key not in ("example", "examples", "default"):
                same = key in ("schema", "items", "oneOf", "anyOf")
                yield from list_nodes(child, node.get("name", name) if same else key)


def list_integers(document: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield the name and the format of every integer."""
    for name, node in list_nodes(document):
        types = node.get("type", ())
        if "integer" in ([types] if isinstance(types, str) else types):
            yield name, node.get("format")


def test_ids_are_int64_and_other_integers_int32(document):
    formats = set(list_integers(document))
    assert {name for name, form in formats if form == "int64"} >= {
        "id",
        "movie_id",
        "tmdb_id",
        "user_id",
        "into",
    }
    assert {name for name, form in formats if form == "int32"} >= {"count", "year", "limit", "histogram"}
    wrong = [
        (name, form)
        for name, form in formats
        if form != ("int64" if re.fullmatch(r"(.*_)?ids?|into|candidates", name) else "int32")
    ]
    assert wrong == []


def test_bounds_of_numbers_are_exact_as_floats(document):
    bounds = [node[key] for _, node in list_nodes(document) for key in ("minimum", "maximum") if key in node]
    assert bounds
    assert [bound for bound in bounds if isinstance(bound, int | float) and abs(bound) > 2**53] == []


def test_choice_of_ids_is_one_of_whole_objects(document):
    schemas = document["components"]["schemas"]
    for name, other_fields in (("MovieReference", set()), ("BatchRating", {"value", "rated_at"})):
        choices = [schemas[choice["$ref"].rpartition("/")[2]] for choice in schemas[name].pop("oneOf")]
        assert schemas[name] == {}
        for key, choice in zip(("imdb_id", "movie_id", "tmdb_id"), choices, strict=True):
            assert choice["type"] == "object"
            assert choice["additionalProperties"] is False
            assert choice["properties"].keys() == {key} | other_fields
            assert set(choice["required"]) == {key} | (other_fields - {"rated_at"})


def test_enum_that_may_be_null_is_a_reference_or_null(document):
    assert [name for name, node in list_nodes(document) if None in node.get("enum", ())] == []
    schemas = document["components"]["schemas"]
    for field, enum in (("language", "Language"), ("country", "Country")):
        choices = schemas["CreateMovie"]["properties"][field]["anyOf"]
        assert choices == [{"$ref": f"#/components/schemas/{enum}"}, {"type": "null"}]
        assert schemas[enum]["type"] == "string"
        assert len(schemas[enum]["enum"]) > 100


def test_sorts_have_names_for_clients(document):
    sorts = [node for name, node in list_nodes(document) if name == "sort" and "enum" in node]
    assert len(sorts) >= 2
    for sort in sorts:
        names = dict(zip(sort["enum"], sort["x-enum-varnames"], strict=True))
        assert names["title"] == "TITLE"
        assert len(set(names.values())) == len(names)
        assert all(name.endswith("_DESC") == value.startswith("-") for value, name in names.items())
        assert all(re.fullmatch(r"[A-Z_]+", name) for name in names.values())


def test_public_operations_say_that_they_need_no_token(document):
    security = {
        operation["operationId"]: operation["security"]
        for path in document["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    }
    for name in ("sign_up", "log_in", "list_genres", "get_health"):
        assert security[name] == []
    assert security["rate_movie"] == [{"bearer": []}]


def test_csv_download_is_a_string(document):
    response = document["paths"]["/v1/users/me/ratings/export"]["get"]["responses"]["200"]
    assert response["content"]["text/csv"]["schema"] == {"type": "string"}


def test_bodies_of_links_are_text(document):
    links = [link for _, node in list_nodes(document) for link in node.get("links", {}).values()]
    assert links
    assert all(isinstance(link.get("requestBody", ""), str) for link in links)


def test_schemas_of_objects_are_described(document):
    schemas = document["components"]["schemas"]
    assert schemas["Token"]["description"] == "A personal token, without its secret."
    undescribed = {
        name for name, schema in schemas.items() if "properties" in schema and "description" not in schema
    }
    assert {name for name in undescribed if not name.endswith("List")} == set()
