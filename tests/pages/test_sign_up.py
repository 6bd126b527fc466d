"""Sign up with the form."""

import pytest
from sqlalchemy import update

from movierating import clock
from movierating.auth import one_time_links
from movierating.auth.models import User
from movierating.storage.database import write
from movierating.users.service import REPEAT_SECONDS

FORM = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}


def test_sign_up_logs_in_and_leads_to_the_movies_to_rate(browse):
    browser = browse()
    assert browser.post("/sign-up", data={**FORM, "display_name": "Ada L."}).headers["Location"] == "/rate"
    assert "Ada L." in browser.get("/rate").text


@pytest.mark.parametrize(
    ("change", "status", "field", "message"),
    [
        ({"username": "a"}, 422, "username", "Must be 3 to 30 of a-z"),
        ({"email": "nowhere"}, 422, "email", "Not a valid email address."),
        ({"password": "password"}, 422, "password", "password"),
        ({"username": ""}, 422, "username", "Fill in this field."),
        ({"username": "BOB"}, 409, "username", "This username is taken."),
        ({"email": "bob@example.org"}, 409, "email", "This e-mail is taken."),
    ],
)
def test_rejected_sign_up_says_what_to_change_at_the_field(browse, sign_up, change, status, field, message):
    sign_up("bob")
    response = browse().post("/sign-up", data={**FORM, **change})
    assert response.status_code == status
    assert "<title>Error: Sign up" in response.text
    assert f'id="{field}-error"' in response.text
    assert message in response.text
    assert FORM["password"] not in response.text


def test_form_that_is_sent_twice_leads_to_the_same_page_and_logs_in(browse, client):
    for browser in (browse(), browse()):
        assert browser.post("/sign-up", data=FORM).headers["Location"] == "/rate"
        assert browser.get("/settings").status_code == 200
    assert client.get("/v1/users/by-username/ada").json["id"] == 1


def test_forms_that_are_sent_at_once_lead_to_the_same_page(app, at_once):
    def submit(client):
        return client.post("/sign-up", data=FORM, headers={"Sec-Fetch-Site": "same-origin"})

    responses = at_once(submit, submit)
    assert [response.headers.get("Location") for response in responses] == ["/rate", "/rate"]


@pytest.mark.parametrize(
    ("change", "age"),
    [
        ({"password": "another long secret"}, 0),
        ({"email": "other@example.org"}, 0),
        ({"username": "eve"}, 0),
        ({}, REPEAT_SECONDS + 1),
    ],
)
def test_sign_up_with_another_value_or_later_is_rejected_and_does_not_log_in(app, browse, change, age):
    browse().post("/sign-up", data=FORM)
    created_at = clock.now() - age * clock.SECOND
    write(lambda connection: connection.execute(update(User).values(created_at=created_at)))
    browser = browse()
    response = browser.post("/sign-up", data={**FORM, **change})
    assert response.status_code == 409
    assert "Set-Cookie" not in response.headers


def test_sign_up_of_a_deactivated_account_is_rejected(app, browse):
    browse().post("/sign-up", data=FORM)
    write(lambda connection: connection.execute(update(User).values(active=False)))
    assert browse().post("/sign-up", data=FORM).status_code == 409


def test_closed_sign_up_says_so_and_creates_no_account(make_app):
    client = make_app(SIGNUP="closed").test_client()
    assert "Sign-up is closed." in client.get("/sign-up").text
    assert client.post("/sign-up", data=FORM, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 403


@pytest.fixture
def invite(make_app):
    """An application where sign-up is by invitation; `invite()` returns a browser and the token of an invitation."""

    def make():
        app = make_app(SIGNUP="invite")
        with app.app_context():
            token = one_time_links.create_invitation(None)["token"]
        client = app.test_client()
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
        return client, token

    return make


def test_invitation_is_used_by_the_form_and_not_by_reading_it(invite):
    browser, token = invite()
    for _ in range(2):
        response = browser.get(f"/invite/{token}")
        assert f'name="invitation" value="{token}"' in response.text
        assert response.headers["Cache-Control"] == "no-store"
    assert browser.post("/sign-up", data={**FORM, "invitation": token}).headers["Location"] == "/rate"
    browser.post("/logout")
    response = browser.get(f"/invite/{token}")
    assert response.status_code == 403
    assert "ask an admin for another one" in response.text


def test_form_with_an_invitation_that_is_sent_twice_leads_to_the_same_page(invite):
    browser, token = invite()
    form = {**FORM, "invitation": token}
    for _ in range(2):
        assert browser.post("/sign-up", data=form).headers["Location"] == "/rate"
    other = {"username": "eve", "email": "eve@example.org"}
    assert browser.post("/sign-up", data={**form, **other}).status_code == 403


def test_sign_up_without_the_invitation_says_whom_to_ask(invite):
    browser, _ = invite()
    assert "Sign-up is by invitation." in browser.get("/sign-up").text
    assert browser.post("/sign-up", data=FORM).status_code == 403
    assert browser.post("/sign-up", data={**FORM, "invitation": "x"}).status_code == 403
    assert browser.post("/login", data={"login": "ada", "password": FORM["password"]}).status_code == 401
