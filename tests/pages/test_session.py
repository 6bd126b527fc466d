"""The session cookie of a browser."""

import sqlite3
from contextlib import closing
from http.cookies import SimpleCookie

import pytest
from werkzeug.test import Client

from movierating import clock
from movierating.http.proxies import trust_proxies
from movierating.pages import session
from movierating.ratings import service as ratings
from movierating.storage.database import get_sqlite_file
from movierating.users import administration
from pages.conftest import PASSWORD, SAME_SITE


def log_in(client, **options):
    form = {"login": "ada", "password": PASSWORD, **options.pop("form", {})}
    return client.post("/login", data=form, headers=SAME_SITE, **options)


def read_cookie(response):
    return next(iter(SimpleCookie(response.headers["Set-Cookie"]).values()))


def test_cookie_of_a_visit_ends_with_the_browser_and_is_for_this_site_only(client, sign_up, name_cookie):
    sign_up("ada")
    cookie = read_cookie(log_in(client))
    assert cookie.key == name_cookie("session")
    assert (cookie["max-age"], cookie["path"], cookie["samesite"]) == ("", "/", "Lax")
    assert cookie["httponly"]
    assert not cookie["secure"]


def test_cookie_over_https_is_bound_to_the_host(client, sign_up, name_cookie):
    sign_up("ada")
    cookie = read_cookie(log_in(client, base_url="https://localhost", form={"stay": "1"}))
    assert cookie.key == name_cookie("session", "https") == f"__Host-{name_cookie('session')}"
    assert cookie["secure"]
    assert cookie["max-age"] == str(session.STAY_SECONDS)
    assert cookie["domain"] == ""


def test_cookie_of_a_plain_connection_does_not_count_over_https(client, sign_up):
    sign_up("ada")
    log_in(client)
    assert client.get("/rate", base_url="https://localhost").status_code == 303


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_instances_below_one_host_do_not_end_each_others_sessions(browse, app, sign_up, scheme):
    app.wsgi_app = trust_proxies(app.wsgi_app, 1)
    people, browser = {"/film": sign_up("ada").username, "/club": sign_up("bob").username}, browse()

    def send(method, mount, path, **form):
        headers = {"X-Forwarded-Prefix": mount}
        return browser.open(path, f"{scheme}://localhost", method=method, data=form, headers=headers)

    for mount, name in people.items():
        assert send("POST", mount, "/login", login=name, password=PASSWORD, stay="1").status_code == 303
    for mount, name in people.items():
        assert f'class="me" href="{mount}/people/{name}"' in send("GET", mount, "/movies").text
    assert send("POST", "/film", "/logout").status_code == 303
    assert [send("GET", mount, "/rate").status_code for mount in people] == [303, 200]


def test_instances_on_two_ports_do_not_end_each_others_sessions(make_app, sign_up):
    sign_up("ada")
    apps = {port: make_app(SECRET_KEY=port * 10) for port in ("5000", "5001")}
    browser = Client(lambda environ, start: apps[environ["SERVER_PORT"]](environ, start))
    form = {"login": "ada", "password": PASSWORD}
    for port in apps:
        response = browser.post("/login", f"http://localhost:{port}", data=form, headers=SAME_SITE)
        assert response.status_code == 303
    assert [browser.get("/rate", f"http://localhost:{port}").status_code for port in apps] == [200, 200]


def test_session_of_another_instance_of_the_host_changes_nothing(browse, app):
    browser = browse("ada")
    app.wsgi_app = trust_proxies(app.wsgi_app, 1)
    below = {"headers": {"X-Forwarded-Prefix": "/film"}}
    assert browser.get("/rate", **below).status_code == 303
    assert browser.post("/login", data={"login": "ada", "password": PASSWORD}, **below).status_code == 303
    assert browser.get("/rate", **below).status_code == 200
    assert browser.post("/logout", **below).status_code == 303
    assert browser.get("/rate", **below).status_code == 303
    assert browser.get("/rate").status_code == 200


@pytest.mark.parametrize("value", ["", "1", "1.x.1", "1.x.1.aaaaaa.bbbb", "é", "." * 500])
def test_forged_cookie_counts_as_none(client, name_cookie, value):
    client.set_cookie(name_cookie("session"), value)
    assert client.get("/movies").status_code == 200
    assert client.get("/rate").status_code == 303


def test_cookie_opens_no_operation_of_the_api(browse):
    browser = browse("ada")
    assert browser.get("/v1/users/me").status_code == 401


def test_bearer_token_opens_no_page(member):
    assert member.get("/rate").status_code == 303


def test_visit_lasts_twelve_hours(browse, sign_up, monkeypatch, app):
    sign_up("ada")
    browser = browse()
    browser.post("/login", data={"login": "ada", "password": PASSWORD})
    assert browser.get("/rate").status_code == 200
    started_at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: started_at + 12 * 3600 * clock.SECOND + 1)
    app.test_client().put("/v1/movies/1/rating")
    from movierating.auth import service

    service._load_caller.cache_clear()
    assert browser.get("/rate").status_code == 303


def test_session_that_stays_is_prolonged_once_a_day(browse, monkeypatch):
    browser = browse("ada")
    assert "Set-Cookie" not in browser.get("/rate").headers
    started_at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: started_at + (session.RENEWAL_SECONDS + 10) * clock.SECOND)
    assert "Set-Cookie" in browser.get("/rate").headers


@pytest.mark.sqlite
def test_page_is_shown_if_its_session_cannot_be_prolonged(browse, app, monkeypatch):
    browser = browse("ada")
    started_at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: started_at + (session.RENEWAL_SECONDS + 10) * clock.SECOND)
    with app.app_context():
        file = get_sqlite_file()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        response = browser.get("/rate")
        assert response.status_code == 200
        assert "Set-Cookie" not in response.headers
    assert "Set-Cookie" in browser.get("/rate").headers


def test_logout_a_day_later_sets_no_new_cookie(browse, monkeypatch, name_cookie):
    browser, name = browse("ada"), name_cookie("session")
    started_at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: started_at + (session.RENEWAL_SECONDS + 10) * clock.SECOND)
    assert browser.post("/logout").headers.getlist("Set-Cookie")[-1].startswith(f"{name}=;")
    assert browser.get_cookie(name) is None


def test_new_password_ends_the_session_of_a_browser(browse, app):
    browser = browse("ada")
    tokens = app.test_client().post("/v1/auth/login", json={"login": "ada", "password": PASSWORD}).json
    change = {"password": "another long secret", "current_password": PASSWORD}
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert app.test_client().patch("/v1/users/me", json=change, headers=headers).status_code == 200
    assert browser.get("/rate").status_code == 303


def test_page_for_a_member_is_private(browse):
    response = browse("ada").get("/movies")
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["Vary"] == "Cookie, Accept-Encoding"


def test_account_that_is_deleted_during_a_request_leads_to_the_login(browse, add_movie, monkeypatch):
    rate_movie = ratings.rate_movie

    def delete_account_and_rate(user_id, *arguments):
        administration.delete_account(user_id)
        return rate_movie(user_id, *arguments)

    monkeypatch.setattr(ratings, "rate_movie", delete_account_and_rate)
    response = browse("ada").post(f"/movies/{add_movie()}/rating", data={"value": "8"})
    assert (response.status_code, response.headers["Location"]) == (303, "/login")
