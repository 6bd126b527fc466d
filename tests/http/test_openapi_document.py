"""The OpenAPI document: valid, complete, and true."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

pytestmark = pytest.mark.any_database

PLACEHOLDERS = {
    "{movie_id}": "1",
    "{user_id}": "1",
    "{token_id}": "1",
    "{invitation_id}": "1",
    "{imdb_id}": "tt0000001",
    "{tmdb_id}": "1",
    "{username}": "boss",
}


@dataclass(frozen=True)
class Operation:
    """One operation of the document, with what it shares with its path."""

    method: str
    path: str
    doc: dict[str, Any]
    parameters: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        return re.sub(r"\{\w+\}", lambda match: PLACEHOLDERS[match[0]], self.path)

    def response(self, whole: dict[str, Any], status: str) -> dict[str, Any]:
        return resolved(whole, self.doc["responses"][status])

    def responses(self, whole: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {status: self.response(whole, status) for status in self.doc["responses"]}


def resolved(whole: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        kind, name = node["$ref"].split("/")[-2:]
        node = whole["components"][kind][name]
    return node


@pytest.fixture
def whole(client) -> dict[str, Any]:
    """The document."""
    return client.get("/openapi.json").json


@pytest.fixture
def operations(whole) -> list[Operation]:
    """Every operation of the document."""
    return [
        Operation(method.upper(), path, doc, [*item.get("parameters", []), *doc.get("parameters", [])])
        for path, item in whole["paths"].items()
        for method, doc in item.items()
        if method != "parameters"
    ]


def test_document_is_valid_openapi_3_1(whole):
    assert whole["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(whole).iter_errors()] == []


def test_document_lists_exactly_the_routes(app, operations):
    routes = {
        (method, re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.endpoint.partition(".")[0] not in ("static", "docs", "pages", "problems")
    }
    assert {(operation.method, operation.path) for operation in operations} == routes


def is_problem(whole: dict[str, Any], status: str, response: dict[str, Any]) -> bool:
    media = response["content"].get("application/problem+json", {})
    return (
        list(response["content"]) == ["application/problem+json"]
        and media["schema"] == {"$ref": "#/components/schemas/Problem"}
        and media["example"]["status"] == int(status)
    )


RULES = {
    "has a summary of one line": lambda _, o: o.doc["summary"] and "\n" not in o.doc["summary"],
    "has a description": lambda _, o: o.doc.get("description", "").endswith("."),
    "has a readable id": lambda _, o: re.fullmatch(r"[a-z]+(_[a-z]+)+", o.doc.get("operationId", "")),
    "has a tag that is described": lambda whole, o: set(o.doc["tags"]) <= {
        tag["name"] for tag in whole["tags"] if tag["description"]
    },
    "describes its parameters": lambda _, o: all(p.get("description") for p in o.parameters),
    "has a successful response": lambda _, o: any(status < "300" for status in o.doc["responses"]),
    "has no catch-all": lambda _, o: "default" not in o.doc["responses"],
    "has an example of its body": lambda _, o: "requestBody" not in o.doc
    or all("example" in media for media in o.doc["requestBody"]["content"].values()),
    "rejects unknown fields": lambda whole, o: "requestBody" not in o.doc
    or all(
        resolved(whole, media["schema"])["additionalProperties"] is False
        for media in o.doc["requestBody"]["content"].values()
        if "$ref" in media["schema"]
    ),
    "has a schema of its JSON or form": lambda _, o: "requestBody" not in o.doc
    or "$ref" in next(iter(o.doc["requestBody"]["content"].values()))["schema"],
    "documents the errors of a body": lambda _, o: "requestBody" not in o.doc
    or {"400", "413", "415", "422"} <= o.doc["responses"].keys(),
    "has an example of its successful responses": lambda whole, o: all(
        "example" in media
        for status, response in o.responses(whole).items()
        if status < "300" and "content" in response
        for media in response["content"].values()
    ),
    "has problem documents for errors": lambda whole, o: all(
        is_problem(whole, status, response) for status, response in o.responses(whole).items() if status >= "400"
    ),
    "has a request id in every response": lambda whole, o: all(
        "X-Request-ID" in response["headers"] for response in o.responses(whole).values()
    ),
    "documents Retry-After": lambda whole, o: all(
        "Retry-After" in o.response(whole, status)["headers"]
        for status in {"429", "503"} & o.doc["responses"].keys()
    ),
    "says whether it needs a token": lambda _, o: "security" in o.doc,
    "has 401 where it needs a token": lambda _, o: o.doc["security"] in ([], [{}]) or "401" in o.doc["responses"],
    "has Location if it creates": lambda whole, o: o.method != "POST"
    or "201" not in o.doc["responses"]
    or "Location" in o.response(whole, "201")["headers"],
    "has 304 where a GET has a tag": lambda whole, o: ("304" in o.doc["responses"])
    == (o.method == "GET" and "ETag" in o.response(whole, "200")["headers"])
    == (o.method == "GET" and "If-None-Match" in {p["name"] for p in o.parameters}),
    "has 412 where a write takes a tag": lambda _, o: ("412" in o.doc["responses"])
    == (o.method != "GET" and "If-Match" in {p["name"] for p in o.parameters}),
    "has 404 where it is about one thing": lambda _, o: ("{" not in o.path) or "404" in o.doc["responses"],
    "documents RateLimit where it is limited": lambda whole, o: all(
        ("RateLimit" in o.response(whole, status)["headers"]) == ("429" in o.doc["responses"])
        for status in o.doc["responses"] if status < "300"
    ),
    "is limited where it writes": lambda _, o: (o.method == "GET") != ("429" in o.doc["responses"]),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_every_operation(whole, operations, rule):
    assert [operation.name for operation in operations if not RULES[rule](whole, operation)] == []


def test_documented_security_matches_the_operations(client, operations):
    rejected = {o.name for o in operations if client.open(o.address, method=o.method).status_code == 401}
    assert {o.name for o in operations if o.doc["security"] and {} not in o.doc["security"]} == rejected


def test_etag_and_link_headers_are_documented_where_they_are_sent(
    member, admin, add_movie, whole, operations
):
    assert member.id == 1, "the user in the addresses is another one than the caller"
    for number in (1, 2):
        movie_id = add_movie(imdb_id=f"tt000000{number}", tmdb_id=number)
        admin.put(f"/v1/movies/{movie_id}/rating", json={"value": 8})
    for operation in operations:
        if operation.method == "GET":
            response = admin.get(operation.address)
            assert response.status_code == 200, operation.name
            documented = operation.response(whole, "200")["headers"].keys()
            assert ("ETag" in documented) == ("ETag" in response.headers), operation.name
            if "limit" in {parameter["name"] for parameter in operation.parameters}:
                assert "Link" in documented, operation.name


def examples(whole: dict[str, Any], node: Any, at: str) -> Iterator[tuple[str, Any, Any]]:
    """Every example below `node` with the schema that it illustrates: (where, schema, example)."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield at, node["schema"], node["example"]
        for example in node.get("examples", []) if "type" in node or "enum" in node else []:
            yield at, node, example
        for key, child in node.items():
            if key not in ("example", "examples"):
                yield from examples(whole, child, f"{at}/{key}")
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from examples(whole, child, f"{at}/{index}")


