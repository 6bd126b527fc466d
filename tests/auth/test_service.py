"""Sessions: login, refresh, logout, reuse of refresh tokens, and the cache of callers."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import func, select, update

from movierating import clock
from movierating.auth import passwords, service, session_tokens
from movierating.auth.models import Session, User
from movierating.storage.database import read, write

ME = "/v1/users/me"
PASSWORD = "correct horse battery"


@pytest.fixture
def count_verifications(monkeypatch):
    """A list that grows by the cost parameters of each hash that is verified, by the real hasher."""
    verified = []

    class Counting(PasswordHasher):
        def verify(self, hash, password):  # noqa: A002
            verified.append(extract_parameters(hash))
            return super().verify(hash, password)

    passwords.verify_password(None, "")
    monkeypatch.setattr(
        passwords, "_hasher", Counting(passwords.TIME_COST, passwords.MEMORY_KIB, passwords.PARALLELISM)
    )
    return verified


def set_columns(user_id, **values):
    write(lambda connection: connection.execute(update(User).where(User.id == user_id).values(**values)))


@pytest.mark.parametrize(
    "login", ["Ada.Lovelace", "ada.lovelace", "ADA.LOVELACE@example.org", " ada.lovelace "]
)
def test_login_takes_username_or_email_in_any_letter_case(sign_up, client, whoami, login):
    ada = sign_up("Ada.Lovelace")
    response = client.post("/v1/auth/login", json={"login": login, "password": PASSWORD})
    assert whoami(response.json["access_token"]).json["id"] == ada.id


def create_failing_logins(sign_up):
    """Return the name and password of every kind of login that fails."""
    known, closed, rater = sign_up("known"), sign_up("closed"), sign_up("rater")
    set_columns(closed.id, active=False)
    set_columns(rater.id, password_hash=None)
    return [
        (known.username, "wrong horse battery"),
        ("known@example.org", "wrong horse battery"),
        ("nobody", PASSWORD),
        ("nobody@example.org", PASSWORD),
        (closed.username, PASSWORD),
        (rater.username, PASSWORD),
        ("nobody", "x" * 1024),
    ]


def test_failed_logins_have_one_message_and_cost_one_verification(
    client, sign_up, problem, count_verifications
):
    messages, costs = set(), []
    for login, password in create_failing_logins(sign_up):
        count_verifications.clear()
        response = client.post("/v1/auth/login", json={"login": login, "password": password})
        body = problem(response, 401)
        messages.add((body["title"], body["detail"], frozenset(response.headers.keys())))
        costs.append(list(count_verifications))
    assert len(messages) == 1
    assert costs == [[extract_parameters(passwords.hash_password(PASSWORD))]] * 7


def test_login_rehashes_password_with_weaker_parameters(member, client):
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    set_columns(member.id, password_hash=weak)
    response = client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD})
    assert response.status_code == 200
    stored = read().scalar(select(User.password_hash).where(User.id == member.id))
    assert extract_parameters(stored).memory_cost == passwords.MEMORY_KIB
    assert passwords.verify_password(stored, PASSWORD)


def test_login_removes_sessions_that_have_expired(member, client, age):
    age(service.REFRESH_TOKEN_SECONDS + 1)
    client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD})
    assert read().scalar(select(func.count()).select_from(Session)) == 1


def test_login_beyond_the_limit_ends_the_session_refreshed_longest_ago(
    member, refresh, whoami, problem, monkeypatch, age
):
    monkeypatch.setattr(service, "MAX_SESSIONS_PER_USER", 3)
    tokens = [member.tokens["refresh_token"]]
    for _ in range(2):
        age(60)
        tokens.append(session_tokens.issue_tokens(service.login("member", PASSWORD))["refresh_token"])
    age(60)
    refreshed = refresh(tokens[0]).json
    newest = session_tokens.issue_tokens(service.login("member", PASSWORD))
    problem(refresh(tokens[1]), 401)
    for pair in (refreshed, refresh(tokens[2]).json, newest):
        assert whoami(pair["access_token"]).status_code == 200


def test_limit_of_sessions_counts_those_of_one_user(member, sign_up, client, monkeypatch):
    other = sign_up("other")
    monkeypatch.setattr(service, "MAX_SESSIONS_PER_USER", 1)
    for _ in range(2):
        service.login("member", PASSWORD)
    assert other.get(ME).status_code == 200
    assert read().scalar(select(func.count()).select_from(Session)) == 2


def test_refresh_gives_a_new_pair_that_works(member, refresh, whoami):
    fresh = refresh(member.tokens["refresh_token"])
    assert fresh.status_code == 200
    assert set(fresh.json) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert whoami(fresh.json["access_token"]).json["id"] == member.id
    assert refresh(fresh.json["refresh_token"]).status_code == 200


def test_reuse_within_ten_seconds_is_rejected_and_keeps_the_session(
    member, refresh, problem, age, monkeypatch
):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    first = member.tokens["refresh_token"]
    second = refresh(first).json["refresh_token"]
    age(9)
    problem(refresh(first), 401)
    assert refresh(second).status_code == 200
    problem(refresh(first), 401)
    assert member.get(ME).status_code == 200


def test_reuse_after_ten_seconds_ends_the_session(member, refresh, problem, age):
    fresh = refresh(member.tokens["refresh_token"]).json
    age(11)
    problem(refresh(member.tokens["refresh_token"]), 401)
    problem(refresh(fresh["refresh_token"]), 401)
    problem(member.get(ME), 401)


def test_reuse_of_an_older_generation_ends_the_session(member, refresh, problem, resign):
    first = member.tokens["refresh_token"]
    third = refresh(refresh(first).json["refresh_token"]).json["refresh_token"]
    problem(refresh(resign(first, iat=1_700_000_000)), 401)
    problem(refresh(third), 401)


def test_reuse_ends_no_other_session(member, client, refresh, age):
    other = client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD}).json
    refresh(member.tokens["refresh_token"])
    age(11)
    refresh(member.tokens["refresh_token"])
    assert refresh(other["refresh_token"]).status_code == 200


def test_one_of_concurrent_refreshes_succeeds(member, at_once, refresh):
    spent = {"Authorization": f"Bearer {member.tokens['refresh_token']}"}
    responses = at_once(*[lambda client: client.post("/v1/auth/refresh", headers=spent)] * 5)
    assert sorted(response.status_code for response in responses) == [200] + [401] * 4
    winner = next(response for response in responses if response.status_code == 200)
    assert refresh(winner.json["refresh_token"]).status_code == 200


def test_a_session_that_is_not_refreshed_ends_after_thirty_days(member, refresh, problem, age):
    age(service.REFRESH_TOKEN_SECONDS - 60)
    assert member.get(ME).status_code == 200
    age(61)
    problem(member.get(ME), 401)
    problem(refresh(member.tokens["refresh_token"]), 401)


def test_refreshing_prolongs_a_session(member, refresh, whoami, age):
    age(service.REFRESH_TOKEN_SECONDS - 60)
    fresh = refresh(member.tokens["refresh_token"]).json
    age(61)
    assert whoami(fresh["access_token"]).status_code == 200


def test_logout_ends_this_session_at_once_and_no_other(member, client, refresh, problem, whoami):
    other = client.post("/v1/auth/login", json={"login": "member", "password": PASSWORD}).json
    response = member.post("/v1/auth/logout")
    assert (response.status_code, response.data) == (204, b"")
    problem(member.get(ME), 401)
    problem(refresh(member.tokens["refresh_token"]), 401)
    problem(member.post("/v1/auth/logout"), 401)
    assert whoami(other["access_token"]).status_code == 200


def test_password_change_during_login_rejects_it(member, monkeypatch):
    verify = passwords.verify_password

    def verify_then_change(stored, password):
        verified = verify(stored, password)
        set_columns(member.id, password_hash=passwords.hash_password("another horse entirely"))
        return verified

    monkeypatch.setattr(passwords, "verify_password", verify_then_change)
    with pytest.raises(service.Unauthenticated):
        service.login("member", PASSWORD)


@pytest.fixture
def other_worker(make_app, app):
    """A client of a second application on the same database with the same key, like another worker."""
    return make_app(SECRET_KEY=app.config["SECRET_KEY"]).test_client()


@pytest.mark.sqlite
def test_session_is_read_once_until_it_changes(member, admin, add_movie):
    path, statements = f"/v1/movies/{add_movie()}/rating", []
    member.get(ME)
    driver = read().connection.dbapi_connection
    driver.set_trace_callback(statements.append)
    member.put(path, json={"value": 8})
    admin.put(path, json={"value": 9})
    member.delete(path)
    driver.set_trace_callback(None)
    # The admin's session is read once.
    assert sum("FROM user JOIN session" in statement.replace('"', "") for statement in statements) == 1


def log_out(member, client):
    assert client.post("/v1/auth/logout", headers=member.headers).status_code == 204


def deactivate(member, _client):
    set_columns(member.id, active=False)


@pytest.mark.parametrize("end_session", [log_out, deactivate])
def test_session_ended_in_another_process_is_rejected_at_once(member, other_worker, problem, end_session):
    assert member.get(ME).status_code == other_worker.get(ME, headers=member.headers).status_code == 200
    end_session(member, other_worker)
    problem(member.get(ME), 401)
    problem(other_worker.get(ME, headers=member.headers), 401)
