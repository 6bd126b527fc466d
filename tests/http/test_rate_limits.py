"""Rate limits: settings, counted outcomes, headers, and the message of a 429."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from movierating.http.extensions import limiter

PASSWORD = "correct horse battery"
ITEM = r'"[a-z-]+"(;[a-z]=[0-9]+)+'


@pytest.fixture
def start(make_app):
    """`start(LIMIT_LOGINS="2/hour")` returns a client of an application with rate limits."""
    return lambda **settings: make_app(RATELIMIT_ENABLED="true", **settings).test_client()


def sign_up(client, name, password=PASSWORD, **kwargs):
    """Sign up and return the response."""
    account = {"username": name, "email": f"{name}@example.org", "password": password}
    return client.post("/v1/users", json=account, **kwargs)


def log_in(client, name, password=PASSWORD):
    """Log in and return the response."""
    return client.post("/v1/auth/login", json={"login": name, "password": password})


def read(response, header="RateLimit"):
    """Return the items of a RateLimit header, by name."""
    items = {}
    for item in response.headers[header].split(", "):
        assert re.fullmatch(ITEM, item)
        name, *parameters = item.split(";")
        items[name.strip('"')] = {key: int(value) for key, _, value in (p.partition("=") for p in parameters)}
    return items


def test_class_of_thirty_behind_one_address_can_sign_up_and_log_in(start):
    client = start()
    names = [f"pupil{n}" for n in range(30)]
    assert {sign_up(client, name, "short").status_code for name in names} == {422}
    assert {sign_up(client, name).status_code for name in names} == {201}
    assert {log_in(client, name, "wrong").status_code for name in names[:29]} == {401}
    for _ in range(2):
        assert {log_in(client, name).status_code for name in names} == {200}
    assert log_in(client, names[0], "wrong").status_code == 401
    assert log_in(client, names[0]).status_code == 429


def test_attempts_made_at_the_same_time_are_all_counted(start):
    client = start()
    sign_up(client, "ada")
    with ThreadPoolExecutor(20) as pool:
        statuses = [
            r.status_code for r in pool.map(lambda _: log_in(client, "ada", "wrong"), range(20), timeout=60)
        ]
    assert (statuses.count(401), statuses.count(429)) == (5, 15)


def test_successes_made_at_the_same_time_leave_no_failures(start):
    client = start()
    sign_up(client, "ada")
    with ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(lambda _: log_in(client, "ada"), range(20), timeout=60))
    assert {response.status_code for response in responses} <= {200, 429}
    assert [log_in(client, "ada", "wrong").status_code for _ in range(6)] == [401] * 5 + [429]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"null", b"{}", b'{"username": 5}', b'{"username": null}', b'{"username": ["a"]}',
             b'{"username": "\\ud800"}', b"[" * 100_000, b"\xff", b"x" * 1_100_000],
    ids=range(12),
)  # fmt: skip
def test_sign_up_without_username_counts_for_its_address(start, body, caplog):
    client = start(LIMIT_FAILED_SIGNUPS_PER_ACCOUNT="2/hour")
    for address in ("192.0.2.1", "192.0.2.2"):
        overrides = {"REMOTE_ADDR": address}
        kwargs = {"data": body, "content_type": "application/json", "environ_overrides": overrides}
        statuses = [client.post("/v1/users", **kwargs).status_code for _ in range(3)]
        assert set(statuses[:2]) <= {400, 413, 422}
        assert statuses[2] == 429
    assert caplog.records == []


@pytest.mark.parametrize("address", ["", None])
def test_clients_without_an_address_share_a_limit(start, address):
    client = start(LIMIT_SIGNUPS="1/hour")
    statuses = [
        sign_up(client, name, environ_overrides={"REMOTE_ADDR": address}).status_code
        for name in ("ada", "eve")
    ]
    assert statuses == [201, 429]


def test_limits_apply_in_memory_without_storage(start, instance, monkeypatch):
    # All applications of a process share the limiter, so the test must restore its state.
    monkeypatch.setattr(limiter, "_storage_dead", False)
    (instance / "limits.sqlite3").mkdir()
    client = start()
    assert sign_up(client, "ada").status_code == 201
    assert [log_in(client, "ada").status_code for _ in range(8)] == [200] * 8
    responses = [log_in(client, "ada", "wrong") for _ in range(6)]
    assert [response.status_code for response in responses] == [401] * 5 + [429]
    assert read(responses[4])["failed-logins"]["r"] == 25


@pytest.mark.parametrize("storage", ["instance folder", "Redis"])
def test_response_has_policies_and_their_state(start, use_redis, storage):
    client = start(**use_redis(storage))
    response = sign_up(client, "ada")
    assert response.headers["RateLimit-Policy"] == (
        '"failed-signups-per-account";q=20;w=3600, "failed-signups";q=60;w=3600, "signups";q=60;w=3600'
    )
    state = read(response)
    assert {name: item["r"] for name, item in state.items()} == {"failed-signups": 60, "signups": 59}
    assert all(3500 < item["t"] <= 3600 for item in state.values())
    failed = read(sign_up(client, "ada"))
    assert {name: item["r"] for name, item in failed.items()} == {"failed-signups": 59, "signups": 59}


def test_attempt_whose_window_ends_before_it_fails_leaves_no_more_than_the_limit(start):
    client = start(LIMIT_SIGNUPS="3/hour")
    # Called before the hook that subtracts the failed sign-up.
    client.application.after_request(lambda response: limiter.reset() or response)
    assert read(sign_up(client, "ada", password="short"))["signups"]["r"] == 3


def test_exceeded_limit_is_named_in_headers_and_message(start, problem):
    client = start(LIMIT_FAILED_LOGINS="2/hour")
    for left in (1, 0):
        assert read(log_in(client, "ada", "wrong"))["failed-logins"]["r"] == left
    response = log_in(client, "ada")
    detail = problem(response, 429)["detail"]
    seconds = int(response.headers["Retry-After"])
    assert abs(read(response)["failed-logins"]["t"] - seconds) <= 1
    assert read(response)["failed-logins"]["r"] == 0
    minutes = -(-seconds // 60)
    assert detail == f"Too many requests (failed-logins: 2 per hour); try again in {minutes} minutes."


def test_headers_of_a_login_do_not_show_failures_of_its_account(start):
    client = start()
    sign_up(client, "ada")
    log_in(client, "ada", "wrong")
    state = log_in(client, "ada@example.org", "wrong").headers["RateLimit"]
    assert "per-account" not in state


def test_rejected_attempt_counts_towards_no_other_limit(start):
    client = start(LIMIT_FAILED_LOGINS_PER_ACCOUNT="1/minute")
    statuses = [log_in(client, "ada", "wrong").status_code for _ in range(20)]
    assert statuses == [401] + [429] * 19
    assert read(log_in(client, "bob", "wrong"))["failed-logins"]["r"] == 28


def test_successes_have_a_limit_of_their_own(start):
    client = start(LIMIT_SIGNUPS="1/day", LIMIT_LOGINS="2/hour")
    assert [sign_up(client, name).status_code for name in ("ada", "bob")] == [201, 429]
    assert [log_in(client, "ada").status_code for _ in range(3)] == [200, 200, 429]


def test_failed_sign_ups_are_limited_by_address_and_by_username(start):
    client = start(LIMIT_FAILED_SIGNUPS="3/hour", LIMIT_FAILED_SIGNUPS_PER_ACCOUNT="2/hour")

    def fail(name, address):
        overrides = {"REMOTE_ADDR": address}
        return sign_up(client, name, "short", environ_overrides=overrides).status_code

    assert [fail("ada", f"192.0.2.{n}") for n in range(3)] == [422, 422, 429]
    assert [fail(f"bob{n}", "192.0.2.9") for n in range(4)] == [422, 422, 422, 429]


def test_writes_have_headers_and_reads_have_none(start):
    client = start(LIMIT_WRITES="7/minute")
    sign_up(client, "ada")
    headers = {"Authorization": f"Bearer {log_in(client, 'ada').json['access_token']}"}
    written = client.patch("/v1/users/me", json={"display_name": "A."}, headers=headers)
    assert written.headers["RateLimit-Policy"] == '"writes";q=7;w=60'
    assert read(written)["writes"]["r"] == 6
    missing = client.delete("/v1/movies/1/rating", headers=headers)
    assert (missing.status_code, read(missing)["writes"]["r"]) == (404, 5)
    for path in ("/v1/users/me", "/v1/movies", "/nowhere"):
        assert not {"RateLimit", "RateLimit-Policy"} & set(client.get(path, headers=headers).headers.keys())


def test_limit_that_is_off_does_not_apply(start):
    client = start(LIMIT_FAILED_LOGINS="off", LIMIT_FAILED_LOGINS_PER_ACCOUNT="OFF")
    responses = [log_in(client, "ada", "wrong") for _ in range(35)]
    assert {response.status_code for response in responses} == {401}
    assert read(responses[-1], "RateLimit-Policy").keys() == {"logins"}


def test_without_rate_limits_there_are_no_headers(client):
    response = log_in(client, "ada", "wrong")
    assert not {"RateLimit", "RateLimit-Policy"} & set(response.headers.keys())


def test_other_origins_can_read_the_headers(start):
    client = start(CORS_ORIGINS="https://films.example")
    response = client.post("/v1/auth/login", json={}, headers={"Origin": "https://films.example"})
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"RateLimit", "RateLimit-Policy"} <= set(exposed) & set(response.headers.keys())
