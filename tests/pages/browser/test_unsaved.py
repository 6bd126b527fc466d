"""Forms that were sent after the session had ended: the log-in leads back to them, and they are filled in again."""

import pytest
from playwright.sync_api import Page, expect

from pages.browser.person import DESKTOP, PASSWORD, PHONE, RATINGS, choose_file

pytestmark = pytest.mark.any_database

UNSAVED = "What you sent was not saved."
RESTORED = "What you sent is filled in again. It is not saved yet."


def log_in(page: Page, username: str, password: str = PASSWORD) -> None:
    # The script of the page keeps the form that was sent.
    page.wait_for_load_state()
    page.get_by_label("Username or e-mail").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def fill_in_movie(page: Page, title: str) -> None:
    page.goto(f"/movies/new?title={title}")
    page.get_by_role("textbox", name="Year").fill("1999")
    page.get_by_label("Comedy", exact=True).check()
    page.get_by_role("textbox", name="Directors").fill("Ada One\nEve Two")


def add_movie(page: Page) -> None:
    page.get_by_role("button", name="Add movie").click()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_movie_is_filled_in_again_once_also_after_a_wrong_password(person, viewport):
    name = f"unsaved{viewport['width']}"
    ada = person(name, viewport)
    fill_in_movie(ada.page, "Élan %26 verve")
    ada.context.clear_cookies()
    add_movie(ada.page)
    expect(ada.page.get_by_text(UNSAVED)).to_be_visible()
    log_in(ada.page, name, "not the password")
    expect(ada.page.get_by_role("alert")).to_be_visible()
    # Chromium logs the status of the rejected log-in.
    ada.errors.clear()
    log_in(ada.page, name)
    expect(ada.page.get_by_text(RESTORED)).to_be_visible()
    expect(ada.page.get_by_role("textbox", name="Title", exact=True)).to_have_value("Élan & verve")
    expect(ada.page.get_by_role("textbox", name="Directors")).to_have_value("Ada One\nEve Two")
    genres = ada.page.locator("[name=genres]:checked").evaluate_all("boxes => boxes.map(box => box.value)")
    assert genres == ["Comedy"]
    assert ada.find_violations(name="unsaved") == []
    ada.page.reload()
    expect(ada.page.get_by_role("textbox", name="Year")).to_have_value("")
    expect(ada.page.get_by_text(RESTORED)).to_be_hidden()


def test_movie_that_was_saved_is_not_filled_in_again(person):
    ada = person("saved")
    fill_in_movie(ada.page, "A saved film")
    add_movie(ada.page)
    expect(ada.page.get_by_role("heading", name="A saved film")).to_be_visible()
    ada.context.clear_cookies()
    ada.page.goto("/movies/new?title=A saved film")
    log_in(ada.page, "saved")
    expect(ada.page.get_by_role("textbox", name="Title", exact=True)).to_have_value("A saved film")
    expect(ada.page.get_by_role("textbox", name="Year")).to_have_value("")


def test_movie_is_not_filled_in_for_another_person(person):
    person("another")
    ada = person("first")
    fill_in_movie(ada.page, "A film of ada")
    ada.context.clear_cookies()
    add_movie(ada.page)
    expect(ada.page.get_by_text(UNSAVED)).to_be_visible()
    log_in(ada.page, "another")
    expect(ada.page.get_by_role("textbox", name="Title", exact=True)).to_have_value("A film of ada")
    expect(ada.page.get_by_role("textbox", name="Year")).to_have_value("")


def test_options_and_choices_of_an_import_are_filled_in_again(person):
    ada = person("unsavedimport")
    choose_file(ada.page, RATINGS)
    ada.page.get_by_role("button", name="Check this file").click()
    choice = ada.page.get_by_label("Movie for The Godfather 1973")
    expect(choice).to_be_visible()
    # The script of the page keeps what is sent.
    ada.page.wait_for_load_state()
    choice.select_option(index=1)
    chosen = choice.input_value()
    ada.page.get_by_label("Take the rating of the file").check()
    ada.context.clear_cookies()
    ada.page.get_by_role("button", name="Import 1 rating").click()
    expect(ada.page.get_by_text(UNSAVED)).to_be_visible()
    log_in(ada.page, "unsavedimport")
    expect(ada.page.get_by_text(RESTORED)).to_be_visible()
    expect(choice).to_have_value(chosen)
    expect(ada.page.get_by_label("Take the rating of the file")).to_be_checked()
    assert ada.find_violations(name="unsaved-import") == []


def test_edit_that_is_filled_in_again_does_not_overwrite_a_later_one(person):
    first, second = person(), person()
    for each in (first, second):
        each.log_in("boss")
        each.page.goto("/movies/9/edit")
    first.context.clear_cookies()
    for each, minutes in ((second, "77"), (first, "66")):
        each.page.get_by_role("textbox", name="Runtime in minutes").fill(minutes)
        each.page.get_by_role("button", name="Save").click()
    expect(second.page).to_have_url("/movies/9")
    expect(first.page.get_by_text(UNSAVED)).to_be_visible()
    log_in(first.page, "boss")
    expect(first.page.get_by_text(RESTORED)).to_be_visible()
    first.page.get_by_role("button", name="Save").click()
    row = first.page.get_by_role("row", name="Runtime in minutes")
    expect(row).to_contain_text("66")
    expect(row).to_contain_text("77")
    # Chromium logs the status of the conflict.
    first.errors.clear()
