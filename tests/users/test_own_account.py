"""The caller's own account: get, update and delete."""

import pytest

from movierating.auth import access, passwords
from movierating.auth.password_resets import set_password
from movierating.users import own_account

PASSWORD = "correct horse battery"
FRESH = "staple donkey charger"
ME = "/v1/users/me"


def test_own_account_has_email_and_role(member):
    response = member.get(ME)
    assert set(response.json) == {
        "id", "username", "display_name", "created_at", "email", "role", "active", "listed", "ratings"
    }  # fmt: skip
    assert (response.json["email"], response.json["role"]) == ("member@example.org", "member")


def test_own_account_supports_head_and_if_none_match(member):
    tag = member.get(ME).headers["ETag"]
    head = member._send("HEAD", ME)
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", tag)
    assert member.get(ME, headers={"If-None-Match": tag}).status_code == 304
    member.patch(ME, json={"display_name": "M."})
    assert member.get(ME, headers={"If-None-Match": tag}).status_code == 200


def test_display_name_needs_no_password(member):
    assert member.patch(ME, json={"display_name": "M."}).json["display_name"] == "M."


def test_members_are_listed_until_they_opt_out(member, problem):
    assert member.get(ME).json["listed"] is True
    assert member.patch(ME, json={"listed": False}).json["listed"] is False
    assert member.get(ME).json["listed"] is False
    problem(member.patch(ME, json={"listed": "no"}), 422, "listed")
    assert member.patch(ME, json={"listed": True}).json["listed"] is True


@pytest.mark.parametrize("body", [{}, {"current_password": PASSWORD}, {"current_password": "wrong"}])
def test_empty_change_changes_nothing(member, body):
    before = member.get(ME)
    assert member.patch(ME, json=body).json == before.json


@pytest.mark.parametrize("change", [{"email": "new@example.org"}, {"password": FRESH}])
def test_a_new_email_or_password_needs_the_current_password(member, problem, client, change):
    problem(member.patch(ME, json=change), 422, "current_password")
    problem(member.patch(ME, json={**change, "current_password": "wrong horse battery"}), 403)
    assert member.get(ME).json["email"] == "member@example.org"
    assert client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD}).status_code == 200


def test_login_uses_the_new_email(member, client, problem):
    change = {"email": "New@Example.org", "current_password": PASSWORD}
    assert member.patch(ME, json=change).json["email"] == "New@Example.org"
    for login, status in (("new@example.org", 200), ("member@example.org", 401)):
        response = client.post("/v1/auth/login", json={"login": login, "password": PASSWORD})
        assert response.status_code == status


def test_email_can_change_its_letter_case_but_not_to_that_of_another_user(member, sign_up, problem):
    sign_up("ada")
    change = {"email": "MEMBER@example.org", "current_password": PASSWORD}
    assert member.patch(ME, json=change).json["email"] == "MEMBER@example.org"
    problem(member.patch(ME, json={**change, "email": "ADA@example.org"}), 409)


INVALID_CHANGES = [
    *({"email": email} for email in ("nobody", None, '"\x01"@example.org')),
    *({"password": password} for password in ("short", "member@example.org", "password123", None)),
    {"password": "fresh.name", "email": "fresh.name@example.org"},
    {"display_name": None},
    {"username": "other"},
]


def test_invalid_change_changes_nothing(member, problem, subtests):
    for change in INVALID_CHANGES:
        with subtests.test(str(change)):
            before = member.get(ME).json
            body = {"display_name": "M.", "current_password": PASSWORD, **change}
            problem(member.patch(ME, json=body), 422, next(iter(change)))
            assert member.get(ME).json == before


def test_new_password_revokes_sessions_and_personal_tokens(member, client, problem):
    other = client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD}).json
    token = member.post("/v1/auth/tokens", json={"name": "x", "scope": "read"}).json["token"]
    response = member.patch(ME, json={"password": FRESH, "current_password": PASSWORD})
    assert response.status_code == 200
    for bearer in (member.tokens["access_token"], other["access_token"], token):
        problem(client.get(ME, headers={"Authorization": f"Bearer {bearer}"}), 401)
    for bearer in (member.tokens["refresh_token"], other["refresh_token"]):
        problem(client.post("/v1/auth/refresh", headers={"Authorization": f"Bearer {bearer}"}), 401)
    problem(client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD}), 401)
    assert client.post("/v1/auth/login", json={"login": "member", "password": FRESH}).status_code == 200


def test_new_password_keeps_sessions_of_other_users(member, sign_up):
    other = sign_up()
    member.patch(ME, json={"password": FRESH, "current_password": PASSWORD})
    assert other.get(ME).status_code == 200


