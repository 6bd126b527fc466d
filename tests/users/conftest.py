"""Fixtures about accounts: sign-ups over HTTP, and calls at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


@pytest.fixture
def apply(client: FlaskClient) -> Callable[..., TestResponse]:
    """`apply(username="ada")` signs up over HTTP; what is not given fits."""

    def send(**given: Any) -> TestResponse:
        fitting = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}
        return client.post("/v1/users", json={**fitting, **given})

    return send


@pytest.fixture
def pages() -> Callable[..., list[Any]]:
    """`pages(client, path)` follows `Link` from a list's first page to its last; their bodies."""

    def follow(client: Any, path: str) -> list[Any]:
        response = client.get(path)
        bodies = [response.json]
        while "Link" in response.headers:
            response = client.get(response.headers["Link"].partition(">")[0].removeprefix("<"))
            bodies.append(response.json)
        return bodies

    return follow


@pytest.fixture
def at_once(app: Flask) -> Callable[..., list[TestResponse]]:
    """`at_once(*calls)` runs each `call(client)` in a thread of its own, all let go at the same moment."""

    def run(*calls: Callable[[FlaskClient], TestResponse]) -> list[TestResponse]:
        barrier = Barrier(len(calls))

        def start(call: Callable[[FlaskClient], TestResponse]) -> TestResponse:
            barrier.wait()
            return call(app.test_client())

        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(start, calls))

    return run
