"""Accessibility and width of every page, on three screens, light and dark: `make test-browser`."""

import re

import pytest
from playwright.sync_api import expect

from pages.browser.person import DESKTOP, NARROW, PHONE, RATINGS, TABLET, UNKNOWN, choose_file

pytestmark = [pytest.mark.any_database, pytest.mark.browser_matrix]

VIEWPORTS = pytest.mark.parametrize("viewport", [DESKTOP, PHONE, NARROW], ids=["1280", "390", "320"])


@pytest.mark.parametrize("viewport", [DESKTOP, TABLET, PHONE, NARROW], ids=["1280", "800", "390", "320"])
def test_no_page_scrolls_sideways(person, viewport):
    name = f"width{viewport['width']}"
    ada = person(name, viewport)
    ada.page.locator(".deck label").nth(15).click()
    expect(ada.page.locator(".skipper")).to_contain_text("1 rated")
    movie = "/movies/1"
    for path in (
        "/movies",
        "/movies?q=the",
        movie,
        "/movies/new",
        "/for-you",
        "/people",
        "/rate",
        f"/people/{name}",
        f"/people/{name}/ratings",
    ):
        ada.page.goto(path)
        width = ada.page.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"], path
    visitor = person(None, viewport)
    for path in ("/movies", "/login", "/sign-up"):
        visitor.page.goto(path)
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path


@VIEWPORTS
def test_pages_are_accessible(person, viewport):
    username = f"axe{viewport['width']}"
    ada = person(username, viewport)
    assert ada.find_violations(f"/people/{username}", "person-without-ratings") == []
    ada.add_ratings(username)
    ada.page.goto("/rate")
    ada.page.locator(".deck label").nth(15).click()
    expect(ada.page.locator(".skipper")).to_contain_text("61 rated")
    assert ada.find_violations(name="rate-saved") == []
    for path in (
        *("/movies", "/movies?q=zzzz", "/movies?year_from=x", "/movies/1", "/movies/new", "/settings"),
        *("/for-you", "/people"),
    ):
        assert (path, ada.find_violations(path)) == (path, [])
    for path, name in ((f"/people/{username}", "person"), (f"/people/{username}/ratings", "person-ratings")):
        assert (path, ada.find_violations(path, name)) == (path, [])
    if viewport is not DESKTOP:
        ada.page.goto("/movies")
        ada.page.locator(".open").first.click()
        assert ada.find_violations(name="movies-sheet") == []


@VIEWPORTS
def test_pages_for_visitors_are_accessible(person, viewport):
    visitor = person(None, viewport)
    for path in ("/movies", "/movies/1", "/login", "/sign-up", "/nosuch"):
        assert (path, visitor.find_violations(path, f"visitor-{path}")) == (path, [])
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
    visitor.page.goto("/sign-up")
    visitor.page.locator("form.card").evaluate("form => form.noValidate = true")
    visitor.page.get_by_role("button", name="Sign up").click()
    expect(visitor.page).to_have_title(re.compile("^Error: "))
    assert visitor.find_violations(name="visitor-sign-up-rejected") == []


@VIEWPORTS
def test_admin_pages_are_accessible_and_do_not_scroll_sideways(person, viewport):
    boss = person(None, viewport)
    boss.log_in("boss")
    paths = [
        *("/movies/1/edit", "/movies/1/delete", "/admin/movies/1/merge", "/admin/movies/1/merge?into=2"),
        *("/admin/users", "/admin/movies?q=the", "/admin/duplicates", "/admin/invitations"),
    ]
    for path in paths:
        assert (path, boss.find_violations(path)) == (path, [])
        assert boss.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
    boss.page.get_by_role("button", name="Create invitation").click()
    expect(boss.page.locator("#new-link")).to_contain_text("/invite/")
    assert boss.find_violations(name="admin-invitation-created") == []
    assert boss.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


@VIEWPORTS
def test_steps_of_an_import_are_accessible_and_fit(person, viewport):
    ada = person(f"importaxe{viewport['width']}", viewport)

    def check_page(heading):
        expect(ada.page.get_by_role("heading", level=1)).to_contain_text(heading)
        assert (heading, ada.find_violations(name=f"import-{heading}")) == (heading, [])
        assert ada.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], heading

    choose_file(ada.page, UNKNOWN)
    check_page("Import your ratings")
    ada.page.get_by_role("button", name="Check this file").click()
    check_page("Name the columns")
    choose_file(ada.page, RATINGS)
    ada.page.get_by_role("button", name="Check this file").click()
    check_page("4 rows in ratings.csv")
    ada.page.get_by_role("button", name="Import 1 rating").click()
    check_page("1 rating is imported")


@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "dark"), (NARROW, "light")], ids=["1280", "320"])
def test_comparison_of_two_people_is_accessible_and_fits(person, viewport, scheme):
    names = [f"{each}{viewport['width']}" for each in ("one", "two")]
    ada, bob = (person(name, viewport, color_scheme=scheme) for name in names)
    for each in (ada, bob):
        each.page.locator(".deck label").nth(15).click()
        expect(each.page.locator(".skipper")).to_contain_text("1 rated")
    ada.page.goto(f"/people/{names[1]}")
    ada.page.get_by_role("link", name="Compare with your ratings").click()
    expect(ada.page.locator(".compared li")).to_have_count(1)
    assert ada.find_violations() == []
    assert ada.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