def test_one_of_concurrent_password_changes_succeeds(member, client, at_once):
    def change(password):
        body = {"password": password, "current_password": PASSWORD}
        return lambda client: client.patch(ME, json=body, headers=member.headers)

    fresh = [f"{FRESH} {n}" for n in range(3)]
    responses = at_once(*map(change, fresh))
    assert [response.status_code for response in responses].count(200) == 1
    assert {response.status_code for response in responses} <= {200, 401, 403}
    logins = [client.post("/v1/auth/login", json={"login": "member", "password": word}) for word in fresh]
    assert [login.status_code for login in logins] == [
        200 if response.status_code == 200 else 401 for response in responses
    ]


DELETIONS = [("DELETE", ME), ("POST", f"{ME}/delete")]


@pytest.mark.parametrize(("method", "path"), DELETIONS)
def test_deleting_account_removes_its_ratings_from_all_statistics(
    member, sign_up, client, add_movie, problem, method, path
):
    movie, other = add_movie(), sign_up()
    member.put(f"/v1/movies/{movie}/rating", json={"value": 2})
    other.put(f"/v1/movies/{movie}/rating", json={"value": 9})
    token = member.post("/v1/auth/tokens", json={"name": "x", "scope": "read"}).json["token"]
    response = member._send(method, path, json={"current_password": PASSWORD})
    assert (response.status_code, response.data) == (204, b"")
    ratings = client.get(f"/v1/movies/{movie}").json["ratings"]
    assert (ratings["count"], ratings["mean"], sum(ratings["histogram"])) == (1, 9.0, 1)
    raters = client.get(f"/v1/movies/{movie}/ratings").json["items"]
    assert [item["user"]["id"] for item in raters] == [other.id]
    problem(client.get(f"/v1/users/{member.id}"), 404)
    problem(client.get(f"/v1/users/{member.id}/ratings"), 404)
    for bearer in (member.tokens["access_token"], token):
        problem(client.get(ME, headers={"Authorization": f"Bearer {bearer}"}), 401)
    problem(client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD}), 401)


def test_deleted_username_can_be_reused_but_not_its_id(member, sign_up, problem):
    member.delete(ME, json={"current_password": PASSWORD})
    assert sign_up("member").id > member.id
    problem(member.get(ME), 401)


@pytest.mark.parametrize(("method", "path"), DELETIONS)
def test_deleting_account_needs_the_current_password(member, problem, method, path):
    problem(member._send(method, path, json={}), 422, "current_password")
    problem(member._send(method, path, json={"current_password": None}), 422, "current_password")
    problem(member._send(method, path, json={"current_password": "wrong horse battery"}), 403)
    problem(member._send(method, path, json={"current_password": PASSWORD, "sure": True}), 422, "sure")
    assert member.get(ME).status_code == 200


CALLS_DURING_DELETION = [
    ("GET", ME, None),
    ("PATCH", ME, {}),
    ("PATCH", ME, {"display_name": "M."}),
    ("PATCH", ME, {"email": "new@example.org", "current_password": PASSWORD}),
    ("PATCH", ME, {"password": FRESH, "current_password": PASSWORD}),
    ("DELETE", ME, {"current_password": PASSWORD}),
    ("POST", f"{ME}/delete", {"current_password": PASSWORD}),
    ("POST", "/v1/auth/tokens", {"name": "x", "scope": "read"}),
    ("PUT", "/v1/movies/1/rating", {"value": 8}),
    ("POST", f"{ME}/ratings", {"ratings": [{"movie_id": 1, "value": 8}]}),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS_DURING_DELETION)
def test_call_of_an_account_that_is_deleted_meanwhile_returns_401(
    member, add_movie, problem, monkeypatch, method, path, body
):
    add_movie()
    find_caller = access._find_caller

    def find_caller_then_delete(token):
        caller = find_caller(token)
        monkeypatch.setattr(access, "_find_caller", find_caller)
        own_account.delete_own_account(caller.user_id, PASSWORD)
        return caller

    monkeypatch.setattr(access, "_find_caller", find_caller_then_delete)
    problem(member._send(method, path, json=body), 401)


@pytest.fixture(params=["deleted", "changed"])
def change_after_verification(member, monkeypatch, request):
    """Delete the member's account, or change its password, right after the password is verified."""
    verify = passwords.verify_password

    def verify_then_change(password_hash, password):
        matches = verify(password_hash, password)
        monkeypatch.setattr(passwords, "verify_password", verify)
        if request.param == "deleted":
            own_account.delete_own_account(member.id, PASSWORD)
        else:
            set_password(member.id, "a third good secret")
        return matches

    monkeypatch.setattr(passwords, "verify_password", verify_then_change)


@pytest.mark.usefixtures("change_after_verification")
@pytest.mark.parametrize(("method", "path", "body"), CALLS_DURING_DELETION[3:7])
def test_call_with_a_password_that_changes_or_goes_after_its_verification_returns_401(
    member, problem, method, path, body
):
    problem(member._send(method, path, json=body), 401)
