"""Administration of accounts: list, promote, demote, deactivate; one active admin always remains."""

import pytest
from sqlalchemy import update

from movierating.auth.models import User
from movierating.storage.database import write

PASSWORD = "correct horse battery"


def names(response):
    return [item["username"] for item in response.json["items"]]


def test_admins_list_accounts_with_email_role_and_state(admin, member):
    items = admin.get("/v1/users").json["items"]
    fields = {"id", "username", "display_name", "email", "role", "active", "created_at"}
    assert [set(item) for item in items] == [fields] * 2
    assert [(item["username"], item["role"]) for item in items] == [("boss", "admin"), ("member", "member")]


SEARCHES = [
    ("AL", ["Alan", "alba"]),
    ("alan", ["Alan"]),
    ("ALBA@EX", ["alba"]),
    ("\uff41lan", ["Alan"]),
    ("lan", []),
    ("%", []),
    ("al_n", []),
    ("a*", []),
    ("example.org", []),
    ("\U0010ffff", []),
]


def test_accounts_are_found_by_the_start_of_username_or_email(admin, sign_up, subtests):
    sign_up("Alan"), sign_up("alba")
    for q, usernames in SEARCHES:
        with subtests.test(ascii(q)):
            assert names(admin.get("/v1/users", query_string={"q": q})) == usernames


def test_cursor_of_another_search_returns_422(admin, sign_up, problem):
    sign_up("alba"), sign_up("alan")
    cursors = {q: admin.get(f"/v1/users?limit=1{q}").json["next_cursor"] for q in ("", "&q=al", "&q=AL")}
    for q, others in (("", ["&q=al", "&q=AL"]), ("&q=al", [""])):
        assert admin.get(f"/v1/users?cursor={cursors[q]}{q}").status_code == 200
        for other in others:
            problem(admin.get(f"/v1/users?cursor={cursors[q]}{other}"), 422, "cursor")
    assert names(admin.get(f"/v1/users?cursor={cursors['&q=al']}&q=AL")) == ["alan"]


def test_a_promotion_and_a_demotion_take_effect_on_tokens_already_out(admin, member, client, problem):
    token = member.post("/v1/auth/tokens", json={"name": "x", "scope": "write"}).json["token"]
    bearers = (member.headers, {"Authorization": f"Bearer {token}"})
    for role, status in (("admin", 200), ("member", 403)):
        assert admin.patch(f"/v1/users/{member.id}", json={"role": role}).json["role"] == role
        assert [client.get("/v1/users", headers=bearer).status_code for bearer in bearers] == [status] * 2


def test_deactivation_ends_sessions_and_tokens_at_once_and_reactivation_revives_none(
    admin, member, client, problem
):
    token = member.post("/v1/auth/tokens", json={"name": "x", "scope": "read"}).json["token"]
    path = f"/v1/users/{member.id}"
    assert admin.patch(path, json={"active": False}).json["active"] is False
    for active in (False, True):
        admin.patch(path, json={"active": active})
        for bearer in (member.tokens["access_token"], token):
            problem(client.get("/v1/users/me", headers={"Authorization": f"Bearer {bearer}"}), 401)
        spent = {"Authorization": f"Bearer {member.tokens['refresh_token']}"}
        problem(client.post("/v1/auth/refresh", headers=spent), 401)
        login = client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD})
        assert login.status_code == (200 if active else 401)


def test_deactivated_account_is_hidden_but_its_ratings_count(admin, member, client, add_movie, problem):
    movie = add_movie()
    member.put(f"/v1/movies/{movie}/rating", json={"value": 8})
    admin.patch(f"/v1/users/{member.id}", json={"active": False})
    problem(client.get(f"/v1/users/{member.id}"), 404)
    problem(client.get(f"/v1/users/{member.id}/ratings"), 404)
    problem(client.get(f"/v1/users/{member.id}/ratings?unknown=1"), 404)
    assert client.get(f"/v1/movies/{movie}/ratings").json["items"] == []
    assert client.get(f"/v1/movies/{movie}").json["ratings"]["count"] == 1
    assert "member" in names(admin.get("/v1/users"))
    admin.patch(f"/v1/users/{member.id}", json={"active": True})
    assert len(client.get(f"/v1/movies/{movie}/ratings").json["items"]) == 1


REMOVALS = [
    ("PATCH", "/v1/users/{id}", {"role": "member"}),
    ("PATCH", "/v1/users/{id}", {"active": False}),
    ("PATCH", "/v1/users/{id}", {"role": "admin", "active": False}),
    ("DELETE", "/v1/users/me", {"current_password": PASSWORD}),
    ("POST", "/v1/users/me/delete", {"current_password": PASSWORD}),
]


@pytest.mark.parametrize(("method", "path", "body"), REMOVALS)
def test_last_active_admin_cannot_be_removed(admin, sign_up, problem, method, path, body):
    inactive, rater = sign_up("inactive", role="admin"), sign_up("rater", role="admin")
    admin.patch(f"/v1/users/{inactive.id}", json={"active": False})
    no_password = update(User).where(User.id == rater.id).values(password_hash=None)
    write(lambda connection: connection.execute(no_password))
    problem(admin._send(method, path.format(id=admin.id), json=body), 409)
    assert admin.get("/v1/users/me").json["role"] == "admin"
    admin.patch(f"/v1/users/{inactive.id}", json={"active": True})
    assert admin._send(method, path.format(id=admin.id), json=body).status_code in (200, 204)


def test_last_admin_accepts_changes_that_keep_the_role(admin):
    for body in ({}, {"role": "admin"}, {"active": True}):
        assert admin.patch(f"/v1/users/{admin.id}", json=body).status_code == 200


def test_last_two_admins_cannot_be_demoted_concurrently(admin, sign_up, at_once):
    other = sign_up(role="admin")

    def demote(admin, target):
        return lambda client: client.patch(
            f"/v1/users/{target.id}", json={"role": "member"}, headers=admin.headers
        )

    for first, second in (((admin, admin), (other, other)), ((admin, other), (other, admin))):
        responses = at_once(demote(*first), demote(*second))
        assert [response.status_code for response in responses].count(200) == 1
        remaining = admin if admin.get("/v1/users").status_code == 200 else other
        for person in (admin, other):
            assert remaining.patch(f"/v1/users/{person.id}", json={"role": "admin"}).status_code == 200


INVALID_FIELDS = {
    "role": ["owner", None, ["admin"]],
    "active": ["false", 0, None],
    "email": ["x@example.org"],
    "password": ["staple donkey charger"],
    "username": ["other"],
}


def test_invalid_account_change_returns_422(admin, member, problem, subtests):
    for field, values in INVALID_FIELDS.items():
        for value in values:
            with subtests.test(f"{field} {value}"):
                problem(admin.patch(f"/v1/users/{member.id}", json={field: value}), 422, field)


def test_unknown_account_returns_404(admin, problem):
    for number in ("0", "999999", "9" * 40):
        problem(admin.patch(f"/v1/users/{number}", json={}), 404)
        problem(admin.patch(f"/v1/users/{number}", data="{", content_type="application/json"), 404)
