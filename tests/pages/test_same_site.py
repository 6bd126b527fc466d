"""Forms that another site lets a browser send."""

import pytest

FORM = {"login": "ada", "password": "correct horse battery"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    ],
)
def test_form_of_this_site_is_accepted(client, sign_up, headers):
    sign_up("ada")
    assert client.post("/login", data=FORM, headers=headers).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:8080"},
        {"Origin": "http://[x"},
        {"Origin": "http://]"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": ""},
        {"Referer": "http://localhost/login"},
    ],
)
@pytest.mark.parametrize("path", ["/login", "/logout", "/sign-up", "/movies/1/rating", "/rate/skip"])
def test_form_of_another_site_is_rejected(client, sign_up, headers, path):
    sign_up("ada")
    response = client.post(path, data=FORM, headers=headers)
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers
    assert response.content_type.startswith("text/html")


def test_origin_that_differs_in_the_scheme_names_the_setting(client):
    response = client.post("/login", data=FORM, headers={"Origin": "https://localhost"})
    assert response.status_code == 403
    assert "MOVIERATING_TRUSTED_PROXIES" in response.text


def test_origin_of_another_scheme_than_http_is_another_site(client):
    response = client.post("/login", data=FORM, headers={"Origin": "javascript://localhost"})
    assert response.status_code == 403
    assert "sent by another site" in response.text


def test_reading_a_page_from_a_link_of_another_site_is_allowed(client):
    assert client.get("/movies", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
