"""Fixtures of accounts."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


@pytest.fixture
def apply(client: FlaskClient) -> Callable[..., TestResponse]:
    """`apply(username="ada")` signs up over HTTP; fields that are not passed have valid values."""

    def send(**fields: Any) -> TestResponse:
        defaults = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}
        return client.post("/v1/users", json={**defaults, **fields})

    return send
