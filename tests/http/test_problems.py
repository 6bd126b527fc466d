"""Every error has a kind that a program can compare, and a page that explains it."""

import ast
import re
from pathlib import Path

import pytest

import movierating
from movierating import errors
from movierating.http.problems import PROBLEMS, make_http_error, make_problem_details

KIND = re.compile(r"[a-z]+(-[a-z]+)*")


CLASSES = [errors.ApiError, *errors.ApiError.__subclasses__(), *errors.Unauthenticated.__subclasses__()]
NAMES = {error.__name__ for error in CLASSES}


def list_raised_kinds():
    """Return the kinds that the package's source gives to its errors."""
    for file in Path(movierating.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in NAMES:
                words = [word.value for word in node.keywords if word.arg == "kind"]
                yield from (word.value for word in words if isinstance(word, ast.Constant))


def test_problem_details_have_the_members_of_rfc_9457_and_the_request_id():
    assert make_problem_details(errors.NotFound("There is no such movie."), "abc") == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no such movie.",
        "request_id": "abc",
    }


def test_invalid_field_has_location_and_path():
    details = make_problem_details(errors.invalid_field("json", "directors.0", "Must be text."), "abc")
    assert details["errors"] == [{"location": "json", "field": "directors.0", "message": "Must be text."}]


def test_every_kind_that_the_package_raises_is_described():
    assert {*list_raised_kinds(), *(error.kind for error in CLASSES)} <= PROBLEMS.keys()
    assert all(KIND.fullmatch(kind) for kind in PROBLEMS)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(405, "method-not-allowed"), (413, "body-too-large"), (400, "bad-request"), (501, "internal-error")],
)
def test_error_of_flask_has_the_kind_of_its_status(status, kind):
    error = make_http_error(status, "No.")
    assert (error.status, error.kind) == (status, kind)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_type_of_a_problem_is_the_address_of_its_page(client, kind):
    details = make_problem_details(errors.ApiError("No.", kind=kind), "abc")
    response = client.get(details["type"])
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    assert f"<h1>{PROBLEMS[kind].title}</h1>" in response.text
    assert "`" not in response.text


@pytest.mark.parametrize("path", ["/problems", "/problems/"])
def test_index_links_every_kind(client, path):
    page = client.get(path).text
    assert re.findall(r'href="/problems/([a-z-]+)"', page) == list(PROBLEMS)


@pytest.mark.parametrize("path", ["/problems", "/problems/"])
def test_list_of_problems_names_its_methods(client, path):
    assert "GET" in client.options(path).headers["Allow"]
    response = client.delete(path)
    assert (response.status_code, response.allow.as_set() >= {"get"}) == (405, True)


def test_unknown_kind_has_no_page(client, problem):
    problem(client.get("/problems/%3Cscript%3E"), 404)
