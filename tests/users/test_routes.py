"""Addresses under `/v1/users` that lead to no user, or take no query."""

import pytest


@pytest.mark.parametrize("number", ["0", "999999", "9" * 40])
@pytest.mark.parametrize("rest", ["", "/ratings", "/ratings?unknown=1"])
def test_unknown_user_returns_404(client, problem, number, rest):
    problem(client.get(f"/v1/users/{number}{rest}"), 404)


@pytest.mark.parametrize(
    "username",
    ["nobody", "member@example.org", "membe", "%25", "mem%00ber", "%00", "%FF", "x" * 31, "%EF%B7%BA" * 30],
)
def test_unknown_username_returns_404(client, member, problem, username):
    problem(client.get(f"/v1/users/by-username/{username}"), 404)
    problem(client.get(f"/v1/users/by-username/{username}?unknown=1"), 404)


def test_username_takes_no_query(client, member, problem):
    problem(client.get("/v1/users/by-username/member?unknown=1"), 422, "unknown")
