"""The JWTs of a session: claims, expiry, and the rejection of forged ones (RFC 8725)."""

from datetime import datetime

import jwt
import pytest

from movierating import clock

ABSENT = ...

FORGED_CLAIMS = {
    "type": ["refresh", ["access"]],
    "iss": ["another issuer", ABSENT],
    "aud": ["something", ABSENT],
    "exp": [1_700_000_000, ABSENT, "soon", 10**30],
    "iat": [ABSENT, "then", 4_000_000_000],
    "nbf": [4_000_000_000],
    "sub": [ABSENT, None, 1, "", "me", "-1", "\u0661", "9" * 400, "424242"],
    "sid": [ABSENT, None, 7, ["x"], {"x": 1}, "\ud800", "x" * 100_000],
}
FORGED = [
    {"key": "another key, and a long one: 0123456789"},
    *({"algorithm": algorithm} for algorithm in ("none", "HS512", "HS384")),
    *({"typ": typ} for typ in ("JWT", "rt+jwt")),
    *({claim: value} for claim, values in FORGED_CLAIMS.items() for value in values),
]


def test_forged_access_token_returns_401(member, whoami, problem, resign, subtests):
    for changed in FORGED:
        with subtests.test(ascii(changed)[:40]):
            response = whoami(resign(member.tokens["access_token"], **changed))
            problem(response, 401)
            assert response.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')


GENERATIONS = [ABSENT, None, "1", 0, -1, 1.5, True, 10**30, [], 2]
FORGED_REFRESH = [{"typ": "at+jwt"}, {"type": "access"}, *({"gen": number} for number in GENERATIONS)]


def test_forged_refresh_token_returns_401(member, refresh, problem, resign, subtests):
    for changed in FORGED_REFRESH:
        with subtests.test(str(changed)):
            problem(refresh(resign(member.tokens["refresh_token"], **changed)), 401)
    assert refresh(member.tokens["refresh_token"]).status_code == 200


def test_unchanged_token_signed_again_is_accepted(member, whoami, refresh, resign):
    assert whoami(resign(member.tokens["access_token"])).status_code == 200
    assert refresh(resign(member.tokens["refresh_token"])).status_code == 200


def test_access_and_refresh_tokens_are_not_interchangeable(member, whoami, refresh, problem):
    problem(whoami(member.tokens["refresh_token"]), 401)
    problem(refresh(member.tokens["access_token"]), 401)
    assert member.get("/v1/users/me").status_code == 200


def test_session_of_another_user_is_rejected(member, sign_up, whoami, problem, resign):
    problem(whoami(resign(member.tokens["access_token"], sub=str(sign_up().id))), 401)


def test_access_lasts_15_minutes_and_refresh_30_days(member):
    for name, seconds in (("access_token", 15 * 60), ("refresh_token", 30 * 24 * 3600)):
        claims = jwt.decode(member.tokens[name], options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == seconds
    assert member.tokens["expires_in"] == 15 * 60
    assert member.tokens["token_type"] == "Bearer"


@pytest.mark.parametrize(("seconds", "status"), [(-12, 401), (-8, 200), (8, 200), (12, 401)])
def test_clocks_of_hosts_may_differ_by_ten_seconds(member, whoami, resign, monkeypatch, seconds, status):
    now = clock.now() // clock.SECOND

    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(now, tz)

    monkeypatch.setattr(clock, "now", lambda: now * clock.SECOND)
    monkeypatch.setattr(jwt.api_jwt, "datetime", Stopped)
    times = {"exp": now + seconds} if seconds < 0 else {"iat": now + seconds, "nbf": now + seconds}
    assert whoami(resign(member.tokens["access_token"], **times)).status_code == status


def test_a_verified_token_is_accepted_until_its_expiry_and_leeway(member, whoami, problem, monkeypatch):
    token = member.tokens["access_token"]
    expires_at = jwt.decode(token, options={"verify_signature": False})["exp"] * clock.SECOND
    assert whoami(token).status_code == 200
    for seconds, status in ((9, 200), (10, 401)):
        monkeypatch.setattr(clock, "now", lambda now=expires_at + seconds * clock.SECOND: now)
        assert whoami(token).status_code == status
