"""The errors of all pages."""

import re

import pytest

from movierating.users import service as users

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/nosuch", "/problems/nosuch", "/movies/x", "/v2/movies", "/people/nobody"])
def test_browser_gets_a_page_for_an_unknown_address(client, path):
    response = client.get(path, headers=BROWSER)
    assert response.status_code == 404
    assert response.content_type.startswith("text/html")
    assert response.headers["X-Request-ID"] in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/v1/nosuch", "/v1", "/openapi.json/x", "/static/nosuch.js", "/metrics/x"])
def test_addresses_of_the_api_return_problem_details_to_browsers_too(client, problem, path):
    problem(client.get(path, headers=BROWSER), 404)


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/problem+json"])
def test_other_clients_get_problem_details(client, problem, accept):
    problem(client.get("/nosuch", headers={"Accept": accept} if accept else {}), 404)


def test_wrong_method_is_a_page_with_the_methods(client):
    response = client.get("/logout", headers=BROWSER)
    assert response.status_code == 405
    assert response.content_type.startswith("text/html")
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize("path", ["/nosuch", "/movies/x", "/people/nobody", "/movies/1/rating"])
def test_member_is_logged_in_on_the_page_of_an_unknown_address_or_method(browse, path):
    response = browse("ada").get(path, headers=BROWSER)
    assert response.status_code == (405 if path.endswith("rating") else 404)
    assert "Log out" in response.text
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "Log out" not in browse().get(path, headers=BROWSER).text


@pytest.mark.parametrize(("path", "title"), [("/nosuch", "Not Found"), ("/people/nobody", "Not Found")])
def test_title_of_an_error_page_says_error(client, path, title):
    response = client.get(path, headers=BROWSER)
    assert re.search(f"(?i)<title>Error: {title} · movierating</title>", response.text)


def test_failure_of_the_service_is_a_page_without_internal_text(browse, app, monkeypatch):
    browser = browse("ada")

    def fail(**_):
        raise RuntimeError("secret detail")

    monkeypatch.setitem(app.view_functions, "pages.rate_next", fail)
    response = browser.get("/rate", headers=BROWSER)
    assert response.status_code == 500
    assert response.content_type.startswith("text/html")
    assert "secret detail" not in response.text
    assert response.headers["X-Request-ID"] in response.text


def test_member_gets_403_from_every_page_for_admins(browse, app):
    ada = browse("ada")
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin/")]
    assert len(rules) >= 5
    for rule in rules:
        path = rule.rule
        for argument in rule.arguments:
            path = path.replace(f"<id:{argument}>", "1")
        for method in rule.methods - {"OPTIONS"}:
            assert (path, ada.open(path, method=method).status_code) == (path, 403)


def test_every_form_of_a_member_counts_towards_the_limit_of_writes(make_app):
    app = make_app(RATELIMIT_ENABLED="true", LIMIT_WRITES="1/hour")
    password = "correct horse battery"
    with app.app_context():
        users.sign_up("boss", "boss@example.org", password, None, "admin")
    browser = app.test_client()
    browser.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    browser.post("/login", data={"login": "boss", "password": password})
    assert browser.post("/admin/invitations").status_code == 200
    public = {"/login", "/logout", "/sign-up", "/reset"}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("pages.") and "POST" in rule.methods and rule.rule not in public:
            path = re.sub(r"<[^>]+>", "1", rule.rule)
            response = browser.post(path)
            assert (path, response.status_code) == (path, 429)
            assert int(response.headers["Retry-After"]) > 0
