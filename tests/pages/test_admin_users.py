"""Accounts, for admins."""

import re

import pytest

from movierating.auth import service as auth
from movierating.pages import admin_users
from movierating.users import service as users

PASSWORD = "correct horse battery"


@pytest.fixture
def boss(browse):
    return browse("boss", role="admin")


@pytest.fixture
def ada(sign_up):
    return sign_up("ada")


def list_usernames(page):
    """Return the usernames of the rows."""
    return re.findall(r"<small>@([\w.-]+)</small>", page.text)


def test_accounts_are_listed_with_role_and_state(boss, ada):
    page = boss.get("/admin/users").text
    assert "ada@example.org" in page
    assert '<b class="badge">Admin</b>' in page
    assert "Deactivated" not in page


@pytest.mark.parametrize(
    ("q", "usernames"), [("AD", ["ada"]), ("boss@", ["boss"]), ("da", []), ("", ["boss", "ada"])]
)
def test_search_finds_the_start_of_a_username_or_email(boss, ada, q, usernames):
    page = boss.get(f"/admin/users?q={q}")
    assert list_usernames(page) == usernames
    assert ("No users found." in page.text) == (not usernames)


def test_pages_follow_each_other(boss, ada, monkeypatch):
    monkeypatch.setattr(admin_users, "ACCOUNTS_PER_PAGE", 1)
    first = boss.get("/admin/users?q=")
    following = re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&")
    assert [*list_usernames(first), *list_usernames(boss.get(following))] == ["boss", "ada"]


@pytest.mark.parametrize("query", ["cursor=x", "q=a%00b"])
def test_invalid_query_is_422(boss, query):
    response = boss.get(f"/admin/users?{query}")
    assert response.status_code == 422
    assert 'role="alert"' in response.text


@pytest.mark.parametrize(
    ("form", "back", "text"),
    [
        ({"role": "admin"}, {"role": "member"}, "Make member: ada"),
        ({"active": "false"}, {"active": "true"}, "Activate ada"),
    ],
    ids=["role", "active"],
)
def test_role_and_state_are_changed_and_the_search_kept(boss, ada, form, back, text):
    path = f"/admin/users/{ada.id}?q=ad"
    location = boss.post(path, data=form).headers["Location"]
    assert location == f"/admin/users?q=ad#u{ada.id}"
    assert f'aria-label="{text}"' in boss.get(location).text
    boss.post(path, data=back)
    assert f'aria-label="{text}"' not in boss.get(location).text


def test_deactivated_account_is_logged_out(boss, browse):
    eve = browse("eve")
    boss.post(f"/admin/users/{users.find_user_id('eve')}", data={"active": "false"})
    assert eve.get("/settings").headers["Location"].startswith("/login")


@pytest.mark.parametrize("form", [{"role": "member"}, {"active": "false"}], ids=["role", "active"])
def test_last_admin_is_409_and_remains(boss, form):
    response = boss.post(f"/admin/users/{users.find_user_id('boss')}?q=bo", data=form)
    assert response.status_code == 409
    assert "No active admin would remain" in response.text
    assert list_usernames(response) == ["boss"]
    assert boss.get("/admin/users").status_code == 200


@pytest.mark.parametrize("form", [{"role": "member"}, {"active": "false"}], ids=["role", "active"])
def test_admin_who_steps_down_is_led_to_the_movies(boss, sign_up, form):
    sign_up("other", role="admin")
    response = boss.post(f"/admin/users/{users.find_user_id('boss')}", data=form)
    assert response.headers["Location"] == "/movies"
    assert boss.get("/movies").status_code == 200
    assert boss.get("/admin/users").status_code in (303, 403)


@pytest.mark.parametrize("form", [{"role": "owner"}, {"active": "maybe"}])
def test_unknown_role_or_state_is_422(boss, ada, form):
    response = boss.post(f"/admin/users/{ada.id}", data=form)
    assert response.status_code == 422
    assert 'role="alert"' in response.text


def test_reset_link_is_shown_once_and_sets_the_password(boss, ada, browse):
    response = boss.post(f"/admin/users/{ada.id}/password-reset?q=ad")
    assert response.headers["Cache-Control"] == "no-store, no-transform"
    link = re.search(r'id="new-link">(/reset/[\w-]+)<', response.text)[1]
    assert link not in boss.get("/admin/users").text
    other = browse()
    assert other.get(link).status_code == 200
    form = {"token": link.removeprefix("/reset/"), "password": "another long secret"}
    assert other.post("/reset", data=form).status_code == 303
    assert auth.login("ada", form["password"]).user_id == ada.id


def test_reset_link_starts_with_the_public_url(make_app):
    app = make_app(PUBLIC_URL="https://films.example")
    with app.app_context():
        users.sign_up("boss", "boss@example.org", PASSWORD, None, "admin")
    browser = app.test_client()
    browser.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    browser.post("/login", data={"login": "boss", "password": PASSWORD})
    page = browser.post("/admin/users/1/password-reset").text
    assert 'id="new-link">https://films.example/reset/' in page
    assert "Put the address" not in page


def test_page_is_private_and_not_compressed(boss):
    response = boss.get("/admin/users", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Cache-Control"] == "private, no-cache, no-transform"
    assert "Content-Encoding" not in response.headers


@pytest.mark.parametrize("path", ["/admin/users/99", "/admin/users/99/password-reset"])
def test_unknown_account_is_404(boss, path):
    assert boss.post(path, data={"role": "admin"}).status_code == 404


def test_only_admins_see_and_change_accounts(browse, ada):
    eve, visitor = browse("eve"), browse()
    assert "/admin/" not in eve.get("/movies").text
    for send, path in (
        ("get", "/admin/users"),
        ("post", f"/admin/users/{ada.id}"),
        ("post", f"/admin/users/{ada.id}/password-reset"),
    ):
        response = getattr(eve, send)(path, data={"role": "admin"})
        assert response.status_code == 403
        assert "ada@example.org" not in response.text
        assert getattr(visitor, send)(path).headers["Location"].startswith("/login")
    assert users.get_own_account(ada.id)["role"] == "member"


def test_name_of_an_account_is_escaped(boss):
    users.sign_up("eve", "eve@example.org", PASSWORD, "<script>alert(1)</script>")
    assert "<script>alert" not in boss.get("/admin/users").text
    assert "<script>alert" not in boss.post("/admin/users/2/password-reset").text
