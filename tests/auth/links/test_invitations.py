"""Invitations over HTTP."""

import pytest
from sqlalchemy import select

from auth.links.conftest import INVITATIONS, PASSWORD
from movierating.auth.models import User
from movierating.storage.database import read


def test_invitations_are_paginated(admin, invite):
    ids = [invite()["id"] for _ in range(3)]
    first = admin.get(f"{INVITATIONS}?limit=2").json
    second = admin.get(f"{INVITATIONS}?limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for item in first["items"] + second["items"]] == ids


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


def test_withdrawn_invitation_is_invalid(app, admin, apply, invite, problem):
    invitation = invite()
    address = f"{INVITATIONS}/{invitation['id']}"
    assert admin.delete(address).status_code == 204
    problem(admin.delete(address), 404)
    problem(apply(invitation=invitation["token"]), 403)


def test_one_of_concurrent_sign_ups_with_one_invitation_succeeds(at_once, app, invite):
    app.config["SIGNUP"] = "invite"
    token = invite()["token"]

    def sign_up(number):
        account = {"username": f"user{number}", "email": f"{number}@example.org", "password": PASSWORD}
        return lambda client: client.post("/v1/users", json={**account, "invitation": token})

    responses = at_once(*[sign_up(number) for number in range(4)])
    assert sorted(response.status_code for response in responses) == [201, 403, 403, 403]
    assert len(read().scalars(select(User.id)).all()) == 2
