"""A phone whose browser has text of twice the usual size."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from pages.browser.conftest import FLAGS
from pages.browser.person import PHONE

pytestmark = pytest.mark.any_database

# The keys whose number is wider than they are.
NARROW_KEYS = """steps => [...steps.querySelectorAll("label")].filter(
    key => key.querySelector("b").scrollWidth > key.clientWidth
).length"""


@pytest.fixture(scope="module")
def chromium(program) -> Iterator[Browser]:
    """Chromium with large text."""
    with sync_playwright() as playwright:
        flags = [*FLAGS, "--blink-settings=defaultFontSize=32"]
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=flags)
        yield browser
        browser.close()


def test_no_page_scrolls_sideways(person):
    boss = person(None, PHONE)
    boss.log_in("boss")
    boss.add_ratings("boss")
    for path in (
        *("/movies", "/movies?q=the", "/movies/1", "/movies/new", "/rate", "/for-you", "/people", "/import"),
        *("/people/boss", "/people/boss/ratings", "/settings", "/admin/users", "/admin/movies", "/nosuch"),
        *("/admin/invitations", "/admin/movies/1/merge?into=2"),
    ):
        boss.page.goto(path)
        width = boss.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], path


def test_keys_of_the_rating_are_as_wide_as_their_numbers(person):
    ada = person("largetext", PHONE)
    for path in ("/rate", "/movies/1"):
        ada.page.goto(path)
        assert ada.page.locator(".steps").evaluate(NARROW_KEYS) == 0, path
