"""Recommended movies in a browser, on a service whose model predicts."""

from typing import Any

import pytest

from pages.browser.person import DESKTOP, NARROW, TABLET
from predictions import instances

pytestmark = pytest.mark.any_database


@pytest.fixture(scope="module")
def service(program, serve, copied, environ, empty_instance, tmp_path_factory) -> Any:
    """A service with users, movies, ratings and a model."""
    program("chromium")
    folder = copied(empty_instance, tmp_path_factory.mktemp("predictions") / "instance")
    instances.make_template(environ(folder))
    return serve(folder)


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "noscript"])
def test_recommended_movies_fit_on_every_screen(person, has_script):
    username = f"fit{has_script}".lower()
    ada = person(username, java_script_enabled=has_script)
    ada.add_ratings(username, 24)
    for viewport in (DESKTOP, TABLET, NARROW):
        ada.page.set_viewport_size(viewport)
        ada.page.goto("/for-you")
        assert ada.page.locator(".guesses li").count() > 10
        assert ada.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], viewport


@pytest.mark.browser_matrix
@pytest.mark.parametrize("viewport", [DESKTOP, NARROW], ids=["1280", "320"])
def test_lists_of_predictions_are_accessible(person, viewport):
    username = f"axe{viewport['width']}"
    ada = person(username, viewport)
    ada.add_ratings(username, 24)
    for path, rows in (("/for-you", ".guesses li"), ("/people", ".alike li")):
        assert ada.find_violations(path, f"predicted-{path}") == []
        assert ada.page.locator(rows).count() > 5, path
