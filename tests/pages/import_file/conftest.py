"""A member who imports a file, and a movie that it names."""

import pytest


@pytest.fixture
def ada(browse):
    return browse("ada")


@pytest.fixture
def heat(add_movie):
    return add_movie(title="Heat", year=1995, imdb_id="tt0113277")


@pytest.fixture
def get_own(ada):
    """`get_own()` returns ada's ratings by title, as the API's export has them."""

    def get_own():
        items = ada.get("/settings/export?format=json").json["ratings"]
        return {item["title"]: item["value"] for item in items}

    return get_own
