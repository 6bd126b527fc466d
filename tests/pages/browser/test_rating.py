"""Rating by mouse, keys and touch, without JavaScript, and offline."""

import pytest
from playwright.sync_api import expect

from pages.browser.person import NARROW, PHONE, TABLET

pytestmark = pytest.mark.any_database


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


def test_click_changes_the_latest_ratings_of_the_movie_like_a_reload(person):
    ada = person("latest")
    ada.page.goto("/movies")
    ada.page.locator(".movies cite").first.click()
    own = ada.page.locator(".raters li").filter(has_text="latest")
    for step, value in ((16, "8.5"), (9, "5")):
        ada.page.locator(".rate.big label").nth(step).click()
        expect(own.locator("b")).to_have_text(value)
    latest = ada.page.locator(".raters").inner_text()
    ada.page.reload()
    expect(ada.page.locator(".raters")).to_have_text(latest, use_inner_text=True)
    ada.page.get_by_role("button", name="Remove your rating").click()
    expect(own).to_have_count(0)


def test_click_before_the_script_runs_is_saved_once_it_does(person, eventually):
    ada = person("early")
    held = []
    ada.page.route("**/rate.js*", lambda route: held.append(route))
    ada.page.goto("/movies", wait_until="commit")
    ada.page.locator(".movies .rate").first.locator("label").nth(16).click()
    eventually(lambda: ada.page.wait_for_timeout(10) or held)
    held.pop().continue_()
    expect(ada.page.locator("#notice")).to_contain_text("8.5")
    expect(ada.get_own()).to_have_text("8.5")
    expect(ada.get_own(1)).not_to_have_text("8.5")


def test_double_click_saves_once_so_that_undo_restores_the_former_state(person):
    ada = person("doubleclick")
    ada.page.goto("/movies")
    ada.page.locator(".movies .rate").first.locator("label").nth(16).hover()
    for count in (1, 2):
        ada.page.mouse.down(click_count=count)
        ada.page.mouse.up(click_count=count)
        # The first response has arrived: the service would take the second as a change from 8.5 to 8.5.
        expect(ada.get_own()).to_have_text("8.5")
    ada.page.wait_for_load_state("networkidle")
    ada.page.get_by_role("button", name="Undo").click()
    expect(ada.get_own()).not_to_have_text("8.5")


def test_last_of_two_choices_is_saved_even_if_the_first_is_slow(person):
    ada = person("twochoices")
    ada.page.goto("/movies")
    held = []
    ada.page.route("**/rating", lambda route: route.continue_() if held else held.append(route))
    steps = ada.page.locator(".movies .rate").first.locator("label")
    steps.nth(9).click()
    steps.nth(15).click()
    # Another movie does not wait.
    ada.page.locator(".movies .rate").nth(1).locator("label").nth(13).click()
    expect(ada.get_own(1)).to_have_text("7")
    held[0].continue_()
    expect(ada.get_own()).to_have_text("8")
    ada.page.reload()
    expect(ada.get_own()).to_have_text("8")


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


@pytest.mark.parametrize("viewport", [TABLET, NARROW], ids=["800", "320"])
def test_each_key_shows_its_number_and_is_large_enough_to_touch(person, viewport):
    ada = person(f"keys{viewport['width']}", viewport, has_touch=True)
    for path in ("/movies", "/movies/1", "/rate"):
        ada.page.goto(path)
        if path == "/movies":
            ada.page.locator(".movies .open").first.tap()
        keys = ada.page.locator(".rate:popover-open label, .rate.big label")
        expect(keys).to_have_count(20)
        for key in keys.all():
            size = key.bounding_box()
            assert size["width"] >= 32, path
            assert size["height"] >= 40, path
            expect(key.locator("b")).to_have_css("opacity", "1")


