"""Sign-up: valid and invalid usernames, e-mails, display names and passwords."""

import pytest

WEAK_PASSWORDS = {
    "short": "at least",
    "x" * 129: "at most",
    "password123": "most common",
    "ada.lovelace!": "your own name",
    "Lovelace@Example.org": "your own name",
}


def test_sign_up_creates_a_member(apply, client):
    response = apply(username="Ada_L", email="Ada@Example.org", display_name="  Ada L\u0065\u0301. ")
    assert response.status_code == 201
    account = response.json
    assert response.headers["Location"] == f"/v1/users/{account['id']}"
    assert account.pop("created_at").endswith("Z")
    assert account == {
        "id": account["id"],
        "username": "Ada_L",
        "email": "Ada@Example.org",
        "display_name": "Ada L\u00e9.",
        "role": "member",
        "active": True,
        "listed": True,
        "ratings": {"count": 0, "mean": None, "histogram": [0] * 20},
    }
    assert client.get(response.headers["Location"]).json["username"] == "Ada_L"


def test_display_name_defaults_to_the_username(apply):
    assert apply().json["display_name"] == "ada"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"username": "ADA", "email": "other@example.org"}, "username"),
        ({"username": "other", "email": "ADA@example.ORG"}, "email"),
        ({"username": "other", "email": "\uff41da@example.org"}, "email"),
        ({}, "username"),
    ],
)
def test_taken_username_or_email_returns_409_in_any_letter_case(apply, problem, fields, field):
    assert apply().status_code == 201
    details = problem(apply(**fields), 409)
    assert details["type"] == f"/problems/{field}-taken"
    assert details["conflict"] == {"field": field}
    assert apply(username="third", email="third@example.org").status_code == 201


def test_one_of_concurrent_equal_sign_ups_succeeds(at_once):
    body = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}
    responses = at_once(*[lambda client: client.post("/v1/users", json=body)] * 4)
    assert sorted(response.status_code for response in responses) == [201, 409, 409, 409]


@pytest.mark.parametrize("username", ["abc", "a" * 30, "A_.-", "ml_1", "mlx", "a..b", "Z99"])
def test_valid_username_is_accepted(apply, username):
    assert apply(username=username).json["username"] == username


INVALID_USERNAMES = [
    "", "ab", "a" * 31, "1ab", "_ab", ".ab", "-ab", "a b", " abc", "abc ", "abc\n", "abc\x00", "a@b.c", "a/b",
    "äbc", "\u0430da", "\uff41da", "ad\u0131", "\u212aelvin", "ada\u017f", "ada\u200b", "ada\u0301",
    "ml-1", "ML-1", "mL-ada", "Ml-", None, 5, ["ada"], True,
]  # fmt: skip


def test_invalid_username_returns_422(apply, problem, subtests):
    for username in INVALID_USERNAMES:
        with subtests.test(ascii(username)[:40]):
            problem(apply(username=username), 422, "username")


@pytest.mark.parametrize(
    "email",
    ["a@example.org", "a+b@example.org", "ä@exämple.org", "x" * 64 + "@example.org", "o'b@example.org"],
)
def test_valid_email_is_accepted(apply, email):
    assert apply(email=email).json["email"] == email


INVALID_EMAILS = ["", "ada", "@", "ada@", "@example.org", "ada@example", "ada@.org", "a b@example.org",
     " ada@example.org", "ada@example.org ", "ada@example.org\n",
     "ada@example.org\r\nBcc: x@example.org", "ada\x00@example.org",
     '"\x01"@example.org', '"\\\x0b"@example.org', '"a\x7f"@example.org', "\u202eada@example.org",
     "ada@example.org,eve@example.org", "Ada <ada@example.org>", "x" * 250 + "@example.org", "ada@" + "b." * 200_000,
     "\ufdfa" * 60 + "@example.org", None, 5, ["ada@example.org"], {}]  # fmt: skip


def test_invalid_email_returns_422(apply, problem, subtests):
    for email in INVALID_EMAILS:
        with subtests.test(ascii(email)[:40]):
            problem(apply(email=email), 422, "email")


@pytest.mark.parametrize(
    "display_name",
    ["", "   ", "x" * 101, "a\nb", "a\x00b", "a\x1bb", "\u202egro.elpmaxe", None, 5, ["Ada"]],
    ids=ascii,
)
def test_invalid_display_name_returns_422(apply, problem, display_name):
    problem(apply(display_name=display_name), 422, "display_name")


def test_display_name_is_stored_unchanged(apply):
    assert apply(display_name="<b>Łódź 🎬</b> ' OR 1=1").json["display_name"] == "<b>Łódź 🎬</b> ' OR 1=1"


@pytest.mark.parametrize(("password", "reason"), WEAK_PASSWORDS.items())
def test_weak_password_is_rejected(apply, problem, password, reason):
    response = apply(username="ada.lovelace", email="lovelace@example.org", password=password)
    problem(response, 422, "password")
    assert reason in response.json["errors"][0]["message"]


def test_weak_password_is_reported_with_the_other_fields(apply, problem):
    problem(apply(username="1", email="@", password="short"), 422, "username", "email", "password")


@pytest.mark.parametrize("password", ["", None, 1234567890, ["correct horse battery"], "x" * 1025])
def test_invalid_password_returns_422(apply, problem, password):
    problem(apply(password=password), 422, "password")


def test_unicode_variants_of_a_password_are_equal(apply, client):
    apply(password="\uff43aff\u00e9 au lait, s'il")
    response = client.post("/v1/auth/login", json={"login": "ada", "password": "caffe\u0301 au lait, s'il"})
    assert response.status_code == 200


READ_ONLY_FIELDS = ["role", "active", "id", "password_hash", "created_at", "email_key", "is_admin"]


def test_users_cannot_set_their_role_or_state(apply, member, problem, subtests):
    for name in READ_ONLY_FIELDS:
        with subtests.test(ascii(name)[:40]):
            problem(apply(**{name: "admin"}), 422, name)
            problem(member.patch("/v1/users/me", json={name: "admin"}), 422, name)
            assert member.get("/v1/users/me").json["role"] == "member"


def test_closed_sign_up_returns_403_before_body_validation(make_app, problem):
    client = make_app(SIGNUP="closed").test_client()
    valid = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}
    for body in (valid, {}, []):
        problem(client.post("/v1/users", json=body), 403)
    problem(client.post("/v1/users", data="{", content_type="application/json"), 403)
