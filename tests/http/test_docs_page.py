"""The docs page in a browser."""

import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from playwright.sync_api import ConsoleMessage, Download, Locator, Page, sync_playwright

pytestmark = pytest.mark.any_database

PASSWORD = "otters play at dusk"
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


@dataclass
class Docs:
    """The docs page in a browser, and what the browser did for it."""

    page: Page
    address: str
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc or "data"))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._listen)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def open(self) -> None:
        self.page.goto(f"{self.address}/docs")
        self.page.locator(".information-container h1, .information-container h2").first.wait_for()

    def execute(self, operation: str, body: Any = None, **parameters: str) -> tuple[int, Any]:
        """Fill in an operation's form, press "Execute", and read the response that the page shows: status, body."""
        block = self._opened(operation)
        if body is not None:
            block.locator("textarea.body-param__text").fill(json.dumps(body))
        for name, value in parameters.items():
            block.locator(f"tr[data-param-name={name}] input").fill(value)
        return self._read_response(block)

    def upload(self, operation: str, file: Path, **choices: str) -> tuple[int, Any]:
        """Execute an operation with a file; `choices` are options of the query selects."""
        block = self._opened(operation)
        block.locator("input[type=file]").set_input_files(file)
        for name, value in choices.items():
            block.locator(f"tr[data-param-name={name}] select").select_option(value)
        return self._read_response(block)

    def download(self, operation: str) -> Download:
        """Press "Execute", and follow the link that the page shows for a response that is a file."""
        block = self._opened(operation)
        block.get_by_role("button", name="Execute").click()
        with self.page.expect_download() as expected:
            block.locator(".live-responses-table a[download]").click()
        return expected.value

    def _opened(self, operation: str) -> Locator:
        block = self.page.locator(f"[id^=operations-][id$=-{operation}]")
        block.locator(".opblock-summary-control").first.click()
        return block

    def _read_response(self, block: Locator) -> tuple[int, Any]:
        block.get_by_role("button", name="Execute").click()
        response = block.locator(".live-responses-table")
        status = int(response.locator("tr.response td.response-col_status").inner_text().split()[0])
        text = response.locator("tr.response .highlight-code code").first.inner_text()
        return status, json.loads(text)

    def log_in(self, username: str) -> None:
        self.page.get_by_label("Username or e-mail").click()
        self.page.keyboard.type(username)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(PASSWORD)
        self.page.keyboard.press("Enter")
        self.wait_for_status(f"Logged in as {username}.")

    def wait_for_status(self, text: str) -> None:
        self.page.get_by_role("status").filter(has_text=re.compile(f"^{re.escape(text)}$")).wait_for()

    def authorize(self, token: str) -> None:
        self.page.locator(".scheme-container button.authorize").click()
        self.page.locator("#auth-bearer-value:focus").wait_for()
        self.page.keyboard.type(token)
        self.page.keyboard.press("Enter")
        self.page.locator(".modal-ux .close-modal").click()

    def request(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        """Send a request without the browser. Return the JSON of the response."""
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def sign_up(self, username: str) -> str:
        """Create an account without the browser. Return an access token."""
        account = {"username": username, "email": f"{username}@example.org", "password": PASSWORD}
        self.request("POST", "/v1/users", account)
        tokens = self.request("POST", "/v1/auth/login", {"login": username, "password": PASSWORD})
        return str(tokens["access_token"])


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
        browser.set_default_timeout(20_000)
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
    assert taken.suggested_filename == "movierating-csv.csv"
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
