"""The response cache and pages: those for visitors are stored, and a page for a person is given to nobody else."""

import re

import pytest
from werkzeug.test import Client

from movierating.http.response_cache import ResponseCache
from movierating.pages import session
from movierating.storage.database import db

PAGES = ["/movies", "/movies/{movie}", "/people/ada"]


@pytest.fixture
def ada(browse, add_movie, rate, name_cookie):
    """Ada's browser. She rated a movie, and has seen the notice."""
    browser = browse("ada")
    browser.movie = add_movie(title="Emma")
    rate(browser, browser.movie, 8.5)
    browser.delete_cookie(name_cookie("notice"))
    return browser


@pytest.fixture(params=PAGES)
def path(request, ada):
    """A page that visitors may read."""
    return request.param.format(movie=ada.movie)


def find_name(text):
    """Return the name in the navigation of a page, None if it is for visitors."""
    name = re.search(r'class="me"[^>]*>([^<]*)<', text)
    return name and name[1]


def test_page_for_visitors_is_made_once(browse, handled, path):
    first, second = browse().get(path), browse().get(path)
    assert len(handled) == 1
    assert (first.status_code, first.data) == (second.status_code, second.data) == (200, first.data)
    assert second.headers["Cache-Control"] == "no-cache"
    assert "Cookie" in second.vary
    known = browse().get(path, headers={"If-None-Match": second.headers["ETag"]})
    assert (known.status_code, known.data, len(handled)) == (304, b"", 1)
    assert "Cookie" in known.vary
    assert "default-src 'none'" in known.headers["Content-Security-Policy"]


def test_page_for_visitors_shows_a_new_rating_at_once(browse, ada, add_movie, rate, path):
    other = add_movie(title="Clueless")
    before = browse().get(path)
    rate(ada, other if path.startswith("/people") else ada.movie, 3)
    after = browse().get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.text != before.text


def test_page_for_a_person_is_given_to_nobody_else(browse, ada, path):
    people = {"ada": ada, "bob": browse("bob"), None: browse()}
    etags = set()
    for name in ("ada", "bob", None, "ada", None, "bob"):
        response = people[name].get(path)
        assert find_name(response.text) == name
        assert response.headers["Cache-Control"] == ("private, no-cache" if name else "no-cache")
        assert "Cookie" in response.vary
        etags.add(response.headers["ETag"])
    assert len(etags) == 3
    known = {"If-None-Match": ", ".join(etags - {people["bob"].get(path).headers["ETag"]})}
    assert people["bob"].get(path, headers=known).status_code == 200


def test_page_after_logging_out_is_that_of_visitors(browse, ada, path, name_cookie):
    assert find_name(ada.get(path).text) == "ada"
    cookie = ada.get_cookie(name_cookie("session")).value
    ada.post("/logout")
    assert find_name(ada.get(path).text) is None
    thief = browse()
    thief.set_cookie(name_cookie("session"), cookie)
    assert find_name(thief.get(path).text) is None


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nothing_is_stored_for_a_request_with_a_session_cookie(
    browse, ada, handled, path, name_cookie, scheme
):
    forged = browse()
    forged.set_cookie(name_cookie("session", scheme), "1.forged.1.x")
    for _ in range(2):
        assert find_name(forged.get(path).text) is None
    assert len(handled) == 2
    assert ada.application.wsgi_app._responses == {}


def test_secure_cookie_opens_the_own_page_over_https(browse, ada, path):
    visitor, secure = browse(), browse()
    assert find_name(visitor.get(path).text) is None
    data = {"login": "ada", "password": "correct horse battery"}
    assert secure.post("/login", data=data, base_url="https://localhost").status_code == 303
    assert find_name(secure.get(path, base_url="https://localhost").text) == "ada"
    assert find_name(visitor.get(path, base_url="https://localhost").text) is None


def test_cookies_of_other_services_change_nothing(browse, handled, path):
    browse().get(path)
    visitor = browse()
    visitor.set_cookie("theme", "dark")
    assert find_name(visitor.get(path).text) is None
    assert len(handled) == 1


@pytest.mark.parametrize(
    "path", ["/login", "/sign-up", "/rate", "/movies/999", "/people/nobody", "/movies?sort=x"]
)
def test_other_pages_are_not_stored(browse, app, path):
    for _ in range(2):
        browse().get(path)
    assert app.wsgi_app._responses == {}


@pytest.mark.parametrize(
    "headers",
    [{"Set-Cookie": "a=b"}, {"Cache-Control": "private, no-cache"}, {"Cache-Control": "no-store"}],
    ids=["cookie", "private", "no-store"],
)
def test_response_that_is_not_for_all_is_never_stored(app, headers):
    def respond(_, start_response):
        start_response("200 OK", list({"ETag": '"a"', "Cache-Control": "no-cache", **headers}.items()))
        return [b"secret"]

    cache = ResponseCache(respond, db.engine)
    client = Client(cache)
    for path in ("/movies", "/people/ada", "/v1/movies"):
        assert client.get(path).data == b"secret"
    assert cache._responses == {}


def test_prolonged_session_is_not_stored(ada, browse, monkeypatch, path):
    monkeypatch.setattr(session, "RENEWAL_SECONDS", -1)
    assert "Set-Cookie" in ada.get(path).headers
    assert "Set-Cookie" not in browse().get(path).headers


def test_private_service_gives_visitors_no_page(make_app, path, browse):
    app = make_app(PRIVATE="true")
    # The members of `browse` are in the same database.
    member, visitor = app.test_client(), app.test_client()
    member.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    for _ in range(2):
        assert visitor.get(path).location.startswith("/login")
        member.post("/login", data={"login": "ada", "password": "correct horse battery"})
        response = member.get(path)
        assert find_name(response.text) == "ada"
        known = {"If-None-Match": response.headers["ETag"]}
        assert visitor.get(path, headers=known).status_code == 303
    assert app.wsgi_app._responses == {}
