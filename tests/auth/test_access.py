"""Access control: accepted JWTs (RFC 8725), the bearer header, and the order of errors."""

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
def test_clocks_of_hosts_may_differ_by_ten_seconds(member, whoami, resign, seconds, status):
    now = clock.now() // clock.SECOND
    times = {"exp": now + seconds} if seconds < 0 else {"iat": now + seconds, "nbf": now + seconds}
    assert whoami(resign(member.tokens["access_token"], **times)).status_code == status


def test_a_verified_token_is_accepted_until_its_expiry_and_leeway(member, whoami, problem, monkeypatch):
    token = member.tokens["access_token"]
    expires_at = jwt.decode(token, options={"verify_signature": False})["exp"] * clock.SECOND
    assert whoami(token).status_code == 200
    for seconds, status in ((9, 200), (10, 401)):
        monkeypatch.setattr(clock, "now", lambda now=expires_at + seconds * clock.SECOND: now)
        assert whoami(token).status_code == status


def test_each_kind_of_bad_token_has_its_problem(member, client, whoami, problem, resign):
    def kind(response):
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        return problem(response, 401)["type"].removeprefix("/problems/token-")

    token = member.tokens["access_token"]
    assert kind(client.get("/v1/users/me")) == kind(whoami(token, scheme="Basic")) == "missing"
    assert kind(whoami(resign(token, exp=1_700_000_000))) == "expired"
    assert kind(whoami("mr_unknown")) == kind(whoami(f"{token}x")) == "invalid"
    assert kind(whoami(member.tokens["refresh_token"])) == "invalid"
    member.post("/v1/auth/logout")
    assert kind(whoami(token)) == "revoked"


def test_response_to_a_bad_token_says_why_to_clients_of_oauth(client, whoami):
    assert client.get("/v1/users/me").headers["WWW-Authenticate"] == "Bearer"
    expected = 'Bearer error="invalid_token", error_description="The token is invalid."'
    assert whoami("x").headers["WWW-Authenticate"] == expected


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer "])
def test_bearer_scheme_is_case_insensitive(member, whoami, scheme):
    assert whoami(member.tokens["access_token"], scheme).status_code == 200


NESTED = "eyJhbGciOiJIUzI1NiJ9." + "W1tb" * 4000 + ".x"
MALFORMED = [
    "", "Bearer", "Bearer ", "Bearer    ", "Basic bWU6bWU=", "bearer:x", "Bearer x", "Bearer a.b.c", "Bearer é.é.é",
    "Bearer mr_", "Bearer mr_é", "Bearer mr_" + "x" * 10_000, f"Bearer {NESTED}", "Bearer null", "Bearer \x7f",
]  # fmt: skip


def test_malformed_authorization_returns_401(client, problem, subtests):
    for header in MALFORMED:
        with subtests.test(ascii(header)[:40]):
            for call in (client.get, client.patch, client.delete):
                problem(call("/v1/users/me", headers={"Authorization": header}), 401)
            problem(client.post("/v1/auth/refresh", headers={"Authorization": header}), 401)


PROTECTED_OPERATIONS = [
    ("GET", "/v1/users"),
    ("GET", "/v1/users/me"),
    ("PATCH", "/v1/users/me"),
    ("DELETE", "/v1/users/me"),
    ("POST", "/v1/users/me/delete"),
    ("PATCH", "/v1/users/1"),
    ("PATCH", "/v1/users/99999999999999999999"),
    ("POST", "/v1/auth/refresh"),
    ("POST", "/v1/auth/logout"),
    ("GET", "/v1/auth/tokens"),
    ("POST", "/v1/auth/tokens"),
    ("DELETE", "/v1/auth/tokens/1"),
]


def test_unauthenticated_request_gets_401_before_other_errors(client, problem, subtests):
    for method, path in PROTECTED_OPERATIONS:
        with subtests.test(f"{method} {path}"):
            for body in ({"json": {"unknown": 1}}, {"data": "{", "content_type": "application/json"}, {}):
                problem(client.open(f"{path}?unknown=1", method=method, **body), 401)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/users"), ("PATCH", "/v1/users/1"), ("PATCH", "/v1/users/999999")]
)
def test_member_gets_403_from_admin_operation_before_404_and_422(member, problem, method, path):
    problem(member._send(method, f"{path}?unknown=1", json={"unknown": 1}), 403)


def test_admin_gets_404_before_422(admin, problem):
    problem(admin.patch("/v1/users/999999", json={"unknown": 1}), 404)
    problem(admin.patch(f"/v1/users/{admin.id}", json={"unknown": 1}), 422, "unknown")
