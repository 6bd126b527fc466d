"""Movies, for admins: search."""

import re

import pytest

from movierating.pages import admin_movies


@pytest.fixture
def boss(browse):
    return browse("boss", role="admin")


def list_titles(page):
    """Return the titles of the rows."""
    return re.findall(r'<th scope="row"><a [^>]+><cite>([^<]+)</cite>', page.text)


def test_latest_movies_come_first_and_a_search_finds_others(boss, add_movie):
    for title in ("Heat", "Emma", "Ronin"):
        add_movie(title=title)
    assert list_titles(boss.get("/admin/movies")) == ["Ronin", "Emma", "Heat"]
    assert list_titles(boss.get("/admin/movies?q=em")) == ["Emma"]
    assert "Nothing found." in boss.get("/admin/movies?q=zzzz").text


def test_each_movie_links_to_edit_merge_and_delete(boss, add_movie):
    movie_id = add_movie(title="Heat")
    page = boss.get("/admin/movies?q=heat").text
    for path in (f"/movies/{movie_id}/edit", f"/movies/{movie_id}/delete", f"/admin/movies/{movie_id}/merge"):
        link = re.search(rf'href="({path}[^"]*)"', page)[1].replace("&amp;", "&")
        assert boss.get(link).status_code == 200


def test_pages_follow_each_other(boss, add_movie, monkeypatch):
    monkeypatch.setattr(admin_movies, "MOVIES_PER_PAGE", 1)
    for _ in range(2):
        add_movie(title="Emma", year=1990 + _)
    for path in ("/admin/movies", "/admin/movies?q=emma"):
        following = re.search(r'rel="next" href="([^"]+)"', boss.get(path).text)[1].replace("&amp;", "&")
        assert len(list_titles(boss.get(following))) == 1


@pytest.mark.parametrize("query", ["cursor=x", "q=a%00b"])
def test_invalid_query_is_422(boss, query):
    response = boss.get(f"/admin/movies?{query}")
    assert response.status_code == 422
    assert 'role="alert"' in response.text
