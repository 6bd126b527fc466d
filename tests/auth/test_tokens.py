"""Personal tokens: shown once, stored hashed, limited in scope and time."""

import hashlib

import jwt
import pytest
from sqlalchemy import select, update

from movierating import clock
from movierating.auth import tokens
from movierating.auth.models import PersonalToken, User
from movierating.auth.service import revoke_all
from movierating.errors import Unauthenticated
from movierating.storage.database import read, write

PASSWORD = "correct horse battery"
TOKENS = "/v1/auth/tokens"


@pytest.fixture
def create_token():
    """`create_token(user, "read")` creates a personal token and returns the headers to send it, and the response."""

    def create(user, scope="write", **fields):
        response = user.post(TOKENS, json={"name": "script", "scope": scope, **fields})
        assert response.status_code == 201, response.text
        return {"Authorization": f"Bearer {response.json['token']}"}, response

    return create


def test_a_token_is_shown_once_and_only_its_hash_is_stored(member, create_token):
    _, response = create_token(member, expires_at="2100-01-01T00:00:00+02:00")
    token = response.json.pop("token")
    assert token.startswith("mr_")
    assert len(token) == 3 + 43  # 256 bits in base64
    assert response.json["expires_at"] == "2099-12-31T22:00:00Z"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Location"] == f"{TOKENS}/{response.json['id']}"
    assert member.get(TOKENS).json == {
        "items": [{key: value for key, value in response.json.items() if key != "token"}], "next_cursor": None
    }  # fmt: skip
    (row,) = read().execute(select(PersonalToken.__table__))
    assert row.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(tuple(row))


def test_write_token_has_the_rights_of_its_owner(member, admin, client, create_token, add_movie, problem):
    headers, _ = create_token(member)
    movie = f"/v1/movies/{add_movie()}/rating"
    assert client.put(movie, json={"value": 7}, headers=headers).status_code == 201
    assert member.get(movie).json["value"] == 7
    problem(client.get("/v1/users", headers=headers), 403)
    for scope in ("read", "write"):
        headers, _ = create_token(admin, scope)
        assert client.get("/v1/users", headers=headers).status_code == 200


def test_read_token_can_read(member, client, create_token, add_movie, problem):
    headers, _ = create_token(member, "read")
    assert client.get("/v1/users/me", headers=headers).json["id"] == member.id
    assert client.head("/v1/users/me", headers=headers).status_code == 200
    problem(client.get(f"/v1/movies/{add_movie()}/rating", headers=headers), 404)


WRITES = [
    ("PUT", "/v1/movies/1/rating"),
    ("DELETE", "/v1/movies/1/rating"),
    ("POST", "/v1/movies"),
    ("PATCH", "/v1/movies/1"),
    ("DELETE", "/v1/movies/1"),
    ("PATCH", "/v1/users/me"),
    ("PATCH", "/v1/users/1"),
]


def test_read_token_is_rejected_before_body_validation(admin, client, create_token, problem, subtests):
    for method, path in WRITES:
        with subtests.test(f"{method} {path}"):
            headers, _ = create_token(admin, "read")
            problem(client.open(path, method=method, json={"display_name": "New"}, headers=headers), 403)


SESSION_OPERATIONS = [
    ("PATCH", "/v1/users/me", {"password": "staple horse battery", "current_password": PASSWORD}),
    ("PATCH", "/v1/users/me", {"email": "new@example.org", "current_password": PASSWORD}),
    ("PATCH", "/v1/users/me", {"email": "not an e-mail"}),
    ("PATCH", "/v1/users/me", {"password": 1, "unknown": 1}),
    ("DELETE", "/v1/users/me", {"current_password": PASSWORD}),
    ("POST", "/v1/users/me/delete", {"current_password": PASSWORD}),
    ("GET", TOKENS, None),
    ("POST", TOKENS, {"name": "another", "scope": "write"}),
    ("DELETE", f"{TOKENS}/1", None),
    ("POST", "/v1/auth/logout", None),
]


def test_personal_token_cannot_call_session_operations(member, client, create_token, problem, subtests):
    for method, path, body in SESSION_OPERATIONS:
        with subtests.test(f"{method} {path}"):
            for scope in ("read", "write"):
                headers, _ = create_token(member, scope)
                problem(client.open(path, method=method, json=body, headers=headers), 403)
            assert client.get("/v1/users/me", headers=headers).json["email"] == "member@example.org"


