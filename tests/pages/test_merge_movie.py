"""Merge a movie into another one."""

import re

import pytest


@pytest.fixture
def boss(browse):
    return browse("boss", role="admin")


@pytest.fixture
def pair(add_movie):
    """The ids of a movie to merge and of the one that stays."""
    return add_movie(title="Emma", year=1996), add_movie(title="Emma!", year=1997)


def read_counts(page):
    """Return how many ratings move, how many people rated both, and how many ratings there are afterwards."""
    return [int(number) for number in re.findall(r"<li>\D*(\d+) (?:rating|person|people)", page)]


def test_choice_offers_movies_with_a_like_title_and_others_by_search(boss, pair, add_movie):
    movie_id, into_id = pair
    other_id = add_movie(title="Heat")
    page = boss.get(f"/admin/movies/{movie_id}/merge").text
    assert re.findall(r"into=(\d+)", page) == [str(into_id)]
    page = boss.get(f"/admin/movies/{movie_id}/merge?q=heat").text
    assert re.findall(r"into=(\d+)", page) == [str(other_id)]
    assert "No other movie found." in boss.get(f"/admin/movies/{movie_id}/merge?q=zzzz").text


def test_preview_counts_ratings_and_changes_nothing(boss, browse, client, pair, rate):
    movie_id, into_id = pair
    for browser, movies in ((boss, pair), (browse("ada"), [movie_id]), (browse("bob"), [into_id])):
        for each in movies:
            rate(browser, each, 8)
    page = boss.get(f"/admin/movies/{movie_id}/merge?into={into_id}").text
    assert read_counts(page) == [1, 1, 3]
    assert client.get(f"/v1/movies/{movie_id}").json["ratings"]["count"] == 2
    boss.post(f"/admin/movies/{movie_id}/merge", data={"into": into_id})
    assert client.get(f"/v1/movies/{into_id}").json["ratings"]["count"] == 3


def test_merge_leads_back_to_the_list_and_names_the_movie_that_stays(boss, pair):
    movie_id, into_id = pair
    path = f"/admin/movies/{movie_id}/merge"
    page = boss.get(path, query_string={"into": into_id, "back": "/admin/duplicates?start=50"}).text
    form = dict(re.findall(r'name="(into|back)" value="([^"]+)"', page))
    location = boss.post(path, data=form).headers["Location"]
    assert location == f"/admin/duplicates?start=50&merged={into_id}"
    assert "The movies are merged." in boss.get(location).text
    assert boss.get(f"/movies/{movie_id}").headers["Location"] == f"/movies/{into_id}"


def test_back_is_never_another_site(boss, pair):
    movie_id, into_id = pair
    path, elsewhere = f"/admin/movies/{movie_id}/merge", {"back": "//evil.example/"}
    for query in (elsewhere, {**elsewhere, "into": into_id}):
        assert "evil" not in boss.get(path, query_string=query).text
    response = boss.post(path, data={**elsewhere, "into": into_id})
    assert response.headers["Location"] == f"/admin/movies?merged={into_id}"


@pytest.mark.parametrize("into", ["", "x", "0", "99", "own", str(2**70)])
def test_invalid_choice_is_422_and_explained(boss, client, pair, into):
    movie_id, _ = pair
    into = str(movie_id) if into == "own" else into
    path = f"/admin/movies/{movie_id}/merge"
    for response in (boss.get(f"{path}?into={into}"), boss.post(path, data={"into": into})):
        assert response.status_code == 422
        assert 'role="alert"' in response.text
    assert client.get(f"/v1/movies/{movie_id}").status_code == 200


def test_movie_that_is_gone_is_404(boss, pair):
    movie_id, into_id = pair
    path = f"/admin/movies/{movie_id}/merge"
    boss.post(path, data={"into": into_id})
    assert boss.get(path).status_code == 404
    assert boss.get(f"{path}?into={into_id}").status_code == 404
    assert boss.post(path, data={"into": into_id}).status_code == 404


def test_only_admins_merge(boss, browse, client, pair):
    movie_id, into_id = pair
    path, eve = f"/admin/movies/{movie_id}/merge", browse("eve")
    for response in (
        eve.get(path),
        eve.get(f"{path}?into={into_id}"),
        eve.post(path, data={"into": into_id}),
    ):
        assert response.status_code == 403
    assert client.get(f"/v1/movies/{movie_id}").status_code == 200
