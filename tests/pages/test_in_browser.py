"""The pages in a browser: by mouse, keys and touch, without JavaScript, and offline."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

pytestmark = pytest.mark.any_database

PASSWORD = "otters play at dusk"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
DESKTOP, PHONE, NARROW = ({"width": width, "height": 850} for width in (1280, 390, 320))


@pytest.fixture(scope="module")
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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=FLAGS)
        yield browser
        browser.close()


VIEWPORTS = pytest.mark.parametrize("viewport", [DESKTOP, PHONE, NARROW], ids=["1280", "390", "320"])
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Person:
    """A browser of one person, and the errors that it logged."""

    context: BrowserContext
    page: Page
    errors: list[str] = field(default_factory=list)

    def listen(self, message: ConsoleMessage) -> None:
        # Chromium logs the status of a page for an error.
        is_error_page = re.search("status of (404|422)", message.text)
        if message.type in ("error", "warning") and not is_error_page:
            self.errors.append(message.text)

    def sign_up(self, username: str) -> None:
        self.page.goto("/sign-up")
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("E-mail").fill(f"{username}@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign up").click()
        expect(self.page).to_have_url("/rate")

    def log_in(self, username: str) -> None:
        self.page.goto("/login")
        self.page.get_by_label("Username or e-mail").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page).to_have_url("/movies")

    def add_ratings(self, username: str) -> None:
        """Rate the first movies of the chart through the API, in several months."""
        api = self.context.request
        session = api.post("/v1/auth/login", data={"login": username, "password": PASSWORD}).json()
        movies = api.get("/v1/movies?limit=60").json()["items"]
        ratings = [
            {
                "movie_id": movie["id"],
                "value": (20 - number**2 % 17) / 2,
                "rated_at": f"2024-{1 + number % 9:02}-15T20:00:00Z",
            }
            for number, movie in enumerate(movies)
        ]
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        response = api.post("/v1/users/me/ratings", data={"ratings": ratings}, headers=headers)
        assert response.ok, response.text()

    def find_violations(self, path: str | None = None, name: str = "") -> list[tuple[str, ...]]:
        """Open a page, if there is a path, and return what breaks a rule of accessibility, in light and dark.

        Images of the whole page are kept in build/screenshots, to be looked at.
        """
        if path is not None:
            self.page.goto(path)
        name = re.sub(r"\W+", "-", name or path or self.page.title()).strip("-")
        violations = []
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self._take_screenshot(f"{name}-{self.page.viewport_size['width']}-{scheme}.png")
            results = Axe().run(self.page, options={"runOnly": {"type": "tag", "values": RULES}})
            for each in results.response["violations"]:
                violations.append((scheme, each["id"], each["nodes"][0]["html"]))
        return violations

    def _take_screenshot(self, file: str) -> None:
        if self.page.viewport_size != NARROW:
            self.page.screenshot(path=SCREENSHOTS / file, full_page=True, animations="disabled")

    def get_own(self, row: int = 0) -> Any:
        return self.page.locator(".movies .own").nth(row)


@pytest.fixture
def person(chromium, service) -> Iterator[Any]:
    """`person("ada", viewport=PHONE)` opens a browser and signs up; the log must be empty at the end."""
    opened = []

    def open_browser(username: str | None = None, viewport: Any = DESKTOP, **options: Any) -> Person:
        context = chromium.new_context(base_url=service.url, viewport=viewport, **options)
        context.set_default_timeout(20_000)
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


def test_click_saves_the_rating_and_undo_removes_it(person):
    ada = person("mouse")
    ada.page.goto("/movies")
    ada.page.locator(".movies .rate").first.locator("label").nth(16).click()
    expect(ada.page.locator("#notice")).to_contain_text("8.5")
    expect(ada.get_own()).to_have_text("8.5")
    ada.page.reload()
    expect(ada.get_own()).to_have_text("8.5")
    ada.page.locator(".movies .drop").first.click()
    expect(ada.page.locator("#notice")).to_contain_text("is removed")
    ada.page.locator("#notice button").click()
    expect(ada.get_own()).to_have_text("8.5")
    expect(ada.page).to_have_url("/movies")


def test_keys_move_the_choice_and_only_enter_or_leaving_saves(person):
    ada = person("keys")
    ada.page.goto("/movies")
    radio = ada.page.locator(".movies .rate").first.locator("input[type=radio]").first
    radio.focus()
    ada.page.keyboard.press("7")
    ada.page.keyboard.press("ArrowRight")
    expect(ada.get_own()).not_to_have_text("7.5")
    ada.page.keyboard.press("Escape")
    ada.page.keyboard.press("Tab")
    expect(ada.page.locator("#notice")).to_be_empty()
    radio.focus()
    ada.page.keyboard.press("9")
    ada.page.keyboard.press("Enter")
    expect(ada.get_own()).to_have_text("9")


def test_phone_rates_in_a_sheet_at_the_bottom(person):
    ada = person("touch", PHONE, has_touch=True)
    ada.page.goto("/movies")
    button = ada.page.locator(".movies .open").first
    button.tap()
    form = ada.page.locator(".rate:popover-open")
    expect(form).to_be_visible()
    form.locator("label").nth(13).tap()
    expect(form).to_have_count(0)
    expect(button).to_contain_text("7")


def test_without_javascript_a_rating_is_chosen_and_saved(person):
    ada = person("nojs", java_script_enabled=False)
    ada.page.goto("/movies")
    ada.page.locator(".movies .rate").first.locator("label").nth(9).click()
    ada.page.locator(".movies .save").first.click()
    expect(ada.page.locator("#notice")).to_contain_text("5")
    expect(ada.get_own()).to_have_text("5")
    ada.page.get_by_role("button", name="Undo").click()
    expect(ada.get_own()).not_to_have_text("5")


def test_rating_that_cannot_be_sent_is_put_back(person):
    ada = person("offline")
    ada.page.goto("/movies")
    ada.context.set_offline(True)
    ada.page.locator(".movies .rate").first.locator("label").nth(16).click()
    expect(ada.page.locator("#notice")).to_contain_text("not saved")
    assert ada.page.locator(".movies .rate").first.locator(":checked").count() == 0
    ada.errors.clear()


def test_rating_after_a_logout_in_another_tab_leads_to_the_login(person):
    ada = person("tabs")
    ada.page.goto("/movies")
    other = ada.context.new_page()
    other.goto("/movies")
    other.get_by_role("button", name="Log out").click()
    ada.page.locator(".movies .rate").first.locator("label").nth(16).click()
    expect(ada.page.get_by_role("heading", name="Log in")).to_be_visible()


def test_rating_one_movie_after_another(person):
    ada = person("next")
    first = ada.page.locator("h1").inner_text()
    ada.page.locator(".deck label").nth(15).click()
    expect(ada.page.locator(".skipper")).to_contain_text("1 rated so far")
    second = ada.page.locator("h1").inner_text()
    assert second != first
    ada.page.get_by_role("button", name="seen it").click()
    expect(ada.page.locator("h1")).not_to_have_text(second)


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


@VIEWPORTS
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
    for path in ("/movies", "/movies/1", "/login?changed=password", "/sign-up", "/nosuch"):
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


RATINGS = (
    b"title,year,value\nThe Godfather,1972,9\nThe Godfather,1973,8\nNo Such Film,1990,7\nHeat,1995,many\n"
)
UNKNOWN = b"Film;Jahr;Sterne\nThe Godfather;1972;4,5\nA Film to Add;1990;3\n"


def choose(page, content, name="ratings.csv"):
    page.goto("/import")
    page.get_by_label("File with your ratings").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )


def test_file_is_uploaded_with_progress_checked_and_imported(person):
    ada = person("import")
    choose(ada.page, RATINGS)
    uploads = []
    ada.page.route("**/import", lambda route: uploads.append(route))
    button = ada.page.get_by_role("button", name="Check this file")
    button.click()
    expect(ada.page.get_by_role("progressbar")).to_be_visible()
    expect(button).to_be_disabled()
    uploads[0].continue_()
    ada.page.unroute("**/import")
    expect(ada.page.get_by_role("heading", name="4 rows in ratings.csv")).to_be_visible()
    ada.page.get_by_label("Movie for The Godfather 1973").select_option(index=1)
    ada.page.get_by_role("button", name="Check again with these choices").click()
    expect(ada.page.get_by_text("1 row is settled by your choice.")).to_be_visible()
    with ada.page.expect_download() as download:
        ada.page.get_by_role("button", name="All rows as CSV").click()
    assert download.value.path().read_text().count("\n") == 5
    ada.page.get_by_role("button", name="Import 1 rating").click()
    expect(ada.page.get_by_role("heading", name="1 rating is imported")).to_be_visible()
    ada.page.get_by_role("link", name="See your profile").click()
    expect(ada.page.locator(".sums")).to_contain_text("1")


def test_without_javascript_columns_are_named_and_the_file_imported(person):
    ada = person("importnojs", java_script_enabled=False)
    choose(ada.page, UNKNOWN)
    ada.page.get_by_role("button", name="Check this file").click()
    for label, column in (("Title", "Film"), ("Year", "Jahr"), ("Rating", "Sterne")):
        ada.page.get_by_label(label, exact=True).select_option(column)
    ada.page.get_by_role("button", name="Show how it is read").click()
    expect(ada.page.get_by_role("row", name="The Godfather")).to_contain_text("9")
    ada.page.get_by_role("button", name="Check this file").click()
    ada.page.get_by_label("Add all of them").check()
    ada.page.get_by_role("button", name="Import 1 rating").click()
    expect(ada.page.get_by_role("heading", name="2 ratings are imported")).to_be_visible()


def test_file_that_does_not_arrive_can_be_sent_again(person):
    ada = person("importoffline")
    choose(ada.page, RATINGS)
    ada.context.set_offline(True)
    button = ada.page.get_by_role("button", name="Check this file")
    button.click()
    expect(ada.page.get_by_role("alert")).to_have_text("The file did not arrive. Try again.")
    ada.context.set_offline(False)
    button.click()
    expect(ada.page.get_by_role("heading", name="4 rows in ratings.csv")).to_be_visible()
    choose(ada.page, b"x" * (16 * 2**20 + 1))
    button.click()
    expect(ada.page.get_by_role("alert")).to_have_text("The file is larger than 16 MB.")
    ada.errors.clear()


@VIEWPORTS
def test_steps_of_an_import_are_accessible_and_fit(person, viewport):
    ada = person(f"importaxe{viewport['width']}", viewport)

    def check_page(heading):
        expect(ada.page.get_by_role("heading", level=1)).to_contain_text(heading)
        assert (heading, ada.find_violations(name=f"import-{heading}")) == (heading, [])
        assert ada.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], heading

    choose(ada.page, UNKNOWN)
    check_page("Import your ratings")
    ada.page.get_by_role("button", name="Check this file").click()
    check_page("Name the columns")
    choose(ada.page, RATINGS)
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
