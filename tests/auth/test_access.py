"""Access control: the bearer header, the problem of each bad token, and the order of errors."""

import pytest


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
