"""Login and logout as HTTP: shapes, refusals, headers, methods."""

import pytest

import postgres

PASSWORD = "correct horse battery"
LOGIN = "/v1/auth/login"


def test_login_returns_tokens_with_no_store(sign_up, client):
    sign_up("ada")
    response = client.post(LOGIN, json={"login": "ada", "password": PASSWORD})
    assert set(response.json) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert response.headers["Cache-Control"] == "no-store"


UNFIT = [
    ({}, ["login", "password"]),
    ({"login": "ada"}, ["password"]),
    ({"login": "", "password": "x"}, ["login"]),
    ({"login": "x" * 255, "password": "x"}, ["login"]),
    ({"login": 5, "password": "x"}, ["login"]),
    ({"login": ["ada"], "password": {"$ne": ""}}, ["login", "password"]),
    ({"login": "ada", "password": ""}, ["password"]),
    ({"login": "ada", "password": "x" * 1025}, ["password"]),
    ({"login": None, "password": None}, ["login", "password"]),
    ({"login": "ada", "password": "x", "role": "admin"}, ["role"]),
    ([], [""]),
]


def test_invalid_login_returns_422(client, problem, subtests):
    for body, fields in UNFIT:
        with subtests.test(str(body)):
            problem(client.post(LOGIN, json=body), 422, *fields)


ALMOST = ["' OR 1=1 --", "%", "ad_", "\x00", "ada\x00", "@", "ada@", "\u202eada", "a da", "adam"]


def test_a_login_is_matched_whole_and_as_text(sign_up, client, problem, subtests):
    sign_up("ada")
    for login in ALMOST:
        with subtests.test(ascii(login)):
            problem(client.post(LOGIN, json={"login": login, "password": PASSWORD}), 401)


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"login=ada&password=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"login": "\\ud800", "password": "x"}', "application/json", 400),
        (b'{"login": "\xff", "password": "x"}', "application/json", 400),
        (b"[" * 1_000 + b"]" * 1_000, "application/json", 400),
        (b'{"login": "' + b"x" * 1_100_000 + b'"}', "application/json", 413),
    ],
    ids=range(8),
)
def test_unreadable_login_is_rejected(client, problem, data, content_type, status):
    problem(client.post(LOGIN, data=data, content_type=content_type), status)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (LOGIN, {"POST", "OPTIONS"}),
        ("/v1/auth/refresh", {"POST", "OPTIONS"}),
        ("/v1/auth/logout", {"POST", "OPTIONS"}),
        ("/v1/auth/tokens", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/v1/auth/tokens/1", {"DELETE", "OPTIONS"}),
    ],
)
def test_each_address_takes_its_methods_and_names_them(client, problem, path, allowed):
    refused = client.put(path)
    problem(refused, 405)
    for response in (refused, client.options(path)):
        assert set(response.headers["Allow"].split(", ")) == allowed


def test_the_list_of_tokens_answers_head_and_if_none_match(member):
    whole = member.get("/v1/auth/tokens")
    bare = member._send("HEAD", "/v1/auth/tokens")
    assert (bare.status_code, bare.data, bare.headers["ETag"]) == (200, b"", whole.headers["ETag"])
    assert whole.headers["Cache-Control"] == "no-store"
    again = member.get("/v1/auth/tokens", headers={"If-None-Match": whole.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


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
