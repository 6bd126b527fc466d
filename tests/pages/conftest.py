"""A browser without JavaScript: a client with cookies that says where its forms come from; and what it sends."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from movierating.pages import cookies
from pages.movie_form import FACTS

PASSWORD = "correct horse battery"
# What a browser sends with a form of the same site.
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browse(app: Flask, sign_up: Callable) -> Callable[..., FlaskClient]:
    """`browse("ada")` returns a browser in which ada is logged in; `browse()` one without a login."""

    def open_browser(username: str | None = None, role: str = "member") -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
        if username is not None:
            sign_up(username, role=role)
            response = client.post("/login", data={"login": username, "password": PASSWORD, "stay": "1"})
            assert response.status_code == 303, response.text
        return client

    return open_browser


@pytest.fixture
def name_cookie(app: Flask) -> Callable[..., str]:
    """`name_cookie("session")` returns the full name of a cookie, `name_cookie("session", "https")` that over HTTPS."""

    def get_name(name: str, scheme: str = "http") -> str:
        with app.test_request_context(base_url=f"{scheme}://localhost"):
            return cookies.get_full_name(name)

    return get_name


@pytest.fixture
def rate(app: Flask) -> Callable[..., None]:
    """`rate(browser, movie_id, 8.5)` rates a movie with the form."""

    def send(browser: FlaskClient, movie_id: int, value: float) -> None:
        assert browser.post(f"/movies/{movie_id}/rating", data={"value": str(value)}).status_code == 303

    return send


@pytest.fixture
def kells(browse: Callable[..., FlaskClient]) -> str:
    """The path of a movie that was added with the form."""
    return browse("ada").post("/movies/new", data=FACTS).headers["Location"]
