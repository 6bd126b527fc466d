"""The docs page in a browser, as its readers use it."""

import json
import re
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Download, Locator, Page

PASSWORD = "otters play at dusk"


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
