"""A person at a browser, and what they send."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

PASSWORD = "otters play at dusk"
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"
DESKTOP, TABLET, PHONE, NARROW = ({"width": width, "height": 850} for width in (1280, 800, 390, 320))
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RATINGS = (
    b"title,year,value\nThe Godfather,1972,9\nThe Godfather,1973,8\nNo Such Film,1990,7\nHeat,1995,many\n"
)
UNKNOWN = b"Film;Jahr;Sterne\nThe Godfather;1972;4,5\nA Film to Add;1990;3\n"


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
        # Also until the page is loaded: its script saves a rating that is chosen.
        self.page.wait_for_url("/rate")

    def log_in(self, username: str) -> None:
        self.page.goto("/login")
        self.page.get_by_label("Username or e-mail").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("/movies")

    def add_movie(self) -> None:
        """Send the form of a new movie, and wait until the movie's page is loaded."""
        self.page.get_by_role("button", name="Add movie").click()
        self.page.wait_for_url(re.compile(r"/movies/\d+$"))

    def add_ratings(self, username: str, count: int = 60) -> None:
        """Rate the first movies of the chart through the API, in several months."""
        api = self.context.request
        session = api.post("/v1/auth/login", data={"login": username, "password": PASSWORD}).json()
        movies = api.get(f"/v1/movies?limit={count}").json()["items"]
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


def choose_file(page, content, name="ratings.csv"):
    page.goto("/import")
    page.get_by_label("File with your ratings").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )
