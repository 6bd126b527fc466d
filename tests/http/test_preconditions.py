import pytest

from movierating.errors import NotFound, PreconditionFailed, PreconditionRequired
from movierating.http import preconditions


def named(app, header):
    headers = {} if header is None else {"If-Match": header}
    with app.test_request_context("/", headers=headers):
        return preconditions.parse_if_match()


@pytest.mark.parametrize(
    ("header", "edits"),
    [
        ('"1-0"', {1}),
        ('"12-345"', {12}),
        ('"12-00ff"', {12}),
        (' "1-0" ', {1}),
        ('"1-0", "3-7"', {1, 3}),
        ('"1-0","1-5"', {1}),
        ('W/"2-0", "3-0"', {2, 3}),
        ('"nonsense", "3-0"', {3}),
        ("*", None),
        (" * ", None),
    ],
)
def test_if_match_returns_edits_or_none_for_a_star(app, header, edits):
    assert named(app, header) == edits


@pytest.mark.parametrize(
    "header",
    [
        "",
        '""',
        '"", ""',
        "1",
        '"-1-0"',
        '"a-b"',
        '"٣-0"',
        '"*"',
        '"1-F"',
        '"1-' + "0" * 33 + '"',
        '"' + "9" * 19 + '-0"',
        "\u0000",
    ],
)
def test_other_etags_match_no_edit(app, header):
    assert named(app, header) == set()


def test_missing_if_match_raises_precondition_required(app):
    with pytest.raises(PreconditionRequired):
        named(app, None)


def movie_at_1(movie_id, edits):
    if movie_id != 7:
        raise NotFound("There is no such movie.")
    if edits is not None and 1 not in edits:
        raise PreconditionFailed("The movie was changed since you read it.")


@pytest.mark.parametrize(
    ("movie_id", "header", "error"),
    [
        (8, None, NotFound),
        (8, '"2-0"', NotFound),
        (7, None, PreconditionRequired),
        (7, '"2-0"', PreconditionFailed),
        (7, 'W/"2-0"', PreconditionFailed),
    ],
)
def test_precondition_is_checked_before_the_operation(app, movie_id, header, error):
    view = preconditions.if_match_required(movie_at_1)(lambda _self, movie_id: pytest.fail("it looked"))
    with (
        app.test_request_context("/", headers={"If-Match": header} if header else {}),
        pytest.raises(error),
    ):
        view(None, movie_id=movie_id)


@pytest.mark.parametrize("header", ["*", '"1-99"', 'W/"1-99"', '"5-0", "1-0"'])
def test_matching_request_reaches_the_operation(app, header):
    view = preconditions.if_match_required(movie_at_1)(lambda _self, movie_id: movie_id)
    with app.test_request_context("/", headers={"If-Match": header}):
        assert view(None, movie_id=7) == 7


def test_if_match_is_documented():
    described = preconditions.if_match_required(movie_at_1)(lambda _self, movie_id: None)._apidoc
    assert [parameter["name"] for parameter in described["arguments"]["parameters"]] == ["If-Match"]
    assert {404, 412, 428} <= described["response"]["responses"].keys()


@pytest.fixture
def movie(add_movie):
    """The address of a movie."""
    return f"/v1/movies/{add_movie()}"


@pytest.fixture
def targets(member, admin, movie):
    """For each kind of resource: who reads and writes it, the write, and the address that returns its ETag."""
    member.put(f"{movie}/rating", json={"value": 8})
    profile, account = f"/v1/users/{member.id}", "/v1/users/me"
    password = {"current_password": "correct horse battery"}
    return {
        "rate": (member, "PUT", f"{movie}/rating", {"value": 3}, f"{movie}/rating"),
        "delete rating": (member, "DELETE", f"{movie}/rating", None, f"{movie}/rating"),
        "own account": (member, "PATCH", account, {"display_name": "M."}, account),
        "account": (admin, "PATCH", profile, {"role": "admin"}, profile),
        "delete account": (member, "DELETE", account, password, account),
        "delete account by POST": (member, "POST", f"{account}/delete", password, account),
    }


