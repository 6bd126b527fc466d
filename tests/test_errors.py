from http import HTTPStatus

import pytest

from movierating import errors
from movierating.errors import ApiError


def test_problem_details_have_the_members_of_rfc_9457_and_the_request_id():
    assert errors.problem_details(404, "There is no such movie.", "abc") == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such movie.",
        "request_id": "abc",
    }


def test_invalid_field_has_location_and_path():
    error = errors.invalid_field("json", "directors.0", "Must be text.")
    document = errors.problem_details(error.status, error.detail, "abc", error.errors)
    assert document["errors"] == [{"location": "json", "field": "directors.0", "message": "Must be text."}]


@pytest.mark.parametrize("kind", ApiError.__subclasses__(), ids=lambda kind: kind.__name__)
def test_every_error_has_its_own_status_and_is_in_the_overview(kind):
    assert [other.status for other in ApiError.__subclasses__()].count(kind.status) == 1
    assert isinstance(kind.status, HTTPStatus)
    assert f"── {kind.__name__} " in errors.__doc__
    assert f" {int(kind.status)} " in errors.__doc__
