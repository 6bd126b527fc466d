"""Set a new password with a link."""

import pytest

from movierating.auth import one_time_links


@pytest.fixture
def token(member):
    return one_time_links.create_password_reset(None, member.id)["token"]


def test_link_sets_the_password_once_and_leads_to_the_login(browse, token):
    browser = browse()
    assert token in browser.get(f"/reset/{token}").text
    form = {"token": token, "password": "another long secret"}
    location = browser.post("/reset", data=form).headers["Location"]
    assert "Your password is changed." in browser.get(location).text
    login = {"login": "member", "password": form["password"]}
    assert browser.post("/login", data=login).status_code == 303
    assert browser.get(f"/reset/{token}").status_code == 403
    response = browser.post("/reset", data=form)
    assert response.status_code == 403
    assert "If you have just set a password with it, log in" in response.text


@pytest.mark.parametrize("password", ["", "short", "password123"])
def test_weak_password_is_explained_and_the_link_stays_valid(browse, token, password):
    browser = browse()
    response = browser.post("/reset", data={"token": token, "password": password})
    assert response.status_code == 422
    assert f'value="{token}"' in response.text
    assert 'id="password-error"' in response.text
    assert browser.get(f"/reset/{token}").status_code == 200


def test_unknown_link_is_403(browse):
    response = browse().get("/reset/x")
    assert response.status_code == 403
    assert "ask an admin for another one" in response.text
