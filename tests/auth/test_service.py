"""Sessions: opened by a login, carried on by refreshing, ended by logout, reuse, and what happens to the account."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import func, select, update

from movierating.auth import passwords, service
from movierating.auth.models import Session, User
from movierating.storage.database import read, write

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
def test_login_takes_username_or_email_in_any_letter_case(sign_up, client, login):
    ada = sign_up("Ada.Lovelace")
    response = client.post("/v1/auth/login", json={"login": login, "password": PASSWORD})
    assert response.status_code == 200
    own = client.get("/v1/users/me", headers={"Authorization": f"Bearer {response.json['access_token']}"})
    assert own.json["id"] == ada.id


def refused_logins(client, sign_up):
    """Name and password of every kind of login that fails."""
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
    words, costs = set(), []
    for login, password in refused_logins(client, sign_up):
        count_verifications.clear()
        response = client.post("/v1/auth/login", json={"login": login, "password": password})
        body = problem(response, 401)
        words.add((body["title"], body["detail"], frozenset(response.headers.keys())))
        costs.append(list(count_verifications))
    assert len(words) == 1
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


def test_refresh_gives_a_new_pair_that_works(member, refresh, whoami):
    fresh = refresh(member.tokens["refresh_token"])
    assert fresh.status_code == 200
    assert set(fresh.json) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert whoami(fresh.json["access_token"]).json["id"] == member.id
    assert refresh(fresh.json["refresh_token"]).status_code == 200


def test_reuse_within_ten_seconds_is_rejected_and_keeps_the_session(member, refresh, problem, age):
    first = member.tokens["refresh_token"]
    second = refresh(first).json["refresh_token"]
    age(9)
    problem(refresh(first), 401)
    assert refresh(second).status_code == 200
    problem(refresh(first), 401)
    assert member.get("/v1/users/me").status_code == 200


def test_reuse_after_ten_seconds_ends_the_session(member, refresh, problem, age):
    fresh = refresh(member.tokens["refresh_token"]).json
    age(11)
    problem(refresh(member.tokens["refresh_token"]), 401)
    problem(refresh(fresh["refresh_token"]), 401)
    problem(member.get("/v1/users/me"), 401)


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
    responses = at_once(*[lambda client: client.post("/v1/auth/refresh", headers=spent)] * 8)
    assert sorted(response.status_code for response in responses) == [200] + [401] * 7
    winner = next(response for response in responses if response.status_code == 200)
    assert refresh(winner.json["refresh_token"]).status_code == 200


def test_a_session_that_is_not_refreshed_ends_after_thirty_days(member, refresh, problem, age):
    age(service.REFRESH_TOKEN_SECONDS - 60)
    assert member.get("/v1/users/me").status_code == 200
    age(61)
    problem(member.get("/v1/users/me"), 401)
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
    problem(member.get("/v1/users/me"), 401)
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
