"""The layout of the pages on a phone and on a desktop."""

import re

import pytest
from playwright.sync_api import expect

from pages.browser.person import DESKTOP, NARROW, PHONE

pytestmark = pytest.mark.any_database


def list_navigation_lines(page):
    """Return the words of each line of the navigation."""
    lines: dict[float, list[str]] = {}
    for item in page.locator(".top nav > *").all():
        box = item.bounding_box()
        lines.setdefault(round(box["y"] + box["height"] / 2), []).append(item.inner_text().strip())
    return list(lines.values())


def test_navigation_on_a_phone_has_two_lines_with_the_account_on_the_second(person):
    ada, boss = person("nav", PHONE), person(None, PHONE)
    boss.log_in("boss")
    for viewport in (PHONE, NARROW):
        for browser, account in ((ada, ["nav", "Settings"]), (boss, ["boss", "Settings", "Admin"])):
            browser.page.set_viewport_size(viewport)
            pages = ["Movies", "For you", "Rate", "Import"]
            assert list_navigation_lines(browser.page) == [pages, [*account, "Log out"]]


def test_all_links_of_the_navigation_have_one_size(person):
    boss = person()
    boss.log_in("boss")
    for viewport in (DESKTOP, PHONE):
        boss.page.set_viewport_size(viewport)
        links = boss.page.locator(".top nav :is(a, button)").all()
        assert len(links) == 8
        assert len({link.evaluate("each => getComputedStyle(each).fontSize") for link in links}) == 1


def test_filters_are_folded_on_a_phone_and_shown_on_a_desktop(person):
    ada = person("filters", PHONE)
    ada.page.goto("/movies")
    year, own = ada.page.get_by_label("From"), ada.page.get_by_label("Yours", exact=True)
    expect(year).not_to_be_visible()
    ada.page.get_by_text("More filters").click()
    expect(own).to_be_visible()
    year.fill("1950")
    year.press("Enter")
    expect(ada.page).to_have_url(re.compile("year_from=1950"))
    expect(year).to_be_visible()
    ada.page.set_viewport_size(DESKTOP)
    ada.page.goto("/movies")
    expect(year).to_be_visible()
    expect(own).to_be_visible()
    expect(ada.page.get_by_text("More filters")).not_to_be_visible()
