"""The import of a file, with and without JavaScript, and offline."""

import pytest
from playwright.sync_api import expect

from pages.browser.person import RATINGS, UNKNOWN, choose_file

pytestmark = pytest.mark.any_database


def test_file_is_uploaded_with_progress_checked_and_imported(person, eventually):
    ada = person("import")
    choose_file(ada.page, RATINGS)
    uploads = []
    ada.page.route("**/import", lambda route: uploads.append(route))
    button = ada.page.get_by_role("button", name="Check this file")
    button.click()
    expect(ada.page.get_by_role("progressbar")).to_be_visible()
    expect(button).to_be_disabled()
    eventually(lambda: ada.page.wait_for_timeout(10) or uploads)
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
    choose_file(ada.page, UNKNOWN)
    ada.page.get_by_role("button", name="Check this file").click()
    for label, column in (("Title", "Film"), ("Year", "Jahr"), ("Rating", "Sterne")):
        ada.page.get_by_label(label, exact=True).select_option(column)
    ada.page.get_by_role("button", name="Show how it is read").click()
    expect(ada.page.get_by_role("row", name="The Godfather")).to_contain_text("9")
    ada.page.get_by_role("button", name="Check this file").click()
    ada.page.get_by_label("Add all of them").check()
    ada.page.get_by_role("button", name="Import 1 rating").click()
    expect(ada.page.get_by_role("heading", name="2 ratings are imported")).to_be_visible()


def test_answer_of_a_proxy_leaves_the_form(person):
    ada = person("importproxy")
    choose_file(ada.page, RATINGS)
    answer = {"status": 502, "content_type": "text/plain", "body": "Bad Gateway"}
    ada.page.route("**/import", lambda route: route.fulfill(**answer), times=1)
    button = ada.page.get_by_role("button", name="Check this file")
    button.click()
    expect(ada.page.get_by_role("alert")).to_have_text("The file did not arrive. Try again.")
    button.click()
    expect(ada.page.get_by_role("heading", name="4 rows in ratings.csv")).to_be_visible()
    ada.errors.clear()


def test_file_that_does_not_arrive_can_be_sent_again(person, tmp_path):
    ada = person("importoffline")
    choose_file(ada.page, RATINGS)
    ada.context.set_offline(True)
    button = ada.page.get_by_role("button", name="Check this file")
    button.click()
    expect(ada.page.get_by_role("alert")).to_have_text("The file did not arrive. Try again.")
    ada.context.set_offline(False)
    button.click()
    expect(ada.page.get_by_role("heading", name="4 rows in ratings.csv")).to_be_visible()
    with (tmp_path / "large.csv").open("wb") as large:
        large.truncate(16 * 2**20 + 1)
    ada.page.goto("/import")
    ada.page.get_by_label("File with your ratings").set_input_files(large.name)
    button.click()
    expect(ada.page.get_by_role("alert")).to_have_text("The file is larger than 16 MiB.")
    ada.errors.clear()