def test_write_token_can_change_the_display_name(member, client, create_token):
    headers, _ = create_token(member)
    assert client.patch("/v1/users/me", json={"display_name": "M."}, headers=headers).status_code == 200
    assert member.get("/v1/users/me").json["display_name"] == "M."


def test_expired_token_is_rejected(member, client, create_token, problem):
    headers, _ = create_token(member, expires_at="2100-01-01T00:00:00Z")
    assert client.get("/v1/users/me", headers=headers).status_code == 200
    write(lambda connection: connection.execute(update(PersonalToken).values(expires_at=clock.now())))
    assert problem(client.get("/v1/users/me", headers=headers), 401)["detail"] == "The token has expired."


def test_last_use_is_stored_to_the_minute(member, client, create_token):
    headers, _ = create_token(member)
    assert member.get(TOKENS).json["items"][0]["last_used_at"] is None
    client.get("/v1/users/me", headers=headers)
    first = member.get(TOKENS).json["items"][0]["last_used_at"]
    client.get("/v1/users/me", headers=headers)
    assert member.get(TOKENS).json["items"][0]["last_used_at"] == first is not None
    earlier = PersonalToken.last_used_at - 61 * clock.SECOND
    write(lambda connection: connection.execute(update(PersonalToken).values(last_used_at=earlier)))
    client.get("/v1/users/me", headers=headers)
    assert member.get(TOKENS).json["items"][0]["last_used_at"] > first


def test_revoked_token_is_rejected_at_once(member, client, create_token, problem):
    headers, response = create_token(member)
    assert member.delete(response.headers["Location"]).status_code == 204
    details = problem(client.get("/v1/users/me", headers=headers), 401)
    assert details["type"] == "/problems/token-revoked"
    problem(member.delete(response.headers["Location"]), 404)


def test_users_cannot_list_or_revoke_tokens_of_others(member, admin, create_token, problem):
    _, response = create_token(member)
    problem(admin.delete(response.headers["Location"]), 404)
    problem(admin.delete(f"{TOKENS}/99999999999999999999"), 404)
    assert admin.get(TOKENS).json["items"] == []


def test_tokens_are_listed_oldest_first(member, create_token):
    ids = [create_token(member)[1].json["id"] for _ in range(3)]
    response = member.get(TOKENS)
    assert [item["id"] for item in response.json["items"]] == ids


INVALID_FIELDS = {
    "name": [None, " ", "x" * 101, "a\r\nb", 1],
    "scope": [None, "admin", ["read"]],
    "expires_at": ["2020-01-01T00:00:00Z", "2100-01-01", 4102444800],
}


def test_invalid_token_request_returns_422(member, problem, subtests):
    for field, values in INVALID_FIELDS.items():
        for value in values:
            with subtests.test(f"{field} {value}"):
                body = {"name": "x", "scope": "read", field: value}
                problem(member.post(TOKENS, json=body), 422, field)
    problem(member.post(TOKENS, json={}), 422, "name", "scope")


def test_account_has_a_maximum_number_of_tokens(admin, member, create_token, problem, monkeypatch):
    monkeypatch.setattr(tokens, "MAX_TOKENS_PER_USER", 2)
    create_token(admin), create_token(member), create_token(member)
    problem(member.post(TOKENS, json={"name": "x", "scope": "read"}), 409)


def test_deactivated_account_has_no_access_even_if_nothing_was_revoked(client, member, create_token, problem):
    headers, _ = create_token(member)
    write(lambda connection: connection.execute(update(User).values(active=False)))
    for each in (headers, member.headers):
        problem(client.get("/v1/users/me", headers=each), 401)


def test_ended_session_cannot_create_token(member):
    session_id = jwt.decode(member.tokens["access_token"], options={"verify_signature": False})["sid"]
    assert tokens.create_token(member.id, session_id, "before", "write", None)
    write(lambda connection: revoke_all(connection, member.id))
    with pytest.raises(Unauthenticated):
        tokens.create_token(member.id, session_id, "after", "write", None)
