"""Log in and out with forms."""

import pytest
from werkzeug.datastructures import MultiDict

from pages.conftest import PASSWORD, SAME_SITE


def test_login_leads_to_the_movies_and_shows_the_name(browse):
    response = browse("ada").get("/movies")
    assert "Log out" in response.text
    assert ">ada</a>" in response.text


def test_login_by_email_leads_back_to_the_page_that_needed_it(browse, sign_up):
    sign_up("ada")
    browser = browse()
    assert browser.get("/rate").headers["Location"] == "/login?next=/rate"
    assert browser.get("/movies/new?title=%C3%89t%C3%A9&year=2").headers["Location"] == (
        "/login?next=/movies/new?title%3D%25C3%2589t%25C3%25A9%26year%3D2"
    )
    form = {"login": "ada@example.org", "password": PASSWORD, "next": "/rate"}
    assert browser.post("/login", data=form).headers["Location"] == "/rate"


@pytest.mark.parametrize(
    ("path", "sender", "location"),
    [
        ("/movies/1/rating", "/movies?q=alien&sort=title#m1", "/login?next=/movies?q%3Dalien%26sort%3Dtitle"),
        ("/movies/new", "/movies/new", "/login?next=/movies/new"),
        ("/settings/display-name", "/settings", "/login?next=/settings"),
        # Only forms are sent to this address.
        ("/settings/display-name", "/settings/display-name", "/login"),
        ("/settings/display-name", "/nosuch", "/login"),
        ("/settings/display-name", None, "/login"),
    ],
)
def test_form_of_an_ended_session_leads_back_to_its_page_after_a_login(browse, path, sender, location):
    browser = browse("ada")
    browser.post("/logout")
    headers = {"Referer": f"http://localhost{sender}"} if sender else {}
    response = browser.post(path, data={"value": "5"}, headers=headers)
    assert (response.status_code, response.headers["Location"]) == (303, location)
    assert "What you sent was not saved." in browser.get(location).text
    assert "What you sent was not saved." not in browser.get(location).text


def test_login_says_that_a_form_was_not_saved_after_a_script_was_redirected_to_it(browse):
    browser = browse()
    browser.post("/movies/1/rating", data={"value": "5"}, headers={"X-Part": "row"})
    # The script's own request follows the redirect, and the page is opened then.
    browser.get("/login", headers={"X-Part": "row"})
    assert "What you sent was not saved." in browser.get("/login").text


def test_malformed_address_of_a_sender_is_ignored(browse):
    response = browse().post("/movies/new", headers={"Referer": "http://[x/movies"})
    assert response.headers["Location"] == "/login"


@pytest.mark.parametrize(
    ("form", "status", "message"),
    [
        ({"login": "ada", "password": "wrong password"}, 401, "No account has this name and password."),
        ({"login": "nobody", "password": PASSWORD}, 401, "No account has this name and password."),
        ({"login": "ada"}, 422, '<a href="#password">Password</a>: Fill in this field.'),
        ({}, 422, '<a href="#login">Username or e-mail</a>: Fill in this field.'),
        ({"login": "a" * 300, "password": PASSWORD}, 422, "Length must be between 1 and 254."),
    ],
)
def test_rejected_login_shows_the_form_again_without_the_password(browse, sign_up, form, status, message):
    sign_up("ada")
    response = browse().post("/login", data=form)
    assert response.status_code == status
    assert message in response.text
    assert f'value="{form.get("login", "")}"' in response.text
    assert form.get("password", "no password") not in response.text
    assert "Set-Cookie" not in response.headers


def test_logout_ends_the_session_also_for_a_copied_cookie(browse, app, name_cookie):
    browser = browse("ada")
    cookie = browser.get_cookie(name_cookie("session"))
    assert browser.post("/logout").status_code == 303
    assert browser.get_cookie(name_cookie("session")) is None
    thief = app.test_client()
    thief.set_cookie(name_cookie("session"), cookie.value)
    assert thief.get("/rate").status_code == 303


def test_login_ends_the_session_that_the_browser_had(browse, sign_up, app, name_cookie):
    browser = browse("ada")
    cookie = browser.get_cookie(name_cookie("session"))
    sign_up("bob")
    browser.post("/login", data={"login": "bob", "password": PASSWORD})
    other = app.test_client()
    other.set_cookie(name_cookie("session"), cookie.value)
    assert "Log out" not in other.get("/movies").text


def test_member_who_opens_the_login_page_is_sent_on(browse):
    assert browse("ada").get("/login?next=/rate").headers["Location"] == "/rate"


def test_login_form_has_the_limit_of_the_api(make_app):
    client = make_app(RATELIMIT_ENABLED="true", LIMIT_FAILED_LOGINS_PER_ACCOUNT="2/minute").test_client()
    form = {"login": "ada", "password": "wrong password"}
    assert client.post("/v1/auth/login", json=form).status_code == 401
    assert client.post("/login", data=form, headers=SAME_SITE).status_code == 401
    response = client.post("/login", data=form, headers=SAME_SITE)
    assert response.status_code == 429
    # Without the name and the value of the setting.
    assert "Too many requests; try again in" in response.text
    assert response.headers["Retry-After"]
    other = {**form, "login": "bob"}
    assert client.post("/login", data=other, headers=SAME_SITE).status_code == 401


@pytest.mark.parametrize("first", ["", " ", "bob"])
def test_second_name_in_a_form_does_not_replace_the_one_that_limits_count(browse, sign_up, first):
    sign_up("ada")
    form = MultiDict([("login", first), ("login", "ada"), ("password", PASSWORD)])
    assert browse().post("/login", data=form).status_code in (401, 422)