TARGETS = ["rate", "delete rating", "own account", "account", "delete account", "delete account by POST"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "headers",
    [
        {"If-Match": ""},
        {"If-Match": '""'},
        {"If-Match": '"0123456789abcdef0123456789abcdef"'},
        {"If-Match": '"*"'},
        {"If-Match": '"1-{tag}"'},
        {"If-Match": "\x00"},
        {"If-None-Match": "*"},
        {"If-None-Match": '"{tag}"'},
        {"If-None-Match": 'W/"{tag}", "other"'},
        {"If-Match": '"{tag}"', "If-None-Match": "*"},
    ],
    ids=str,
)
def test_failed_precondition_returns_412_and_changes_nothing(targets, problem, target, headers):
    user, method, path, body, readable = targets[target]
    before = user.get(readable)
    tag = before.headers["ETag"].strip('"')
    headers = {name: value.format(tag=tag) for name, value in headers.items()}
    assert problem(user._send(method, path, json=body, headers=headers), 412)["type"] == (
        "/problems/precondition-failed"
    )
    if body is not None:
        problem(user._send(method, path, json={"x": 1}, headers=headers), 412)
        problem(user._send(method, path, data=b"{", content_type="application/json", headers=headers), 412)
    assert user.get(readable).data == before.data


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"If-Match": "*"},
        {"If-Match": '"{tag}"'},
        {"If-Match": 'W/"{tag}"'},
        {"If-Match": '"other", "{tag}"'},
        {"If-None-Match": '"other"'},
        {"If-None-Match": ""},
    ],
    ids=str,
)
def test_write_with_a_precondition_that_holds_succeeds(targets, target, headers):
    user, method, path, body, readable = targets[target]
    tag = user.get(readable).headers["ETag"].strip('"')
    headers = {name: value.format(tag=tag) for name, value in headers.items()}
    assert user._send(method, path, json=body, headers=headers).status_code in (200, 204)


@pytest.mark.parametrize("target", ["rate", "own account", "account"])
def test_etag_is_stale_after_a_change(targets, problem, target):
    user, method, path, body, readable = targets[target]
    tag = user.get(readable).headers["ETag"]
    change = {"rate": {"value": 9}, "own account": {"display_name": "Old"}, "account": None}[target]
    if change is None:
        targets["own account"][0].patch("/v1/users/me", json={"display_name": "Old"})
    else:
        user._send(method, path, json=change)
    problem(user._send(method, path, json=body, headers={"If-Match": tag}), 412)


def test_rating_that_must_not_exist_is_created_once(member, movie, problem):
    rate = {"json": {"value": 8}, "headers": {"If-None-Match": "*"}}
    assert member.put(f"{movie}/rating", **rate).status_code == 201
    problem(member.put(f"{movie}/rating", **rate), 412)


def test_only_one_of_concurrent_writes_with_one_etag_succeeds(member, movie, at_once):
    member.put(f"{movie}/rating", json={"value": 8})
    headers = {**member.headers, "If-Match": member.get(f"{movie}/rating").headers["ETag"]}
    calls = [
        lambda client, value=value: client.put(f"{movie}/rating", json={"value": value}, headers=headers)
        for value in range(1, 6)
    ]
    assert sorted(response.status_code for response in at_once(*calls)) == [200, 412, 412, 412, 412]


@pytest.mark.parametrize("header", ["*", '"other"'])
def test_rating_that_must_exist_is_not_created(member, movie, problem, header):
    problem(member.put(f"{movie}/rating", json={"value": 8}, headers={"If-Match": header}), 412)
    problem(member.get(f"{movie}/rating"), 404)


def test_401_403_and_404_come_before_412(client, member, movie, problem):
    headers = {"If-Match": '"other"'}
    problem(client.put(f"{movie}/rating", json={"value": 8}, headers=headers), 401)
    problem(member.patch(f"/v1/users/{member.id}", json={"role": "admin"}, headers=headers), 403)
    problem(member.put("/v1/movies/99/rating", json={"value": 8}, headers=headers), 404)
    problem(member.put("/v1/movies/99/rating", json={}, headers=headers), 404)
    problem(member.delete(f"{movie}/rating", headers=headers), 404)
    wrong = {"email": "new@example.org", "current_password": "wrong"}
    problem(member.patch("/v1/users/me", json=wrong, headers=headers), 403)


def test_deactivated_account_matches_its_former_etag(admin, member):
    path = f"/v1/users/{member.id}"
    tag = admin.get(path).headers["ETag"]
    assert admin.patch(path, json={"active": False}, headers={"If-Match": tag}).status_code == 200
    assert admin.patch(path, json={"active": True}, headers={"If-Match": tag}).status_code == 200


def test_changed_account_is_returned_with_its_new_etag(member):
    changed = member.patch("/v1/users/me", json={"display_name": "M."})
    read = member.get("/v1/users/me")
    assert (changed.headers["ETag"], changed.data) == (read.headers["ETag"], read.data)
