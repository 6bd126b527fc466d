"""Rate limits per address, account and user."""

import time

import pytest

from movierating.limits import sqlite_storage

PASSWORD = "correct horse battery"


@pytest.fixture
def limited(make_app, monkeypatch):
    """An application with rate limits, in its context. No window ends, however slow the machine is."""
    now = time.time()
    monkeypatch.setattr(sqlite_storage.time, "time", lambda: now)
    app = make_app(RATELIMIT_ENABLED="true")
    with app.app_context():
        yield app


@pytest.fixture
def app(limited):
    """The application of the other fixtures (`sign_up`, `member`)."""
    return limited


def login(client, name, address="192.0.2.1", **kwargs):
    return client.post(
        "/v1/auth/login",
        json={"login": name, "password": "wrong"},
        environ_overrides={"REMOTE_ADDR": address},
        **kwargs,
    ).status_code


def test_account_has_five_logins_a_minute_from_any_address(client, problem):
    names = ["ada", "ADA", " ada ", "Ada", "\uff41da"]
    assert [login(client, name, f"192.0.2.{n}") for n, name in enumerate(names)] == [401] * 5
    assert login(client, "ada", "192.0.2.99") == 429
    assert login(client, "bob", "192.0.2.99") == 401


def test_address_has_thirty_failed_logins_a_minute_for_any_account(client):
    assert [login(client, f"name{n}") for n in range(31)] == [401] * 30 + [429]
    assert login(client, "name1", "192.0.2.2") == 401


def test_exceeded_limit_returns_problem_details_with_retry_after(client, problem):
    for _ in range(6):
        response = client.post("/v1/auth/login", json={"login": "ada", "password": "wrong"})
    seconds = response.headers["Retry-After"]
    assert 0 < int(seconds) <= 60
    assert f" in {seconds} second" in problem(response, 429)["detail"]


def test_retry_after_is_sent_only_with_429(client, member):
    for response in (
        client.get("/v1/movies"),
        member.patch("/v1/users/me", json={}),
        client.post("/v1/users"),
        client.post("/v1/auth/login", data=b" " * (2 << 20), content_type="application/json"),
    ):
        assert response.status_code in (200, 413, 415)
        assert not {"Retry-After", "X-RateLimit-Limit"} & set(response.headers.keys())


def test_a_right_password_does_not_pass_the_limit(client, member, problem):
    for _ in range(5):
        login(client, "member")
    problem(client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD}), 429)


def test_ipv6_network_counts_as_one_address(client):
    responses = [login(client, f"name{n}", f"2001:db8:1:2::{n}") for n in range(31)]
    assert responses == [401] * 30 + [429]
    assert login(client, "name1", "2001:db8:1:3::1") == 401


def test_x_forwarded_for_is_ignored_by_default(client):
    responses = [login(client, f"n{n}", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(31)]
    assert responses == [401] * 30 + [429]


def test_x_forwarded_for_of_a_trusted_proxy_is_used(make_app):
    client = make_app(RATELIMIT_ENABLED="true", TRUSTED_PROXIES="1").test_client()
    responses = [login(client, f"n{n}", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(31)]
    assert responses == [401] * 31
    spoofed = [
        login(client, f"m{n}", headers={"X-Forwarded-For": f"10.0.0.{n}, 198.51.100.7"}) for n in range(31)
    ]
    assert spoofed == [401] * 30 + [429]


def test_limits_hold_across_applications_on_one_instance_folder(make_app):
    clients = [make_app(RATELIMIT_ENABLED="true").test_client() for _ in range(2)]
    assert [login(clients[n % 2], "ada") for n in range(6)] == [401] * 5 + [429]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b"5", b'{"login": 5}', b'{"login": "\\ud800"}', b"[" * 100_000, b"x" * 1_100_000],
    ids=range(8),
)  # fmt: skip
def test_login_without_account_counts_for_its_address(client, data, caplog):
    for address in ("192.0.2.1", "192.0.2.2"):
        responses = [
            client.post(
                "/v1/auth/login",
                data=data,
                content_type="application/json",
                environ_overrides={"REMOTE_ADDR": address},
            ).status_code
            for _ in range(6)
        ]
        assert set(responses[:5]) <= {400, 413, 422}
        assert responses[5] == 429
    assert caplog.records == []


def test_address_has_twenty_sign_ups_an_hour_without_username(client, problem):
    responses = [client.post("/v1/users", json={}) for _ in range(21)]
    assert [response.status_code for response in responses] == [422] * 20 + [429]
    problem(responses[-1], 429)
    assert 3000 < int(responses[-1].headers["Retry-After"]) <= 3600


def test_account_has_thirty_refreshes_a_minute(client, member):
    spent = {"Authorization": f"Bearer {member.tokens['refresh_token']}"}
    responses = [
        client.post("/v1/auth/refresh", headers=spent, environ_overrides={"REMOTE_ADDR": f"192.0.2.{n}"})
        for n in range(31)
    ]
    assert [response.status_code for response in responses] == [200] + [401] * 29 + [429]


def test_address_has_thirty_refreshes_a_minute_without_token(client):
    responses = [client.post("/v1/auth/refresh").status_code for _ in range(31)]
    assert responses == [401] * 30 + [429]


def test_user_has_six_hundred_writes_a_minute(member, sign_up, client, problem):
    other = sign_up()
    token = member.post("/v1/auth/tokens", json={"name": "x", "scope": "write"}).json["token"]
    script = {"Authorization": f"Bearer {token}"}
    for _ in range(300):
        problem(member.delete("/v1/movies/1/rating"), 404)
    for _ in range(299):
        problem(client.patch("/v1/users/me", json=[], headers=script), 422, "")
    response = client.post("/v1/movies", json={}, headers=script)
    problem(response, 429)
    assert 0 < int(response.headers["Retry-After"]) <= 60
    problem(member.put("/v1/movies/1/rating", json={"value": 1}), 429)
    assert member.get("/v1/users/me").status_code == 200
    problem(other.delete("/v1/movies/1/rating"), 404)


def test_user_has_five_password_attempts_a_minute(member, problem):
    wrong = {"current_password": "wrong horse battery"}
    for _ in range(2):
        problem(member.patch("/v1/users/me", json={**wrong, "email": "new@example.org"}), 403)
        problem(member.post("/v1/users/me/delete", json=wrong), 403)
    problem(member.delete("/v1/users/me", json=wrong), 403)
    for call, path in ((member.delete, "/v1/users/me"), (member.post, "/v1/users/me/delete")):
        problem(call(path, json={"current_password": PASSWORD}), 429)
    assert member.patch("/v1/users/me", json={"display_name": "M."}).status_code == 200


def test_username_and_email_count_as_one_account(client, member):
    names = ["MEMBER@example.org", "member", "member@example.org", "Member", "MEMBER"]
    assert [login(client, name, f"192.0.2.{n}") for n, name in enumerate(names)] == [401] * 5
    assert login(client, "member@example.org", "192.0.2.99") == 429
