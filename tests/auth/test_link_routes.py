"""Invitations and links to reset a password, over HTTP."""

import hashlib
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from movierating import clock
from movierating.auth.models import OneTimeLink, User
from movierating.storage.database import read, write
from movierating.users import service as users

INVITATIONS, RESET = "/v1/invitations", "/v1/auth/password-reset"
PASSWORD, NEW_PASSWORD = "correct horse battery", "another horse battery"
INVALID_TOKENS = ["", "x" * 101, 5, ["x"], {}, True]


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


def expire_links():
    write(lambda connection: connection.execute(update(OneTimeLink).values(expires_at=clock.now())))


def count_hours(link):
    start, end = (datetime.fromisoformat(link[name]) for name in ("created_at", "expires_at"))
    return (end - start) / timedelta(hours=1)


def test_only_the_hash_of_a_token_is_stored(invite, create_reset, member):
    invitation, reset = invite(), create_reset(member)
    rows = read().execute(select(OneTimeLink.__table__).order_by(OneTimeLink.id)).all()
    for link, row in zip((invitation, reset), rows, strict=True):
        assert len(link["token"]) == 43  # 256 bits in base64
        assert row.token_hash == hashlib.sha256(link["token"].encode()).hexdigest()
        assert link["token"] not in str(tuple(row))


def test_invitation_is_shown_once_and_names_its_creator(admin):
    response = admin.post(INVITATIONS)
    invitation = response.json
    assert response.headers["Location"] == f"{INVITATIONS}/{invitation['id']}"
    assert response.headers["Cache-Control"] == "no-store"
    assert invitation["created_by"] == "boss"
    assert count_hours(invitation) == 7 * 24
    del invitation["token"], invitation["link"]
    assert admin.get(INVITATIONS).json == {"items": [invitation], "next_cursor": None}


def test_reset_link_names_its_creator_and_is_valid_for_a_day(member, admin):
    response = admin.post(f"/v1/users/{member.id}/password-reset")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json["created_by"] == "boss"
    assert count_hours(response.json) == 24


@pytest.mark.parametrize("public_url", ["", "https://films.example/club"])
def test_links_start_with_the_public_url_and_never_with_the_host_of_a_client(
    app, invite, create_reset, member, public_url
):
    app.config["PUBLIC_URL"] = public_url or None
    created, reset = invite(), create_reset(member)
    assert created["link"] == f"{public_url}/invite/{created['token']}"
    assert reset["link"] == f"{public_url}/reset/{reset['token']}"


