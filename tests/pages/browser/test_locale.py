"""Months and countries are named in the language of the browser."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.any_database


def test_months_of_a_plot_are_shown_in_the_language_of_the_reader(person):
    ada = person("months", locale="de-DE")
    ada.add_ratings("months")
    ada.page.goto("/people/months")
    expect(ada.page.locator(".ends time").first).to_have_text("Jan. 2024")


@pytest.mark.parametrize(
    ("country", "locale", "name"),
    [("US", "en-US", "United States"), ("FR", "de-DE", "Frankreich"), ("SU", "en-US", "Soviet Union")],
)
def test_countries_have_names_in_the_language_of_the_reader(person, country, locale, name):
    visitor = person(None, locale=locale)
    [movie] = visitor.context.request.get(f"/v1/movies?country={country}&limit=1").json()["items"]
    visitor.page.goto(f"/movies/{movie['id']}")
    expect(visitor.page.locator(".facts").first).to_contain_text(name)
