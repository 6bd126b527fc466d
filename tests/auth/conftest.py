"""Fixtures that send, age and forge tokens."""

import json
from collections.abc import Callable
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
    """`whoami(token)` gets the account of a token's user."""

    def get_account(token: str, scheme: str = "Bearer") -> TestResponse:
        return client.get("/v1/users/me", headers={"Authorization": f"{scheme} {token}"})

    return get_account


@pytest.fixture
def refresh(client: FlaskClient) -> Callable[[str], TestResponse]:
    """`refresh(token)` exchanges a refresh token."""

    def exchange(token: str) -> TestResponse:
        return client.post("/v1/auth/refresh", headers={"Authorization": f"Bearer {token}"})

    return exchange


@pytest.fixture
def age(app: Flask) -> Callable[[int], None]:
    """`age(11)` moves the times of all sessions eleven seconds back."""

    def shift(seconds: int) -> None:
        columns = (Session.created_at, Session.rotated_at, Session.expires_at)
        earlier = {column: column - seconds * clock.SECOND for column in columns}
        write(lambda connection: connection.execute(update(Session).values(earlier)))

    return shift


@pytest.fixture
def resign(app: Flask) -> Callable[..., str]:
    """`resign(token, sub="7", exp=...)` returns the token with other claims (`...`: without it), signed again."""

    def sign(token: str, key: str = "", algorithm: str = "HS256", typ: str = "", **claims: Any) -> str:
        merged = {**jwt.decode(token, options={"verify_signature": False}), **claims}
        header = {"typ": typ or jwt.get_unverified_header(token)["typ"]}
        payload = {name: value for name, value in merged.items() if value is not ...}
        secret = None if algorithm == "none" else key or app.config["SECRET_KEY"]
        return jwt.api_jws.encode(json.dumps(payload).encode(), secret, algorithm, header)

    return sign
