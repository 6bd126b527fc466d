"""Links to reset a password, over HTTP."""

from auth.links.conftest import NEW_PASSWORD, PASSWORD, RESET
from movierating.auth.models import User
from movierating.storage.database import write
from movierating.users import service as users

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


def test_reset_changes_no_other_account(client, create_reset, admin, member):
    personal = admin.post("/v1/auth/tokens", json={"name": "script", "scope": "write"}).json["token"]
    own, reset = create_reset(admin), create_reset(member)
    assert client.post(RESET, json={"token": reset["token"], "password": NEW_PASSWORD}).status_code == 204
    for token in (admin.tokens["access_token"], personal):
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/v1/users/me", headers=headers).status_code == 200
    assert client.post("/v1/auth/login", json={"login": "boss", "password": PASSWORD}).status_code == 200
    assert client.post(RESET, json={"token": own["token"], "password": NEW_PASSWORD}).status_code == 204


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
