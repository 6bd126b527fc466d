"""Pairs of movies that may be the same one, for admins."""

import re

import pytest

from movierating.pages import admin_duplicates


@pytest.fixture
def boss(browse):
    return browse("boss", role="admin")


def list_pairs(page):
    """Return the ids of each pair."""
    return re.findall(r"/admin/movies/(\d+)/merge\?into=(\d+)", page)


def test_pairs_lead_to_the_merge_and_back(boss, add_movie, rate):
    first_id, second_id = add_movie(title="Emma", year=1996), add_movie(title="Emma!", year=1997)
    rate(boss, first_id, 8)
    page = boss.get("/admin/duplicates").text
    assert list_pairs(page) == [(str(second_id), str(first_id))]
    assert "1 pair of movies" in page
    link = re.search(r'href="(/admin/movies/[^"]+)"', page)[1].replace("&amp;", "&")
    preview = boss.get(link).text
    assert 'name="back" value="/admin/duplicates"' in preview
    assert 'href="/admin/duplicates">Cancel' in preview


def test_pair_marked_as_different_is_listed_no_longer(boss, browse, add_movie):
    first_id, second_id = add_movie(title="Emma", year=1996), add_movie(title="Emma!", year=1997)
    preview = boss.get(f"/admin/movies/{second_id}/merge?into={first_id}&back=/admin/duplicates").text
    path = re.search(r'formaction="([^"]+)">These are different movies', preview)[1]
    form = {"into": first_id, "back": "/admin/duplicates"}
    assert browse("eve").post(path, data=form).status_code == 403
    assert list_pairs(boss.get("/admin/duplicates").text)
    for _ in range(2):
        response = boss.post(path, data=form)
        assert (response.status_code, response.headers["Location"]) == (303, "/admin/duplicates")
    page = boss.get("/admin/duplicates").text
    assert "marked as different" in page
    assert "No movies look alike." in page


def test_invalid_pair_is_rejected(boss, add_movie):
    movie_id = add_movie(title="Emma")
    for into in ("", "x", movie_id, 99):
        assert boss.post(f"/admin/movies/{movie_id}/different", data={"into": into}).status_code == 422
    assert boss.post("/admin/movies/99/different", data={"into": movie_id}).status_code == 404


def test_page_says_if_no_movies_look_alike(boss, add_movie):
    for number in (1, 2):
        add_movie(title="Emma", year=1996, imdb_id=f"tt000000{number}")
    assert "No movies look alike." in boss.get("/admin/duplicates").text


def test_pages_follow_each_other(boss, add_movie, monkeypatch):
    monkeypatch.setattr(admin_duplicates, "PAIRS_PER_PAGE", 1)
    for title in ("Emma", "Heat"):
        add_movie(title=title)
        add_movie(title=f"{title}!")
    first = boss.get("/admin/duplicates").text
    following = re.search(r'rel="next" href="([^"]+)"', first)[1]
    second = boss.get(following).text
    assert [*list_pairs(first), *list_pairs(second)] == [("2", "1"), ("4", "3")]
    assert 'rel="next"' not in second


def test_a_page_after_the_last_one_shows_the_last_one(boss, add_movie, monkeypatch):
    monkeypatch.setattr(admin_duplicates, "PAIRS_PER_PAGE", 1)
    for title in ("Emma", "Heat"):
        add_movie(title=title)
        add_movie(title=f"{title}!")
    for start in (1, 2, 2**70):
        page = boss.get(f"/admin/duplicates?start={start}").text
        assert list_pairs(page) == [("4", "3")]
        assert "start%3D1" in page


@pytest.mark.parametrize("start", ["-1", "x", str(2**70)])
def test_odd_start_is_no_failure(boss, start):
    assert boss.get(f"/admin/duplicates?start={start}").status_code == 200
