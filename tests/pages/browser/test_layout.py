"""The layout of the pages on a phone and on a desktop."""

import re

import pytest
from playwright.sync_api import expect

from pages.browser.person import DESKTOP, NARROW, PHONE, TABLET, choose_file

pytestmark = pytest.mark.any_database


NEXT_FRAME = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
PLACES_OF_CHARACTERS = """each => {
    const range = document.createRange(), places = {x: [], y: []};
    for (let start = 0; start < each.firstChild.length; start++) {
        range.setStart(each.firstChild, start);
        range.setEnd(each.firstChild, start + 1);
        const {x, y} = range.getBoundingClientRect();
        places.x.push(x);
        places.y.push(y);
    }
    return places;
}"""
OBSERVE_SHIFTS = """() => {
    self.shift = 0;
    const observer = new PerformanceObserver(list => list.getEntries().forEach(each => self.shift += each.value));
    observer.observe({type: "layout-shift"});
}"""
LAYOUT_SHIFT = "new Promise(done => setTimeout(() => done(self.shift), 200))"


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


def test_page_stays_in_place_when_the_button_of_the_search_gets_the_focus(person):
    visitor = person()
    visitor.page.goto("/movies")
    heading, button = visitor.page.locator("h1"), visitor.page.locator(".find button")
    before = heading.bounding_box()
    button.focus()
    assert button.bounding_box()["width"] > 24
    assert heading.bounding_box() == before


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["1280", "390"])
def test_page_hardly_moves_when_the_font_arrives(person, eventually, viewport):
    visitor = person(None, viewport)
    page = visitor.page
    found = visitor.context.request.get("/v1/movies?q=the+dark+knight&year_from=2008").json()["items"]
    held = []
    page.route("**/newsreader.woff2*", lambda route: held.append(route))
    for path in ("/movies", f"/movies/{found[0]['id']}", "/people/boss", "/login"):
        page.goto(path, wait_until="domcontentloaded")
        page.evaluate(NEXT_FRAME)
        eventually(lambda: page.wait_for_timeout(10) or held)
        # What moves before, while a busy machine lays out a part of the page, is not due to the font.
        page.evaluate(OBSERVE_SHIFTS)
        held.pop().continue_()
        page.evaluate("document.fonts.ready.then(() => {})")
        assert page.evaluate("document.fonts.check('500 1em Newsreader')")
        page.evaluate(NEXT_FRAME)
        assert page.evaluate(LAYOUT_SHIFT) < 0.02, path


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


@pytest.mark.parametrize("path", ["/movies", "/people/boss/ratings"])
def test_filters_on_a_phone_take_two_lines(person, path):
    visitor = person(None, PHONE)
    visitor.page.goto(path)
    assert visitor.page.locator(".filters").bounding_box()["height"] < 120


def test_titles_have_most_of_the_row_in_lists_of_ratings(person):
    ada = person("titles")
    ada.add_ratings("titles")
    for viewport in (DESKTOP, TABLET, NARROW):
        ada.page.set_viewport_size(viewport)
        for path in ("/people/titles", "/people/titles/ratings"):
            ada.page.goto(path)
            row = ada.page.locator(".movies li").first
            row_width, title_width = (each.bounding_box()["width"] for each in (row, row.locator(".name")))
            assert title_width > row_width / 2, (path, viewport)


def test_poster_of_a_long_title_shows_director_and_year(person):
    ada = person("poster")
    ada.page.goto(f"/movies/new?title={'a long title ' * 30}")
    ada.page.get_by_label("Year").fill("1950")
    ada.page.get_by_role("textbox", name="Directors", exact=True).fill("a director " * 12)
    ada.add_movie()
    ada.page.locator(".rate label").nth(15).click()
    expect(ada.page.get_by_role("button", name="Undo")).to_be_visible()
    for path in (ada.page.url, "/people/poster"):
        for viewport in (DESKTOP, PHONE, NARROW):
            ada.page.set_viewport_size(viewport)
            ada.page.goto(path)
            poster = ada.page.locator(".poster").first.bounding_box()
            director, year = (ada.page.locator(f".poster .{each}").first.bounding_box() for each in "sy")
            assert director["y"] + director["height"] <= year["y"], (path, viewport)
            assert year["y"] + year["height"] < poster["y"] + poster["height"], (path, viewport)
            lines = ada.page.locator(".poster .t").first.evaluate(
                "each => each.clientHeight / parseFloat(getComputedStyle(each).lineHeight)"
            )
            assert lines == pytest.approx(round(lines), abs=0.07), (path, viewport)


def test_year_stands_after_a_title_that_is_written_from_right_to_left(person):
    ada = person("arabic")
    ada.page.goto("/movies/new?title=جدایی نادر از سیمین")
    ada.page.get_by_label("Year").fill("2011")
    ada.add_movie()
    title, year = (ada.page.locator(f"h1 {each}").bounding_box() for each in ("cite", "small"))
    assert title["x"] + title["width"] <= year["x"]


