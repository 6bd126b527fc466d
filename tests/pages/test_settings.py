"""Settings: name, e-mail, password, sessions, tokens, export, and closing the account."""

import re

import pytest

from movierating.auth import passwords
from movierating.auth.password_resets import set_password
from movierating.ratings.formats.writers import FORMATS
from movierating.users.service import find_user_id

PASSWORD = "correct horse battery"
NEW_PASSWORD = "another long secret"
FORMS = {
    "display-name": {"display_name": "Ada L."},
    "email": {"email": "new@example.org", "current_password": PASSWORD},
    "password": {"password": NEW_PASSWORD, "current_password": PASSWORD},
    "tokens": {"name": "backup", "scope": "read", "expires_at": ""},
    "end-sessions": {},
    "close-account": {"username": "ada", "current_password": PASSWORD},
}


@pytest.fixture
def ada(browse):
    return browse("ada")


def send(browser, form, **changes):
    return browser.post(f"/settings/{form}", data={**FORMS[form], **changes})


def create_token(browser):
    """Create a token and return it."""
    return re.search(r'id="new-token">(mr_[\w-]+)<', send(browser, "tokens").text)[1]


def test_name_and_email_are_changed_and_shown(ada):
    for form, text in (("display-name", "Your name is changed."), ("email", "Your e-mail is changed.")):
        response = send(ada, form)
        assert response.status_code == 303
        assert text in ada.get(response.headers["Location"]).text
    page = ada.get("/settings").text
    assert 'value="Ada L."' in page
    assert 'value="new@example.org"' in page


@pytest.mark.parametrize(
    ("form", "password"),
    [("password", NEW_PASSWORD), ("end-sessions", PASSWORD)],
    ids=["password", "sessions"],
)
def test_all_sessions_end_and_the_login_says_why(ada, browse, form, password):
    other = browse()
    other.post("/login", data={"login": "ada", "password": PASSWORD})
    response = send(ada, form)
    assert response.status_code == 303
    assert 'class="done"' in ada.get(response.headers["Location"]).text
    for browser in (ada, other):
        assert browser.get("/settings").headers["Location"].startswith("/login")
    assert other.post("/login", data={"login": "ada", "password": password}).status_code == 303
    assert other.get("/settings").status_code == 200