def test_host_of_a_client_is_not_in_a_link(admin):
    response = admin.post(INVITATIONS, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert response.status_code == 201
    assert "evil" not in response.text


def test_invitations_are_paginated(admin, invite):
    ids = [invite()["id"] for _ in range(3)]
    first = admin.get(f"{INVITATIONS}?limit=2").json
    second = admin.get(f"{INVITATIONS}?limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for item in first["items"] + second["items"]] == ids


def test_members_cannot_manage_links(member, client, problem):
    for method, path in (
        ("GET", INVITATIONS),
        ("POST", INVITATIONS),
        ("DELETE", f"{INVITATIONS}/1"),
        ("POST", f"/v1/users/{member.id}/password-reset"),
        ("POST", "/v1/users/999/password-reset"),
    ):
        problem(client.open(path, method=method), 401)
        problem(member.client.open(path, method=method, headers=member.headers), 403)


def test_personal_token_can_invite_but_not_reset_a_password(admin, client, problem):
    token = admin.post("/v1/auth/tokens", json={"name": "script", "scope": "write"}).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert client.post(INVITATIONS, headers=headers).status_code == 201
    details = problem(client.post(f"/v1/users/{admin.id}/password-reset", headers=headers), 403)
    assert details["type"] == "/problems/session-required"


def test_sign_up_by_invitation_needs_one(app, apply, invite, problem):
    app.config["SIGNUP"] = "invite"
    for body in ({}, {"invitation": None}, {"username": 5}):
        assert problem(apply(**body), 403)["type"] == "/problems/invitation-required"
    for token in ("x", "mr_" + "x" * 43, "\x00"):
        assert problem(apply(invitation=token), 403)["type"] == "/problems/invitation-invalid"
    assert apply(invitation=invite()["token"]).status_code == 201


@pytest.mark.parametrize("mode", ["open", "invite"])
def test_invitation_is_used_up_by_one_sign_up(app, admin, apply, invite, problem, mode):
    app.config["SIGNUP"] = mode
    token = invite()["token"]
    assert apply(invitation=token).json["role"] == "member"
    details = problem(apply(username="eve", email="eve@example.org", invitation=token), 403)
    assert details["type"] == "/problems/invitation-invalid"
    assert admin.get(INVITATIONS).json["items"] == []


def test_closed_sign_up_accepts_no_invitation(app, apply, invite, problem):
    app.config["SIGNUP"] = "closed"
    assert problem(apply(invitation=invite()["token"]), 403)["type"] == "/problems/sign-up-closed"


def test_failed_sign_up_leaves_the_invitation_valid(app, apply, invite, problem, member):
    app.config["SIGNUP"] = "invite"
    token = invite()["token"]
    problem(apply(invitation=token, password="short"), 422, "password")
    problem(apply(invitation=token, username="1"), 422, "username")
    problem(apply(invitation=token, username=member.username), 409)
    assert apply(invitation=token).status_code == 201


def test_invalid_token_returns_422(app, apply, client, problem, subtests):
    app.config["SIGNUP"] = "invite"
    for token in INVALID_TOKENS:
        with subtests.test(repr(token)):
            if token not in ("", "x" * 101):
                problem(apply(invitation=token), 422, "invitation")
                problem(client.post(RESET, json={"token": token, "password": NEW_PASSWORD}), 422, "token")
            else:
                problem(apply(invitation=token), 403)
                problem(client.post(RESET, json={"token": token, "password": NEW_PASSWORD}), 403)


INVALID_RESETS = [
    ({"password": NEW_PASSWORD}, "token"),
    ({"token": None, "password": NEW_PASSWORD}, "token"),
    ({}, "token", "password"),
]


def test_invalid_reset_returns_422(client, create_reset, member, problem, subtests):
    for body, *fields in INVALID_RESETS:
        with subtests.test(repr(body)):
            problem(client.post(RESET, json=body), 422, *fields)
    token = create_reset(member)["token"]
    for password in (None, 5, "", "x" * 1025, "short", "password123", "member@example.org"):
        with subtests.test(repr(password)[:30]):
            problem(client.post(RESET, json={"token": token, "password": password}), 422, "password")
    problem(
        client.post(RESET, json={"token": token, "password": NEW_PASSWORD, "login": "member"}), 422, "login"
    )
    assert client.post(RESET, json={"token": token, "password": NEW_PASSWORD}).status_code == 204


def test_withdrawn_invitation_is_invalid(app, admin, apply, invite, problem):
    invitation = invite()
    address = f"{INVITATIONS}/{invitation['id']}"
    assert admin.delete(address).status_code == 204
    problem(admin.delete(address), 404)
    problem(apply(invitation=invitation["token"]), 403)


def test_reset_link_is_neither_an_invitation_nor_withdrawn_as_one(
    admin, apply, create_reset, invite, client, member, problem
):
    reset = create_reset(member)
    problem(apply(invitation=reset["token"]), 403)
    link_id = read().scalar(select(OneTimeLink.id))
    problem(admin.delete(f"{INVITATIONS}/{link_id}"), 404)
    assert admin.get(INVITATIONS).json["items"] == []
    problem(client.post(RESET, json={"token": invite()["token"], "password": NEW_PASSWORD}), 403)


def test_expired_links_are_invalid_and_deleted_later(
    admin, apply, client, create_reset, invite, member, problem
):
    invitation, reset = invite(), create_reset(member)
    expire_links()
    assert admin.get(INVITATIONS).json["items"] == []
    problem(admin.delete(f"{INVITATIONS}/{invitation['id']}"), 404)
    problem(apply(invitation=invitation["token"]), 403)
    problem(client.post(RESET, json={"token": reset["token"], "password": NEW_PASSWORD}), 403)
    newest = invite()
    assert read().scalars(select(OneTimeLink.id)).all() == [newest["id"]]


def test_reset_sets_the_password_and_revokes_everything(client, create_reset, log_in, member, problem):
    personal = member.post("/v1/auth/tokens", json={"name": "script", "scope": "write"}).json["token"]
    reset = create_reset(member)
    assert client.post(RESET, json={"token": reset["token"], "password": NEW_PASSWORD}).status_code == 204
    for token in (member.tokens["access_token"], personal):
        problem(client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"}), 401)
    refresh = {"Authorization": f"Bearer {member.tokens['refresh_token']}"}
    problem(client.post("/v1/auth/refresh", headers=refresh), 401)
    problem(log_in(PASSWORD), 401)
    assert log_in(NEW_PASSWORD).status_code == 200
    details = problem(client.post(RESET, json={"token": reset["token"], "password": PASSWORD}), 403)
    assert details["type"] == "/problems/password-reset-invalid"


def test_newer_reset_link_replaces_the_earlier_one(client, create_reset, member, admin, problem):
    other, first, second = create_reset(admin), create_reset(member), create_reset(member)
    problem(client.post(RESET, json={"token": first["token"], "password": NEW_PASSWORD}), 403)
    for link in (second, other):
        assert client.post(RESET, json={"token": link["token"], "password": NEW_PASSWORD}).status_code == 204


def test_new_password_makes_a_reset_link_invalid(client, create_reset, member, problem):
    reset = create_reset(member)
    body = {"password": NEW_PASSWORD, "current_password": PASSWORD}
    assert member.patch("/v1/users/me", json=body).status_code == 200
    problem(client.post(RESET, json={"token": reset["token"], "password": PASSWORD}), 403)


def test_reset_of_an_unknown_user_returns_404(admin, problem):
    for user_id in (999, "9" * 30):
        problem(admin.post(f"/v1/users/{user_id}/password-reset"), 404)


@pytest.mark.parametrize("change", [{"role": "member"}, {"active": False}])
def test_links_of_a_former_admin_are_invalid(
    sign_up, apply, client, invite, create_reset, member, admin, problem, change
):
    invitation, reset = invite(), create_reset(member)
    other = sign_up("other", role="admin")
    assert other.patch(f"/v1/users/{admin.id}", json=change).status_code == 200
    assert other.get(INVITATIONS).json["items"] == []
    problem(apply(invitation=invitation["token"]), 403)
    problem(client.post(RESET, json={"token": reset["token"], "password": NEW_PASSWORD}), 403)


def test_deleted_account_leaves_no_links(sign_up, invite, create_reset, member, admin):
    invite(), create_reset(member)
    sign_up("other", role="admin")
    assert member.delete("/v1/users/me", json={"current_password": PASSWORD}).status_code == 204
    assert len(read().execute(select(OneTimeLink.id)).all()) == 1
    assert admin.delete("/v1/users/me", json={"current_password": PASSWORD}).status_code == 204
    assert read().execute(select(OneTimeLink.id)).all() == []


def test_links_are_used_by_post_only(client, invite, create_reset, member, problem):
    invitation, reset = invite(), create_reset(member)
    problem(client.get(f"{RESET}?token={reset['token']}"), 405)
    for link in (invitation, reset):
        assert client.get(link["link"]).status_code == 200
    assert len(read().execute(select(OneTimeLink.id)).all()) == 2


def test_one_of_concurrent_sign_ups_with_one_invitation_succeeds(at_once, app, invite):
    app.config["SIGNUP"] = "invite"
    token = invite()["token"]

    def sign_up(number):
        account = {"username": f"user{number}", "email": f"{number}@example.org", "password": PASSWORD}
        return lambda client: client.post("/v1/users", json={**account, "invitation": token})

    responses = at_once(*[sign_up(number) for number in range(4)])
    assert sorted(response.status_code for response in responses) == [201, 403, 403, 403]
    assert len(read().scalars(select(User.id)).all()) == 2


def test_one_of_concurrent_resets_with_one_link_succeeds(at_once, create_reset, log_in, member):
    token = create_reset(member)["token"]
    passwords = [f"horse battery {number * 1111}" for number in range(1, 5)]
    calls = [
        lambda client, password=password: client.post(RESET, json={"token": token, "password": password})
        for password in passwords
    ]
    statuses = [response.status_code for response in at_once(*calls)]
    assert sorted(statuses) == [204, 403, 403, 403]
    assert log_in(passwords[statuses.index(204)]).status_code == 200


def test_imported_user_without_a_password_can_get_one(admin, client, app):
    row = {"username": "ml-7", "username_key": "ml-7", "display_name": "7", "created_at": 0, "updated_at": 0}
    write(lambda connection: connection.execute(User.__table__.insert(), [row]))
    token = admin.post(f"/v1/users/{users.find_user_id('ml-7')}/password-reset").json["token"]
    assert client.post(RESET, json={"token": token, "password": NEW_PASSWORD}).status_code == 204
    assert client.post("/v1/auth/login", json={"login": "ml-7", "password": NEW_PASSWORD}).status_code == 200
