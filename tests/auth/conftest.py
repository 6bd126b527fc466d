"""Fixtures about tokens: sent, aged, forged."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from movierating import clock
from movierating.auth.models import Session
from movierating.storage.database import write


@pytest.fixture
def whoami(client: FlaskClient) -> Callable[..., TestResponse]:
    """`whoami(token)` asks for the account that a token stands for."""

    def ask(token: str, scheme: str = "Bearer") -> TestResponse:
        return client.get("/v1/users/me", headers={"Authorization": f"{scheme} {token}"})

    return ask


@pytest.fixture
def refresh(client: FlaskClient) -> Callable[[str], TestResponse]:
    """`refresh(token)` spends a refresh token."""

    def spend(token: str) -> TestResponse:
        return client.post("/v1/auth/refresh", headers={"Authorization": f"Bearer {token}"})

    return spend


@pytest.fixture
def age(app: Flask) -> Callable[[int], None]:
    """`age(11)` makes every session's times as if eleven more seconds had passed."""

    def shift(seconds: int) -> None:
        columns = (Session.created_at, Session.rotated_at, Session.expires_at)
        earlier = {column: column - seconds * clock.SECOND for column in columns}
        write(lambda connection: connection.execute(update(Session).values(earlier)))

    return shift


@pytest.fixture
def resign(app: Flask) -> Callable[..., str]:
    """`resign(token, sub="7", exp=...)` is the token with other claims (`...`: none), signed by the service's key."""

    def sign(token: str, key: str = "", algorithm: str = "HS256", typ: str = "", **claims: Any) -> str:
        stated = {**jwt.decode(token, options={"verify_signature": False}), **claims}
        header = {"typ": typ or jwt.get_unverified_header(token)["typ"]}
        kept = {name: value for name, value in stated.items() if value is not ...}
        secret = None if algorithm == "none" else key or app.config["SECRET_KEY"]
        return jwt.api_jws.encode(json.dumps(kept).encode(), secret, algorithm, header)

    return sign


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