def test_ended_sessions_leave_tokens_valid_and_a_new_password_does_not(ada, client):
    headers = {"Authorization": f"Bearer {create_token(ada)}"}
    send(ada, "end-sessions")
    assert client.get("/v1/users/me", headers=headers).status_code == 200
    ada.post("/login", data={"login": "ada", "password": PASSWORD})
    send(ada, "password")
    assert client.get("/v1/users/me", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("form", "changes", "status", "text"),
    [
        ("display-name", {"display_name": " "}, 422, 'id="name-display_name-error"'),
        ("display-name", {"display_name": "a" * 101}, 422, 'id="name-display_name-error"'),
        ("display-name", {"display_name": "a\nb"}, 422, 'id="name-display_name-error"'),
        ("email", {"email": ""}, 422, 'id="email-email-error"'),
        ("email", {"email": "nonsense"}, 422, 'id="email-email-error"'),
        ("email", {"email": "bob@example.org"}, 409, 'id="email-email-error"'),
        ("email", {"current_password": ""}, 422, 'id="email-current_password-error"'),
        ("email", {"current_password": "wrong password"}, 403, 'id="email-current_password-error"'),
        ("password", {"password": ""}, 422, 'id="password-password-error"'),
        ("password", {"password": "short"}, 422, 'id="password-password-error"'),
        ("password", {"password": "password123"}, 422, 'id="password-password-error"'),
        ("password", {"current_password": ""}, 422, 'id="password-current_password-error"'),
        ("password", {"current_password": "wrong password"}, 403, 'id="password-current_password-error"'),
        ("tokens", {"name": ""}, 422, 'id="token-name-error"'),
        ("tokens", {"name": "a" * 101}, 422, 'id="token-name-error"'),
        ("tokens", {"scope": "admin"}, 422, 'role="alert"'),
        ("tokens", {"expires_at": "2001-01-01T00:00:00Z"}, 422, 'role="alert"'),
        ("tokens", {"expires_at": "soon"}, 422, 'role="alert"'),
        ("close-account", {"username": ""}, 422, 'id="close-username-error"'),
        ("close-account", {"username": "bob"}, 422, 'id="close-username-error"'),
        ("close-account", {"current_password": ""}, 422, 'id="close-current_password-error"'),
        ("close-account", {"current_password": "wrong password"}, 403, 'id="close-current_password-error"'),
    ],
)
def test_bad_input_is_explained_and_changes_nothing(ada, browse, sign_up, form, changes, status, text):
    sign_up("bob")
    before = ada.get("/settings").text
    response = send(ada, form, **changes)
    assert response.status_code == status
    assert text in response.text
    assert "<title>Error: Settings" in response.text
    assert PASSWORD not in response.text
    assert response.headers["Cache-Control"] == "no-store, no-transform"
    assert ada.get("/settings").text == before
    assert browse().post("/login", data={"login": "ada", "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize("form", FORMS)
def test_form_of_another_site_is_403_and_without_a_login_leads_to_it(ada, browse, form):
    before = ada.get("/settings").text
    foreign = ada.post(f"/settings/{form}", data=FORMS[form], headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert send(browse(), form).headers["Location"] == "/login"
    assert ada.get("/settings").text == before


def test_token_is_shown_once_and_works_until_it_is_revoked(ada, client):
    response = send(ada, "tokens")
    assert response.headers["Cache-Control"] == "no-store, no-transform"
    token = re.search(r'id="new-token">(mr_[\w-]+)<', response.text)[1]
    page = ada.get("/settings").text
    assert token not in page
    assert "<b>backup</b>" in page
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/v1/users/me", headers=headers).status_code == 200
    path = re.search(r"/settings/tokens/\d+/revoke", page)[0]
    location = ada.post(path).headers["Location"]
    assert ada.post(path).headers["Location"] == location
    assert "The token is revoked." in ada.get(location).text
    assert client.get("/v1/users/me", headers=headers).status_code == 401


def test_offered_expiries_are_accepted(ada):
    expiries = re.findall(r'<option value="(\d{4}-[^"]+Z)"', ada.get("/settings").text)
    assert len(expiries) == 3
    for expires_at in expiries:
        assert 'id="new-token"' in send(ada, "tokens", expires_at=expires_at).text
    assert f'expires <time datetime="{expiries[0]}"' in ada.get("/settings").text


def test_token_of_another_account_is_neither_shown_nor_revoked(ada, browse, client):
    token = create_token(ada)
    path = re.search(r"/settings/tokens/\d+/revoke", ada.get("/settings").text)[0]
    bob = browse("bob")
    assert "<b>backup</b>" not in bob.get("/settings").text
    assert bob.post(path).status_code == 303
    assert client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_name_of_a_token_is_escaped(ada):
    assert "<script>alert" not in send(ada, "tokens", name="<script>alert(1)</script>").text


@pytest.mark.parametrize("name", FORMATS)
def test_export_is_the_file_of_the_api(ada, client, add_movie, rate, name):
    rate(ada, add_movie(title="Heat", imdb_id="tt0113277"), 8.5)
    assert f'/settings/export?format={name}"' in ada.get("/settings").text
    page = ada.get(f"/settings/export?format={name}", headers={"Accept-Encoding": "gzip"})
    headers = {"Authorization": f"Bearer {create_token(ada)}"}
    api = client.get(f"/v1/users/me/ratings/export?format={name}", headers=headers)
    assert (page.status_code, page.data) == (200, api.data)
    for header in ("Content-Type", "Content-Disposition"):
        assert page.headers[header] == api.headers[header]
    assert page.headers["Cache-Control"] == "private, no-cache, no-transform"


def test_export_of_an_unknown_format_is_422_and_needs_a_login(ada, browse):
    assert ada.get("/settings/export?format=xml").status_code == 422
    assert browse().get("/settings/export").headers["Location"].startswith("/login?next=")


def test_page_is_private_and_not_compressed(ada):
    response = ada.get("/settings", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Cache-Control"] == "private, no-cache, no-transform"
    assert "Content-Encoding" not in response.headers
    assert ada.get("/movies", headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"


def test_closed_account_is_gone_with_its_ratings(ada, client, add_movie, rate):
    movie_id = add_movie(title="Heat")
    rate(ada, movie_id, 8.5)
    response = send(ada, "close-account", username="ADA")
    assert "Your account is closed." in ada.get(response.headers["Location"]).text
    assert ada.post("/login", data={"login": "ada", "password": PASSWORD}).status_code == 401
    assert client.get(f"/v1/movies/{movie_id}").json["ratings"]["count"] == 0


@pytest.mark.parametrize("form", ["email", "password", "close-account"])
def test_form_whose_password_is_changed_meanwhile_leads_to_the_login(ada, monkeypatch, form):
    verify = passwords.verify_password

    def verify_then_change(password_hash, password):
        matches = verify(password_hash, password)
        set_password(find_user_id("ada"), NEW_PASSWORD)
        return matches

    monkeypatch.setattr(passwords, "verify_password", verify_then_change)
    response = send(ada, form)
    assert (response.status_code, response.headers["Location"]) == (303, "/login")


def test_last_admin_cannot_close_the_account(browse):
    response = send(browse("ada", role="admin"), "close-account")
    assert response.status_code == 409
    assert "No active admin would remain" in response.text


def test_tried_passwords_are_limited_as_in_the_api(make_app):
    app = make_app(RATELIMIT_ENABLED="true", LIMIT_REAUTHENTICATIONS="2/hour")
    browser = app.test_client()
    browser.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    account = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
    assert browser.post("/sign-up", data=account).status_code == 303
    for form, status in (("email", 403), ("password", 403), ("close-account", 429)):
        assert send(browser, form, current_password="wrong password").status_code == status
