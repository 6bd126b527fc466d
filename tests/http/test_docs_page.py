"""The docs page in a browser."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from playwright.sync_api import sync_playwright

from docs_page import PASSWORD, Docs

pytestmark = pytest.mark.any_database

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def test_docs_page_runs_only_its_own_scripts(client):
    with client.get("/docs") as response:
        policy = response.headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == rules["style-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"


def test_docs_page_has_no_inline_script_or_style(client):
    with client.get("/docs") as response:
        page = response.text
    assert re.findall(r"<script(?![^>]* src=\"static/)|<style|\bon\w+=|\bstyle=|javascript:", page) == []


@pytest.fixture(scope="module")
def service_instance(copied, well_known_instance, tmp_path_factory) -> Path:
    """The instance folder of the service."""
    return Path(copied(well_known_instance, tmp_path_factory.mktemp("docs") / "instance"))


@pytest.fixture(scope="module")
def service(program, serve, service_instance) -> Any:
    """A service with the well-known movies."""
    program("chromium")
    return serve(service_instance, RATELIMIT_ENABLED="false")


@pytest.fixture
def docs(program, service, tmp_path) -> Iterator[Docs]:
    """The docs page in Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path / "browser",
            executable_path=program("chromium"),
            args=FLAGS,
            viewport={"width": 1200, "height": 1000},
        )
        # A busy machine takes long for the scripts of the page.
        browser.set_default_timeout(90_000)
        docs = Docs(browser.pages[0], service.url)
        docs.watch()
        docs.open()
        yield docs
        browser.close()


def test_introduction_links_to_operations_in_the_same_tab(docs):
    docs.page.get_by_role("link", name="Rate it").click()
    docs.page.locator(".is-open[id$=-rate_movie]").wait_for()
    assert len(docs.page.context.pages) == 1


def test_user_signs_up_logs_in_finds_a_movie_and_rates_it(docs):
    assert urlsplit(docs.page.url).path == "/docs"
    status, _ = docs.execute("sign_up", {"username": "ada", "email": "ada@example.org", "password": PASSWORD})
    assert status == 201
    docs.log_in("ada")
    status, found = docs.execute("list_movies", q="amelie")
    assert status == 200
    movie = found["items"][0]
    assert movie["title"] == "Amélie"
    status, rated = docs.execute("rate_movie", {"value": 8.5}, movie_id=str(movie["id"]))
    assert status == 201
    assert rated["ratings"]["count"] == 1

    with urllib.request.urlopen(f"{docs.address}/v1/movies/{movie['id']}") as response:
        assert json.load(response)["ratings"]["mean"] == 8.5
    assert docs.hosts - {"data"} == {urlsplit(docs.address).netloc}
    assert docs.errors == []


def test_first_rating_takes_at_most_five_clicks_after_sign_up(docs):
    docs.sign_up("cleo")
    page, keyboard = docs.page, docs.page.keyboard
    page.evaluate(
        "addEventListener('click', e => { self.clicks = (self.clicks ?? 0) + (e.detail > 0) }, true)"
    )
    docs.log_in("cleo")
    page.get_by_role("link", name="Find a movie").click()
    page.locator("input[placeholder=q]:focus").wait_for()
    keyboard.type("amelie")
    search = page.locator("[id$=-list_movies]")
    search.get_by_role("button", name="Execute").click()
    found = json.loads(search.locator(".live-responses-table .highlight-code code").first.inner_text())
    page.get_by_role("link", name="Rate it").click()
    page.locator("input[placeholder=movie_id]:focus").wait_for()
    keyboard.type(str(found["items"][0]["id"]))
    rating = page.locator("[id$=-rate_movie]")
    rating.get_by_role("button", name="Execute").click()
    status = rating.locator(".live-responses-table td.response-col_status").last
    assert status.inner_text().split()[0] == "201"
    assert page.evaluate("self.clicks") == 5


def test_log_in_reports_a_wrong_password_and_log_out_ends_the_session(docs):
    docs.sign_up("dora")
    docs.page.get_by_label("Username or e-mail").fill("dora")
    docs.page.get_by_role("textbox", name="Password").fill("not the password")
    docs.page.get_by_role("button", name="Log in", exact=True).click()
    docs.page.locator("header .error").wait_for()
    assert docs.page.get_by_role("textbox", name="Password").input_value() == ""
    docs.page.get_by_label("Username or e-mail").fill("")
    with docs.page.expect_response("**/v1/auth/login") as login:
        docs.log_in("dora")
    token = login.value.json()["access_token"]
    assert docs.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert docs.request("GET", "/v1/users/me", token=token)["username"] == "dora"
    with docs.page.expect_response("**/v1/auth/logout") as logout:
        docs.page.get_by_role("button", name="Log out", exact=True).click()
    assert logout.value.status == 204
    docs.wait_for_status("Logged out.")
    assert docs.execute("get_own_account")[0] == 401


