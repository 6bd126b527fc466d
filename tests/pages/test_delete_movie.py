"""Delete a movie, after a page that asks."""

import re

import pytest


@pytest.fixture
def boss(browse):
    return browse("boss", role="admin")


@pytest.fixture
def path(add_movie):
    return f"/movies/{add_movie(title='Heat', year=1995)}"


def read_edit(browser, path):
    """Return the hidden field of the form by which a change of another admin is noticed."""
    return re.search(r'name="edit" value="(\d+)"', browser.get(f"{path}/delete").text)[1]


def test_movie_without_ratings_is_deleted(boss, client, path):
    assert 'name="with_ratings"' not in boss.get(f"{path}/delete").text
    response = boss.post(f"{path}/delete", data={"edit": read_edit(boss, path)})
    assert "The movie is deleted." in boss.get(response.headers["Location"]).text
    assert client.get(f"/v1{path}").status_code == 404


def test_ratings_are_deleted_only_if_the_box_is_ticked(boss, client, path, rate):
    rate(boss, 1, 8.5)
    assert "Delete its rating too" in boss.get(f"{path}/delete").text
    form = {"edit": read_edit(boss, path)}
    response = boss.post(f"{path}/delete", data=form)
    assert response.status_code == 409
    assert "Tick the box" in response.text
    assert client.get(f"/v1{path}").json["ratings"]["count"] == 1
    assert boss.post(f"{path}/delete", data={**form, "with_ratings": "true"}).status_code == 303
    assert client.get(f"/v1{path}").status_code == 404


def test_movie_that_was_changed_meanwhile_is_shown_again(boss, client, path):
    edit = read_edit(boss, path)
    boss.post(f"{path}/edit", data={"title": "Ronin", "year": "1998", "edit": edit})
    response = boss.post(f"{path}/delete", data={"edit": edit})
    assert response.status_code == 412
    assert "Delete <cite>Ronin</cite>?" in response.text
    assert client.get(f"/v1{path}").status_code == 200


def test_form_that_is_sent_twice_leads_to_the_same_place(boss, path):
    form = {"edit": read_edit(boss, path)}
    responses = [boss.post(f"{path}/delete", data=form) for _ in range(2)]
    assert {(each.status_code, each.headers["Location"]) for each in responses} == {
        (303, responses[0].headers["Location"])
    }


@pytest.mark.parametrize("form", [{}, {"edit": "x"}, {"edit": "1", "with_ratings": "maybe"}])
def test_invalid_form_is_422_and_deletes_nothing(boss, client, path, form):
    assert boss.post(f"{path}/delete", data=form).status_code == 422
    assert client.get(f"/v1{path}").status_code == 200


def test_only_admins_delete_and_page_of_an_unknown_movie_is_404(boss, browse, client, path):
    eve = browse("eve")
    assert f"{path}/delete" in boss.get(path).text
    assert f"{path}/delete" not in eve.get(path).text
    for response in (eve.get(f"{path}/delete"), eve.post(f"{path}/delete", data={"edit": "1"})):
        assert response.status_code == 403
    assert boss.get("/movies/99/delete").status_code == 404
    assert client.get(f"/v1{path}").status_code == 200
