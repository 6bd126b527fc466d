"""People who invite, sign up, and reset passwords over HTTP."""

import pytest

INVITATIONS, RESET = "/v1/invitations", "/v1/auth/password-reset"

PASSWORD, NEW_PASSWORD = "correct horse battery", "another horse battery"


@pytest.fixture
def apply(client):
    """`apply(invitation="…")` signs up over HTTP; fields that are not passed have valid values."""

    def send(**fields):
        account = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
        return client.post("/v1/users", json={**account, **fields})

    return send


@pytest.fixture
def log_in(client):
    """`log_in(password)` logs the member in."""
    return lambda password: client.post("/v1/auth/login", json={"login": "member", "password": password})


@pytest.fixture
def invite(admin):
    """`invite()` creates an invitation and returns the response's body."""

    def create():
        response = admin.post(INVITATIONS)
        assert response.status_code == 201, response.text
        return response.json

    return create


@pytest.fixture
def create_reset(admin):
    """`create_reset(user)` creates a link to reset a user's password and returns the response's body."""

    def create(user):
        response = admin.post(f"/v1/users/{user.id}/password-reset")
        assert response.status_code == 200, response.text
        return response.json

    return create
