"""Forms of other sites in a browser, over plain HTTP and a host name: there it sends no `Sec-Fetch-Site`."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

pytestmark = pytest.mark.any_database

PASSWORD = "otters play at dusk"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
# Browsers treat localhost and 127.0.0.1 as if they had HTTPS, but not other names.
RULES = "--host-resolver-rules=MAP *.example 127.0.0.1"
FORM = """<!DOCTYPE html><meta name="referrer" content="{policy}">
<form method="post" action="{address}"><button name="remove" value="1">Win a prize</button></form>"""


@pytest.fixture(scope="module")
def port(program, serve, copied, well_known_instance, tmp_path_factory) -> str:
    """The port of a service with the well-known movies."""
    program("chromium")
    service = serve(copied(well_known_instance, tmp_path_factory.mktemp("hosts") / "instance"))
    return service.url.rpartition(":")[2]


@pytest.fixture
def context(program, port) -> Iterator[BrowserContext]:
    """A browser in which ada is logged in at films.example and has rated a movie."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program("chromium"), args=[*FLAGS, RULES])
        with chromium.new_context(base_url=f"http://films.example:{port}") as opened:
            yield opened
        chromium.close()


def sign_up(page: Page, username: str) -> None:
    page.goto("/sign-up")
    page.get_by_label("Username").fill(username)
    page.get_by_label("E-mail").fill(f"{username}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.locator(".deck")).to_be_visible()


def send_from(context: BrowserContext, host: str, address: str, policy: str) -> Any:
    """Open a page of another host with a form that sends to `address`, send it, and return the response."""
    page = context.new_page()
    body = FORM.format(policy=policy, address=address)
    page.route(f"http://{host}/", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto(f"http://{host}/")
    with page.expect_response(address) as response:
        page.get_by_role("button").click()
    return response.value


def test_only_forms_of_the_own_pages_are_accepted(context, port):
    page, address = context.new_page(), f"http://films.example:{port}/movies/1/rating"
    sent = []
    context.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    sign_up(page, "ada")
    page.goto("/movies/1")
    page.locator(".rate label").nth(16).click()
    expect(page.locator("#own1")).to_have_text("8.5")
    # A subdomain is the same site, to which the browser sends the cookie.
    for host in ("films.example", "evil.films.example", "evil.example"):
        for policy in ("same-origin", "no-referrer", "unsafe-url"):
            response = send_from(context, host, address, policy)
            assert response.status == 403, (host, policy)
            assert "another site" in response.text()
    page.reload()
    expect(page.locator("#own1")).to_have_text("8.5")
    headers = [request.all_headers() for request in sent]
    assert len(headers) == 2 + 9
    assert [each for each in headers if "sec-fetch-site" in each] == []
    assert any("cookie" in each for each in headers[2:])
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
