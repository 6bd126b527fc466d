"""A service with its pages, Chromium, and people who use them."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from pages.browser.person import DESKTOP, PASSWORD, Person

# Long enough for a busy machine.
expect.set_options(timeout=30_000)
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="session")
def service(program, serve, copied, environ, well_known_instance, tmp_path_factory) -> Any:
    """A service with the well-known movies, and the admin `boss`."""
    program("chromium")
    folder = copied(well_known_instance, tmp_path_factory.mktemp("pages") / "instance")
    command = [sys.executable, "-m", "movierating", "user", "create", "boss", "boss@example.org"]
    options = ["--admin", "--password-stdin"]
    subprocess.run([*command, *options], env=environ(folder), input=PASSWORD, text=True, check=True)
    return serve(folder)


@pytest.fixture(scope="module")
def chromium(program) -> Iterator[Browser]:
    # Before Playwright's driver starts: it needs libraries that come with Chromium.
    path = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def person(chromium, service) -> Iterator[Any]:
    """`person("ada", viewport=PHONE)` opens a browser and signs up; the log must be empty at the end."""
    opened = []

    def open_browser(username: str | None = None, viewport: Any = DESKTOP, **options: Any) -> Person:
        context = chromium.new_context(base_url=service.url, viewport=viewport, **options)
        context.set_default_timeout(30_000)
        opened.append(Person(context, context.new_page()))
        opened[-1].page.on("console", opened[-1].listen)
        opened[-1].page.on("pageerror", lambda error: opened[0].errors.append(str(error)))
        if username is not None:
            opened[-1].sign_up(username)
        return opened[-1]

    yield open_browser
    for each in opened:
        each.context.close()
    assert [error for each in opened for error in each.errors] == []
