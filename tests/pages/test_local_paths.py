"""Paths that a form leads back to."""

import pytest

from movierating.pages.local_paths import clean_path


@pytest.mark.parametrize("path", ["/", "/movies", "/movies?q=a%20b&sort=title", "/people/ada#m7", "/a//b"])
def test_paths_of_the_service_stay(path):
    assert clean_path(path, "/movies") == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "movies",
        "//x",
        "/\\x",
        "\\\\x",
        "https://x",
        "javascript:x",
        "/a\\b",
        "/\n/x",
        "/é",
        "/" + "a" * 2000,
    ],
)
def test_other_addresses_are_replaced(path):
    assert clean_path(path, "/movies") == "/movies"
