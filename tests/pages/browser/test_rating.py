"""Rating by mouse, keys and touch, without JavaScript, and offline."""

import pytest
from playwright.sync_api import expect

from pages.browser.person import PHONE

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
