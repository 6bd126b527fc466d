"""Routes of logins, sessions and tokens: bodies and headers."""

import postgres

PASSWORD = "correct horse battery"
LOGIN = "/v1/auth/login"


def test_login_returns_tokens_with_no_store(sign_up, client):
    sign_up("ada")
    response = client.post(LOGIN, json={"login": "ada", "password": PASSWORD})
    assert set(response.json) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert response.headers["Cache-Control"] == "no-store"


INVALID_FIELDS = {"login": ["", "x" * 255, 5, ["ada"], None], "password": ["", "x" * 1025, {"$ne": ""}, None]}
INVALID_LOGINS = [
    ({}, ["login", "password"]),
    ({"login": "ada"}, ["password"]),
    *(
        ({"login": "ada", "password": "x", field: value}, [field])
        for field, values in INVALID_FIELDS.items()
        for value in values
    ),
]


def test_invalid_login_returns_422(client, problem, subtests):
    for body, fields in INVALID_LOGINS:
        with subtests.test(ascii(body)[:60]):
            problem(client.post(LOGIN, json=body), 422, *fields)


SIMILAR_LOGINS = ["' OR 1=1 --", "%", "ad_", "\x00", "ada\x00", "@", "ada@", "\u202eada", "a da", "adam"]


def test_login_matches_the_whole_name_as_text(sign_up, client, problem, subtests):
    sign_up("ada")
    for login in SIMILAR_LOGINS:
        with subtests.test(ascii(login)):
            problem(client.post(LOGIN, json={"login": login, "password": PASSWORD}), 401)


def test_requests_leave_no_connection_open(app, client, member, problem):
    from movierating.storage.database import db

    open_after = []
    for _ in range(5):
        problem(client.post(LOGIN, json={"login": "member", "password": "wrong"}), 401)
        problem(member.post("/v1/users", json={}), 422, "username", "email", "password")
        problem(member.delete("/v1/auth/tokens/7"), 404)
        assert member.patch("/v1/users/me", json={}).status_code == 200
        open_after.append(db.engine.pool.checkedout())
    # This thread's for reads, and the one that writes, which on PostgreSQL are one.
    assert open_after == [1 if postgres.WANTED else 2] * 5
