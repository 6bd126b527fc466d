"""Public profiles. No public response contains an e-mail."""

import pytest

FIELDS = {"id", "username", "display_name", "created_at", "ratings"}


def test_profile_contains_the_statistics_of_its_ratings(client, member, add_movie):
    for value in (7, 8.5):
        member.put(f"/v1/movies/{add_movie()}/rating", json={"value": value})
    profile = client.get(f"/v1/users/{member.id}").json
    assert set(profile) == FIELDS
    assert set(profile["ratings"]) == {"count", "mean", "histogram"}
    assert (profile["ratings"]["count"], profile["ratings"]["mean"]) == (2, 7.75)
    assert [step for step, count in enumerate(profile["ratings"]["histogram"], 1) if count] == [14, 17]


def test_profile_supports_head_and_if_none_match(client, member, add_movie):
    path = f"/v1/users/{member.id}"
    response = client.get(path)
    tag = response.headers["ETag"]
    assert tag.startswith('"')
    assert response.headers["Cache-Control"] == "no-cache"
    head = client.head(path)
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", tag)
    for if_none_match in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        response = client.get(path, headers={"If-None-Match": if_none_match})
        assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", tag)
    member.put(f"/v1/movies/{add_movie()}/rating", json={"value": 7})
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_public_responses_contain_no_email(client, member, admin, add_movie):
    movie = add_movie()
    member.put(f"/v1/movies/{movie}/rating", json={"value": 7})
    for path in (
        f"/v1/users/{member.id}",
        f"/v1/users/{member.id}/ratings",
        f"/v1/movies/{movie}",
        f"/v1/movies/{movie}/ratings",
        "/v1/movies",
    ):
        for caller in (client, admin):
            response = caller.get(path)
            assert response.status_code == 200
            assert "@" not in response.text
            assert "email" not in response.text


def test_conflict_does_not_reveal_the_owner_of_an_email(member, client, problem):
    body = {"username": "other", "email": "member@example.org", "password": "correct horse battery"}
    response = client.post("/v1/users", json=body)
    problem(response, 409)
    assert "member" not in response.text.replace("member@example.org", "")


@pytest.mark.parametrize("username", ["Ada.L", "ada.l", "ADA.L", "%EF%BC%A1da.l"])
def test_profile_by_username_equals_profile_by_id(client, sign_up, username):
    by_id = client.get(f"/v1/users/{sign_up('Ada.L').id}")
    by_username = client.get(f"/v1/users/by-username/{username}")
    assert (by_username.status_code, by_username.data) == (200, by_id.data)
    assert by_username.headers["ETag"] == by_id.headers["ETag"]


def test_username_of_a_deactivated_account_returns_404(client, member, admin, problem):
    path = "/v1/users/by-username/member"
    assert client.get(path).status_code == 200
    admin.patch(f"/v1/users/{member.id}", json={"active": False})
    problem(client.get(path), 404)
