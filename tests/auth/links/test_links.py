"""Rules that hold for invitations and for links to reset a password."""

import hashlib
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from auth.links.conftest import INVITATIONS, NEW_PASSWORD, PASSWORD, RESET
from movierating import clock
from movierating.auth.models import OneTimeLink
from movierating.storage.database import read, write

INVALID_TOKENS = ["", "x" * 101, 5, ["x"], {}, True]


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


def test_pages_of_invalid_links_return_403_whatever_others_are_valid(client, create_reset, invite, member):
    invitation, reset = invite()["token"], create_reset(member)["token"]
    for page in ("/invite/x", "/reset/x", f"/invite/{reset}", f"/reset/{invitation}"):
        assert client.get(page).status_code == 403, page
    expire_links()
    for page in (f"/invite/{invitation}", f"/reset/{reset}"):
        assert client.get(page).status_code == 403, page


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
