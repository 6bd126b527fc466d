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


def test_search_that_the_form_begins_with_is_accepted_also_for_a_long_title(boss, add_movie):
    path = f"/admin/movies/{add_movie(title='long ' * 90)}/merge"
    search = re.search(r'id="other" name="q" type="search" value="(.*?)"', boss.get(path).text)[1]
    assert boss.get(path, query_string={"q": search}).status_code == 200


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


def test_preview_warns_about_different_ids(boss, pair, add_movie):
    movie_id, into_id = pair
    with_ids = [add_movie(imdb_id=imdb_id) for imdb_id in ("tt1000001", "tt1000002")]
    warning = "probably different movies"
    assert warning in boss.get(f"/admin/movies/{with_ids[0]}/merge?into={with_ids[1]}").text
    assert warning not in boss.get(f"/admin/movies/{movie_id}/merge?into={with_ids[1]}").text
    assert warning not in boss.get(f"/admin/movies/{movie_id}/merge?into={into_id}").text


def test_merge_leads_back_to_the_list_and_names_the_movie_that_stays(boss, pair, rate):
    movie_id, into_id = pair
    rate(boss, movie_id, 8)
    path = f"/admin/movies/{movie_id}/merge"
    page = boss.get(path, query_string={"into": into_id, "back": "/admin/duplicates?start=50"}).text
    form = dict(re.findall(r'name="(into|back)" value="([^"]+)"', page))
    location = boss.post(path, data=form).headers["Location"]
    assert location == "/admin/duplicates?start=50"
    notice = re.search('<p class="done" role="status">(.*)</p>', boss.get(location).text)[1]
    assert "The movies are merged." in notice
    assert "stays, with 1 rating." in notice
    assert boss.get(f"/movies/{movie_id}").headers["Location"] == f"/movies/{into_id}"


PAGES = ["/movies/{}", "/movies/{}/edit", "/movies/{}/delete", "/admin/movies/{}/merge"]


@pytest.mark.parametrize("page", PAGES)
def test_page_of_a_merged_movie_redirects_to_that_of_the_movie_that_stays(boss, pair, page):
    movie_id, into_id = pair
    boss.post(f"/admin/movies/{movie_id}/merge", data={"into": into_id})
    response = boss.get(page.format(movie_id) + "?q=heat")
    assert response.status_code == 301
    assert response.headers["Location"] == page.format(into_id) + "?q=heat"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert boss.get(page.format(99)).status_code == 404


@pytest.mark.parametrize("page", [*PAGES[1:], "/movies/{}/rating"])
def test_form_of_a_merged_movie_changes_nothing_and_names_the_movie_that_stays(
    boss, client, pair, add_movie, page
):
    movie_id, into_id = pair
    third_id = add_movie(title="Heat")
    boss.post(f"/admin/movies/{movie_id}/merge", data={"into": into_id})
    before = client.get(f"/v1/movies/{into_id}").json
    form = {"title": "Ran", "year": "1985", "edit": "1", "into": third_id, "value": "8"}
    response = boss.post(page.format(movie_id), data=form)
    assert response.status_code == 409
    assert f"Movie {movie_id} was merged into movie {into_id}." in response.text
    assert f'href="/movies/{into_id}"' in response.text
    assert client.get(f"/v1/movies/{into_id}").json == before
    assert boss.post(page.format(99), data=form).status_code == (303 if page.endswith("delete") else 404)


def test_form_that_is_sent_twice_leads_to_the_same_place(boss, pair, add_movie):
    movie_id, into_id = pair
    other_id, path = add_movie(title="Ran"), f"/admin/movies/{movie_id}/merge"
    responses = [boss.post(path, data={"into": into_id}) for _ in range(2)]
    assert [each.status_code for each in responses] == [303, 303]
    assert responses[0].headers["Location"] == responses[1].headers["Location"]
    assert boss.post(path, data={"into": other_id}).status_code == 409
    # The movie that stayed is merged as well.
    boss.post(f"/admin/movies/{into_id}/merge", data={"into": other_id})
    assert boss.post(path, data={"into": into_id}).status_code == 303


def test_back_is_never_another_site(boss, pair):
    movie_id, into_id = pair
    path, elsewhere = f"/admin/movies/{movie_id}/merge", {"back": "//evil.example/"}
    for query in (elsewhere, {**elsewhere, "into": into_id}):
        assert "evil" not in boss.get(path, query_string=query).text
    response = boss.post(path, data={**elsewhere, "into": into_id})
    assert response.headers["Location"] == "/admin/movies"


@pytest.mark.parametrize("into", ["", "x", "0", "99", "own", str(2**70)])
def test_invalid_choice_is_422_and_explained(boss, client, pair, into):
    movie_id, _ = pair
    into = str(movie_id) if into == "own" else into
    path = f"/admin/movies/{movie_id}/merge"
    for response in (boss.get(f"{path}?into={into}"), boss.post(path, data={"into": into})):
        assert response.status_code == 422
        assert 'role="alert"' in response.text
    assert client.get(f"/v1/movies/{movie_id}").status_code == 200


def test_movie_that_does_not_exist_is_404(boss, pair):
    path, into_id = "/admin/movies/99/merge", pair[1]
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