def test_every_example_matches_its_schema(whole):
    found = list(examples(whole, whole, ""))
    assert len(found) > 100
    for where, schema, example in found:
        validator = OAS31Validator(
            {"components": whole["components"], **schema}, format_checker=oas31_format_checker
        )
        assert [error.message for error in validator.iter_errors(example)] == [], where


def test_query_parameters_have_no_examples_which_the_docs_page_would_fill_in(operations):
    parameters = [each for operation in operations for each in operation.parameters if each["in"] == "query"]
    assert len(parameters) > 50
    assert [each["name"] for each in parameters if "example" in each or "examples" in each["schema"]] == []


def test_schemas_are_of_json_schema_2020(whole):
    text = str(whole["components"]["schemas"])
    assert "'nullable'" not in text
    assert "'example':" not in text


def test_links_refer_to_existing_operations_and_parameters(whole, operations):
    known = {o.doc["operationId"]: {p["name"] for p in o.parameters} for o in operations}
    links = [
        link
        for operation in operations
        for response in operation.responses(whole).values()
        for link in response.get("links", {}).values()
    ]
    assert links
    for link in links:
        assert link.get("parameters", {}).keys() <= known[link["operationId"]], link


def test_document_has_the_mount_point_as_its_server(client):
    assert client.get("/openapi.json").json["servers"] == [{"url": "/"}]
    mounted = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": "/films"})
    assert mounted.json["servers"] == [{"url": "/films"}]


def test_first_requests_at_once_get_the_same_document(at_once):
    responses = at_once(*[lambda client: client.get("/openapi.json")] * 4)
    assert {response.status_code for response in responses} == {200}
    assert len({response.data for response in responses}) == 1
