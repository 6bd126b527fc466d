"""Notices of what a form has done."""

from http.cookies import SimpleCookie

import pytest

from movierating.pages import notices
from pages.conftest import PASSWORD


def read_cookie(response, name):
    """Return a cookie that a response sets."""
    cookies = SimpleCookie()
    for line in response.headers.getlist("Set-Cookie"):
        cookies.load(line)
    return cookies[name]


@pytest.fixture
def movie(add_movie):
    return add_movie(title="Emma")


@pytest.fixture
def ada(browse, movie, rate):
    """The browser of a member who has just rated a movie; its next page says so."""
    browser = browse("ada")
    rate(browser, movie, 8)
    return browser


def test_notice_is_shown_once(ada, movie):
    first = ada.get(f"/movies/{movie}")
    assert "You rated" in first.text
    assert first.headers["Cache-Control"] == "private, no-cache"
    second = ada.get(f"/movies/{movie}", headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    assert "You rated" not in second.text


def test_redirect_to_a_page_keeps_the_notice(ada):
    assert ada.get("/").status_code == 303
    assert "You rated" in ada.get("/movies").text


def test_address_alone_shows_no_notice(browse, movie):
    boss = browse("boss", role="admin")
    for path in (
        f"/movies/{movie}?saved={movie}&was=3",
        f"/admin/movies?deleted=1&merged={movie}",
        f"/admin/duplicates?merged={movie}",
        "/settings?changed=name",
    ):
        page = boss.get(path).text
        assert ('class="notice"' in page, 'class="done"' in page) == (False, False)
    assert 'class="done"' not in browse().get("/login?changed=account").text


def test_notice_of_another_account_or_a_forged_one_is_not_shown(ada, browse, movie, rate, name_cookie):
    value, eve = ada.get_cookie(name_cookie("notice")).value, browse("eve")
    # The page shows no notice to those who have not rated the movie.
    rate(eve, movie, 3)
    for browser in (eve, browse()):
        for cookie in (value, value[:-1], "", "é", "x.y.z"):
            browser.set_cookie(name_cookie("notice"), cookie)
            response = browser.get(f"/movies/{movie}")
            assert response.status_code == 200
            assert "You rated" not in response.text


def test_notice_expires(ada, movie, monkeypatch):
    monkeypatch.setattr(notices, "LIFETIME_SECONDS", -1)
    assert "You rated" not in ada.get(f"/movies/{movie}").text


def test_page_for_a_browser_with_a_notice_is_not_stored(app, browse, ada, movie, name_cookie):
    value = ada.get_cookie(name_cookie("notice")).value
    for scheme in ("http", "https"):
        browser = browse()
        browser.set_cookie(name_cookie("notice", scheme), value)
        browser.get(f"/movies/{movie}")
    assert app.wsgi_app._responses == {}


def test_cookie_is_short_lived(browse, movie, name_cookie):
    response = browse("ada").post(f"/movies/{movie}/rating", data={"value": "8"})
    cookie = read_cookie(response, name_cookie("notice"))
    assert (cookie["max-age"], cookie["samesite"]) == ("60", "Lax")
    assert cookie["httponly"]


def test_cookie_over_https_is_for_this_host_only(browse, sign_up, movie, name_cookie):
    sign_up("ada")
    browser, https = browse(), {"base_url": "https://localhost"}
    browser.post("/login", data={"login": "ada", "password": PASSWORD}, **https)
    response = browser.post(f"/movies/{movie}/rating", data={"value": "8"}, **https)
    cookie = read_cookie(response, name_cookie("notice", "https"))
    assert (cookie.key[:7], cookie["secure"], cookie["domain"]) == ("__Host-", True, "")