def test_page_says_when_the_session_has_ended(docs):
    token = docs.sign_up("emma")
    docs.log_in("emma")
    change = {"current_password": PASSWORD, "password": PASSWORD + "!"}
    docs.request("PATCH", "/v1/users/me", change, token)
    assert docs.execute("get_own_account")[0] == 401
    docs.wait_for_status("The token has been revoked. Log in again.")
    assert docs.page.get_by_role("textbox", name="Password").is_visible()


def test_page_says_when_the_token_has_expired(docs, service_instance):
    key = (service_instance / "secret_key").read_text().strip()
    claims = jwt.decode(docs.sign_up("finn"), options={"verify_signature": False})
    docs.authorize(jwt.encode(claims | {"exp": claims["iat"] - 60}, key, "HS256"))
    docs.wait_for_status("The token has expired. Log in again.")


def test_authorize_asks_for_one_token(docs):
    docs.page.locator(".scheme-container button.authorize").click()
    docs.page.locator("#auth-bearer-value:focus").wait_for()
    assert docs.page.locator(".auth-container input").count() == 1


def test_common_errors_are_folded_behind_one_line(docs):
    docs.page.get_by_role("link", name="Rate it").click()
    statuses = docs.page.locator("[id$=-rate_movie] .responses-table tr.response > td.response-col_status")
    line = docs.page.locator("[id$=-rate_movie] .common-errors")
    line.wait_for()
    assert not {"400", "401", "422", "429", "503"} & set(statuses.all_inner_texts())
    line.click()
    assert {"404", "400", "401", "422", "429", "503"} <= set(statuses.all_inner_texts())


@pytest.mark.browser_matrix
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_no_operation_makes_the_page_wider_than_a_phone(docs, color_scheme):
    docs.page.emulate_media(color_scheme=color_scheme)
    docs.page.set_viewport_size({"width": 390, "height": 844})
    for operation in docs.page.locator(".opblock").all():
        summary = operation.locator(".opblock-summary-control").first
        summary.click()
        operation.locator(".responses-table").wait_for()
        width = docs.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, operation.get_attribute("id")
        summary.click()


def test_user_imports_a_file_after_a_dry_run_and_exports_ratings(docs, tmp_path):
    docs.authorize(docs.sign_up("bea"))
    docs.wait_for_status("Logged in as bea.")
    file = tmp_path / "ratings.csv"
    rows = (
        "2024-01-15,Amélie,2001,https://boxd.it/2aBc,4.5",
        "2024-01-16,Nowhere at all,1950,https://boxd.it/3,2",
    )
    file.write_text("\n".join(["Date,Name,Year,Letterboxd URI,Rating", *rows]))

    status, report = docs.upload("import_ratings", file, dry_run="true")
    assert status == 200
    assert (report["format"], report["dry_run"], report["created"]) == ("letterboxd", True, 1)
    assert [(row["line"], row["title"]) for row in report["unmatched"]] == [(3, "Nowhere at all")]
    docs.open()
    docs.log_in("bea")
    status, report = docs.upload("import_ratings", file, dry_run="false")
    assert (status, report["dry_run"], report["created"]) == (200, False, 1)

    taken = docs.download("export_ratings")
    assert taken.suggested_filename == "movierating.csv"
    assert (
        ",Amélie,Le fabuleux destin d'Amélie Poulain,2001,9,2024-01-15T00:00:00Z,1"
        in Path(taken.path()).read_text()
    )
    assert docs.hosts - {"data"} == {urlsplit(docs.address).netloc}
    assert docs.errors == []


def test_docs_page_has_the_color_scheme_of_the_system(docs):
    light, dark = "rgba(0, 0, 0, 0)", "rgb(28, 32, 34)"
    for scheme, background in (("light", light), ("dark", dark), ("light", light)):
        docs.page.emulate_media(color_scheme=scheme)
        docs.page.wait_for_function(
            "color => getComputedStyle(document.documentElement).backgroundColor === color", arg=background
        )
    assert docs.errors == []
