from http import HTTPStatus

import pytest

from movierating import errors
from movierating.errors import ApiError


@pytest.mark.parametrize("kind", ApiError.__subclasses__(), ids=lambda kind: kind.__name__)
def test_every_error_has_its_own_status_and_is_in_the_overview(kind):
    assert [other.status for other in ApiError.__subclasses__()].count(kind.status) == 1
    assert isinstance(kind.status, HTTPStatus)
    assert f"── {kind.__name__} " in errors.__doc__
    assert f" {int(kind.status)} " in errors.__doc__