def test_own_rating_is_visible_in_forced_colours(person):
    # Without motion, a colour does not change step by step.
    ada = person("forced", forced_colors="active", reduced_motion="reduce")
    colour = "each => getComputedStyle(each, '::before').backgroundColor"
    for path in ("/movies", "/movies/1"):
        ada.page.goto(path)
        steps = ada.page.locator(".rate").first.locator(".steps label")
        unrated = steps.first.evaluate(colour)
        steps.nth(9).click()
        expect(ada.get_own() if path == "/movies" else ada.page.locator("#own1")).to_have_text("5")
        assert steps.first.evaluate(colour) != unrated
        assert steps.last.evaluate(colour) == unrated


def test_notice_of_a_long_title_has_a_few_lines_and_its_button(person):
    ada = person("longnotice", PHONE)
    ada.page.goto(f"/movies/new?title={'a long title ' * 30}")
    ada.page.get_by_label("Year").fill("1951")
    ada.add_movie()
    ada.page.locator(".rate label").nth(15).click()
    undo, notice = ada.page.get_by_role("button", name="Undo"), ada.page.locator(".notice")
    expect(notice).to_contain_text("8")
    assert notice.bounding_box()["height"] < 120
    assert undo.bounding_box()["x"] + undo.bounding_box()["width"] < PHONE["width"]


def test_without_javascript_a_rating_is_chosen_and_saved(person):
    ada = person("nojs", java_script_enabled=False)
    ada.page.goto("/movies")
    ada.page.locator(".movies .rate").first.locator("label").nth(9).click()
    ada.page.locator(".movies .save").first.click()
    expect(ada.page.locator("#notice")).to_contain_text("5")
    expect(ada.get_own()).to_have_text("5")
    ada.page.get_by_role("button", name="Undo").click()
    expect(ada.get_own()).not_to_have_text("5")


def test_without_javascript_a_phone_rates_one_movie_after_another(person):
    ada = person("nojsphone", PHONE, java_script_enabled=False)
    ada.page.locator(".deck label").nth(15).click()
    ada.page.get_by_role("button", name="Save").click()
    expect(ada.page.locator(".skipper")).to_contain_text("1 rated so far")


def test_rating_that_cannot_be_sent_is_put_back(person):
    ada = person("offline")
    ada.page.goto("/movies")
    ada.context.set_offline(True)
    ada.page.locator(".movies .rate").first.locator("label").nth(16).click()
    expect(ada.page.locator("#notice")).to_contain_text("not saved")
    assert ada.page.locator(".movies .rate").first.locator(":checked").count() == 0
    ada.errors.clear()


def test_sheet_of_a_phone_does_not_cover_the_notice_that_a_rating_is_not_saved(person):
    ada = person("offlinephone", PHONE, has_touch=True)
    ada.page.goto("/movies")
    ada.page.locator(".movies .open").first.tap()
    ada.context.set_offline(True)
    ada.page.locator(".rate:popover-open label").nth(13).tap()
    expect(ada.page.locator("#notice")).to_contain_text("not saved")
    expect(ada.page.locator(".rate:popover-open")).to_have_count(0)
    ada.errors.clear()


def test_focus_stays_at_a_rating_that_is_removed(person):
    ada = person("focus")
    for path, form in (("/movies", ".movies .rate"), ("/movies/1", ".rate.big")):
        ada.page.goto(path)
        rate = ada.page.locator(form).first
        rate.locator("label").nth(13).click()
        remove = rate.get_by_role("button", name="Remove your rating")
        remove.press("Enter")
        expect(remove).not_to_be_visible()
        expect(rate.get_by_role("radio").first).to_be_focused()


def test_rating_after_a_logout_in_another_tab_leads_to_the_login(person):
    ada = person("tabs")
    ada.page.goto("/movies")
    other = ada.context.new_page()
    other.goto("/movies")
    other.get_by_role("button", name="Log out").click()
    expect(other.get_by_role("link", name="Log in")).to_be_visible()
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
