"""Invitations, for admins."""

import re

import pytest

from movierating.auth import one_time_links


@pytest.fixture
def boss(browse):
    return browse("boss", role="admin")


def create(browser):
    """Create an invitation and return its link."""
    return re.search(r'id="new-link">(/invite/[\w-]+)<', browser.post("/admin/invitations").text)[1]


def test_link_is_shown_once_and_opens_the_sign_up(boss, browse):
    response = boss.post("/admin/invitations")
    assert response.headers["Cache-Control"] == "no-store, no-transform"
    link = re.search(r'id="new-link">(/invite/[\w-]+)<', response.text)[1]
    page = boss.get("/admin/invitations").text
    assert link not in page
    assert '<th scope="row">@boss</th>' in page
    assert browse().get(link).status_code == 200


def test_withdrawn_invitation_is_no_longer_valid(boss, browse):
    link = create(boss)
    path = re.search(r"/admin/invitations/\d+/withdraw", boss.get("/admin/invitations").text)[0]
    assert boss.post(path).headers["Location"] == "/admin/invitations"
    assert "No open invitations." in boss.get("/admin/invitations").text
    assert browse().get(link).status_code == 403
    assert boss.post(path).headers["Location"] == "/admin/invitations"


def test_invitation_of_a_command_has_no_creator(boss):
    one_time_links.create_invitation(None)
    assert "A command of the operator" in boss.get("/admin/invitations").text


@pytest.mark.parametrize(
    ("mode", "text"), [("open", "Sign-up is open"), ("closed", "MOVIERATING_SIGNUP=invite"), ("invite", None)]
)
def test_page_says_if_invitations_are_not_needed_or_not_accepted(boss, app, mode, text):
    app.config["SIGNUP"] = mode
    page = boss.get("/admin/invitations").text
    assert ("Sign-up is" in page) == (text is not None)
    assert text is None or text in page


def test_invalid_cursor_is_422(boss):
    assert boss.get("/admin/invitations?cursor=x").status_code == 422


def test_only_admins_see_and_create_invitations(browse):
    invitation_id = one_time_links.create_invitation(None)["id"]
    eve, visitor = browse("eve"), browse()
    for send, path in (
        ("get", "/admin/invitations"),
        ("post", "/admin/invitations"),
        ("post", f"/admin/invitations/{invitation_id}/withdraw"),
    ):
        assert getattr(eve, send)(path).status_code == 403
        assert getattr(visitor, send)(path).headers["Location"].startswith("/login")
    assert [row["id"] for row in one_time_links.list_invitations(None, 10)[0]] == [invitation_id]
