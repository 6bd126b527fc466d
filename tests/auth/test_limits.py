"""Rate limits: how often one address, account or person may call."""

import pytest

PASSWORD = "correct horse battery"


@pytest.fixture
def limited(make_app):
    """An application that limits, inside its context."""
    app = make_app(RATELIMIT_ENABLED="true")
    with app.app_context():
        yield app


@pytest.fixture
def app(limited):
    """What the other fixtures (sign_up, member …) work on."""
    return limited


def login(client, name, address="192.0.2.1", **kwargs):
    return client.post(
        "/v1/auth/login",
        json={"login": name, "password": "wrong"},
        environ_overrides={"REMOTE_ADDR": address},
        **kwargs,
    ).status_code


def test_an_account_takes_five_logins_a_minute_from_wherever_they_come(client, problem):
    names = ["ada", "ADA", " ada ", "Ada", "\uff41da"]
    assert [login(client, name, f"192.0.2.{n}") for n, name in enumerate(names)] == [401] * 5
    assert login(client, "ada", "192.0.2.99") == 429
    assert login(client, "bob", "192.0.2.99") == 401


def test_an_address_takes_ten_logins_a_minute_whomever_they_name(client):
    assert [login(client, f"name{n}") for n in range(11)] == [401] * 10 + [429]
    assert login(client, "name1", "192.0.2.2") == 401


def test_a_refusal_is_a_problem_document_that_says_when_to_try_again(client, problem):
    for _ in range(6):
        answer = client.post("/v1/auth/login", json={"login": "ada", "password": "wrong"})
    problem(answer, 429)
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_a_right_password_does_not_pass_the_limit(client, member, problem):
    for _ in range(4):
        login(client, "member")
    problem(client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD}), 429)


def test_who_has_an_ipv6_network_is_one_address(client):
    answers = [login(client, f"name{n}", f"2001:db8:1:2::{n}") for n in range(11)]
    assert answers == [401] * 10 + [429]
    assert login(client, "name1", "2001:db8:1:3::1") == 401


def test_x_forwarded_for_is_not_believed(client):
    answers = [login(client, f"n{n}", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(11)]
    assert answers == [401] * 10 + [429]


def test_x_forwarded_for_is_believed_of_a_trusted_proxy(make_app):
    client = make_app(RATELIMIT_ENABLED="true", TRUSTED_PROXIES="1").test_client()
    answers = [login(client, f"n{n}", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(11)]
    assert answers == [401] * 11
    spoofed = [
        login(client, f"m{n}", headers={"X-Forwarded-For": f"10.0.0.{n}, 198.51.100.7"}) for n in range(11)
    ]
    assert spoofed == [401] * 10 + [429]


def test_limits_hold_across_applications_on_one_instance_folder(make_app):
    clients = [make_app(RATELIMIT_ENABLED="true").test_client() for _ in range(2)]
    assert [login(clients[n % 2], "ada") for n in range(6)] == [401] * 5 + [429]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b"5", b'{"login": 5}', b'{"login": "\\ud800"}', b"[" * 100_000, b"x" * 1_100_000],
    ids=range(8),
)  # fmt: skip
def test_a_body_without_an_account_counts_for_its_address(client, data, caplog):
    for address in ("192.0.2.1", "192.0.2.2"):
        answers = [
            client.post(
                "/v1/auth/login",
                data=data,
                content_type="application/json",
                environ_overrides={"REMOTE_ADDR": address},
            ).status_code
            for _ in range(6)
        ]
        assert set(answers[:5]) <= {400, 413, 422}
        assert answers[5] == 429
    assert caplog.records == []


def test_an_address_takes_twenty_sign_ups_an_hour(client, problem):
    answers = [client.post("/v1/users", json={}) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [422] * 20 + [429]
    problem(answers[-1], 429)
    assert 3000 < int(answers[-1].headers["Retry-After"]) <= 3600


def test_an_account_takes_thirty_refreshes_a_minute(client, member):
    spent = {"Authorization": f"Bearer {member.tokens['refresh_token']}"}
    answers = [
        client.post("/v1/auth/refresh", headers=spent, environ_overrides={"REMOTE_ADDR": f"192.0.2.{n}"})
        for n in range(31)
    ]
    assert [answer.status_code for answer in answers] == [200] + [401] * 29 + [429]


def test_an_address_takes_thirty_refreshes_a_minute_without_a_token(client):
    answers = [client.post("/v1/auth/refresh").status_code for _ in range(31)]
    assert answers == [401] * 30 + [429]


def test_a_person_takes_six_hundred_writes_a_minute_over_all_calls(member, sign_up, client, problem):
    other = sign_up()
    token = member.post("/v1/auth/tokens", json={"name": "x", "scope": "write"}).json["token"]
    script = {"Authorization": f"Bearer {token}"}
    for _ in range(300):
        problem(member.delete("/v1/movies/1/rating"), 404)
    for _ in range(299):
        problem(client.patch("/v1/users/me", json=[], headers=script), 422, "")
    answer = client.post("/v1/movies", json={}, headers=script)
    problem(answer, 429)
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    problem(member.put("/v1/movies/1/rating", json={"value": 1}), 429)
    assert member.get("/v1/users/me").status_code == 200
    problem(other.delete("/v1/movies/1/rating"), 404)


def test_a_person_proves_the_current_password_five_times_a_minute(member, problem):
    wrong = {"current_password": "wrong horse battery"}
    for _ in range(2):
        problem(member.patch("/v1/users/me", json={**wrong, "email": "new@example.org"}), 403)
        problem(member.post("/v1/users/me/delete", json=wrong), 403)
    problem(member.delete("/v1/users/me", json=wrong), 403)
    for call, path in ((member.delete, "/v1/users/me"), (member.post, "/v1/users/me/delete")):
        problem(call(path, json={"current_password": PASSWORD}), 429)
    assert member.patch("/v1/users/me", json={"display_name": "M."}).status_code == 200


def test_a_username_and_its_e_mail_count_as_one_account(client, member):
    names = ["MEMBER@example.org", "member", "member@example.org", "Member"]
    # The fifth is the login that the fixture made.
    assert [login(client, name, f"192.0.2.{n}") for n, name in enumerate(names)] == [401] * 4
    assert login(client, "member@example.org", "192.0.2.99") == 429
