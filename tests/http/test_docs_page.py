"""The docs page in a browser."""

import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Download, Locator, Page, sync_playwright

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
        self.page.goto(self.address)
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

    def authorize(self, scheme: str, token: str) -> None:
        self.page.locator(".scheme-container button.authorize").click()
        box = self.page.locator(".auth-container", has_text=f"{scheme} (http, Bearer)")
        box.locator("input").fill(token)
        box.get_by_role("button", name="Apply credentials").click()
        self.page.locator(".modal-ux .close-modal").click()


@pytest.fixture(scope="module")
def service(program, serve, copied, well_known_instance, tmp_path_factory) -> Any:
    """A service with the well-known movies."""
    program("chromium")
    return serve(copied(well_known_instance, tmp_path_factory.mktemp("docs") / "instance"))


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
    status, tokens = docs.execute("log_in", {"login": "ada", "password": PASSWORD})
    assert status == 200
    docs.authorize("bearer", tokens["access_token"])
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


def test_user_imports_a_file_after_a_dry_run_and_exports_ratings(docs, tmp_path):
    docs.execute("sign_up", {"username": "bea", "email": "bea@example.org", "password": PASSWORD})
    _, tokens = docs.execute("log_in", {"login": "bea", "password": PASSWORD})
    docs.authorize("bearer", tokens["access_token"])
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
    docs.authorize("bearer", tokens["access_token"])
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