def test_titles_that_are_written_from_right_to_left_end_on_the_left_and_stay_in_order(person):
    boss, others = person(), ("جدایی", "نادر")
    boss.log_in("boss")
    boss.page.goto("/movies/new?title=سیمین!")
    boss.page.get_by_label("Year").fill("2012")
    boss.page.get_by_role("textbox", name="Alternative titles").fill("\n".join(others))
    boss.add_movie()
    movie = boss.page.url
    for path, selector in ((movie, "h1 cite"), (movie, ".poster .t"), ("/movies?q=سیمین", ".name cite")):
        boss.page.goto(path)
        first, *_, mark = boss.page.locator(selector).first.evaluate(PLACES_OF_CHARACTERS)["x"]
        assert mark < first, selector
    boss.page.goto(movie)
    one, two = (boss.page.get_by_text(title, exact=True).bounding_box() for title in others)
    assert one["x"] < two["x"]


def test_long_name_leaves_the_navigation_on_one_line_beside_the_search(person):
    ada = person("longnav")
    ada.page.goto("/settings")
    ada.page.get_by_label("Your name, as others see it").fill("a long name " * 8)
    ada.page.get_by_role("button", name="Change name").click()
    expect(ada.page.locator(".me")).to_contain_text("a long name")
    ada.page.wait_for_load_state()
    assert len(list_navigation_lines(ada.page)) == 1
    search, settings = (ada.page.locator(f".top {each}").bounding_box() for each in (".find", "nav .me + a"))
    assert abs(search["y"] + search["height"] / 2 - settings["y"] - settings["height"] / 2) < 5


def test_email_beside_a_long_name_has_one_line(person):
    ada, boss = person("longnamed"), person()
    boss.log_in("boss")
    ada.page.goto("/settings")
    ada.page.get_by_label("Your name, as others see it").fill("x" * 100)
    ada.page.get_by_role("button", name="Change name").click()
    expect(ada.page.locator("h2 + form .done").first).to_be_visible()
    boss.page.goto("/admin/users?q=longnamed")
    assert len(set(boss.page.locator(".mail").evaluate(PLACES_OF_CHARACTERS)["y"])) == 1


def test_filters_are_applied_at_once_by_a_mouse_but_not_by_each_arrow_key(person):
    visitor = person()
    visitor.page.goto("/movies")
    genre = visitor.page.get_by_label("Genre")
    genre.focus()
    for _ in range(3):
        visitor.page.keyboard.press("ArrowDown")
    expect(genre).to_have_value("Animation")
    expect(visitor.page).to_have_url("/movies")
    # Chromium shows the options in a window of the system, which a test cannot click.
    genre.dispatch_event("pointerdown")
    genre.select_option("Drama")
    expect(visitor.page).to_have_url(re.compile("genre=Drama"))


def test_a_name_of_one_long_word_does_not_make_a_page_scroll_sideways(person):
    ada, boss, word = person("longname", NARROW), person(None, NARROW), "x" * 100
    boss.log_in("boss")
    ada.page.goto("/settings")
    ada.page.get_by_label("Your name, as others see it").fill(word)
    ada.page.get_by_role("button", name="Change name").click()
    expect(ada.page.locator(".me")).to_have_text(word)
    ada.page.goto(f"/movies/new?title={word * 3}")
    ada.page.get_by_label("Year").fill("1950")
    ada.page.get_by_role("textbox", name="Directors", exact=True).fill(word)
    ada.add_movie()
    ada.page.locator(".rate label").nth(15).click()
    expect(ada.page.get_by_role("button", name="Undo")).to_be_visible()
    movie = ada.page.url
    choose_file(ada.page, f"title,year,value\n{word},1950,8\n".encode(), f"{word}.csv")
    ada.page.get_by_role("button", name="Check this file").click()
    expect(ada.page.get_by_role("heading", level=1)).to_contain_text(word)
    check = ada.page.url
    for viewer, path in (
        *((ada, path) for path in (check, f"{check}&preview=1", "/import", "/movies?q=xxx", movie)),
        *((boss, path) for path in ("/people/longname", "/people/longname/ratings", "/admin/users")),
        *((boss, f"{movie}/{form}") for form in ("edit", "delete")),
        (boss, movie.replace("/movies", "/admin/movies") + "/merge"),
    ):
        for viewport in (NARROW, TABLET, DESKTOP):
            viewer.page.set_viewport_size(viewport)
            viewer.page.goto(path)
            width = viewer.page.evaluate("document.documentElement.scrollWidth")
            assert width <= viewport["width"], (path, viewport)
