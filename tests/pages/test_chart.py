"""The list of movies."""

import re

import pytest


def list_titles(response):
    return re.findall(r"<cite>(.*?)</cite> <small>", response.text)


def test_root_leads_to_the_movies(client):
    response = client.get("/")
    assert (response.status_code, response.headers["Location"]) == (303, "/movies")


def test_chart_shows_the_best_first_with_the_own_rating(browse, add_movie, rate):
    add_movie(title="Emma")
    best = add_movie(title="Alien & Co")
    browser = browse("ada")
    rate(browser, best, 9.5)
    response = browser.get("/movies")
    assert list_titles(response) == ["Alien &amp; Co", "Emma"]
    assert response.text.count(" checked") == 1
    assert f'id="own{best}">9.5<' in response.text


def test_search_finds_titles_and_keeps_the_text(client, add_movie):
    add_movie(title="Emma")
    add_movie(title="Alien")
    response = client.get("/movies", query_string={"q": "emma"})
    assert list_titles(response) == ["Emma"]
    assert 'value="emma"' in response.text


def test_movies_are_chosen_by_ids_with_commas(client, add_movie):
    emma, _, alien = (add_movie(title=title) for title in ("Emma", "Heat", "Alien"))
    response = client.get(f"/movies?sort=title&ids={emma},{alien}")
    assert (response.status_code, list_titles(response)) == (200, ["Alien", "Emma"])


def test_next_page_continues_the_ranks_and_keeps_the_filters(client, add_movie):
    for number in range(30):
        add_movie(title=f"Movie {number:02}", genres=["Drama"])
    page = client.get("/movies?sort=title&genre=Drama&year_from=")
    following = re.search(r'rel="next" href="(.*?)"', page.text)[1].replace("&amp;", "&")
    assert len(list_titles(page)) == 25
    response = client.get(following)
    assert list_titles(response) == [f"Movie {number:02}" for number in range(25, 30)]
    assert 'start="26"' in response.text
    assert "genre=Drama" in following


def test_movies_of_a_director_are_called_so_and_another_order_keeps_the_director(client, add_movie):
    add_movie(title="Emma", directors=["Autumn de Wilde"])
    add_movie(title="Alien", directors=["Ridley <Scott>"])
    page = client.get("/movies", query_string={"director": "Ridley <Scott>"})
    assert list_titles(page) == ["Alien"]
    assert "<title>Ridley &lt;Scott&gt; · movierating</title>" in page.text
    assert "<h1><bdi>Ridley &lt;Scott&gt;</bdi></h1>" in page.text
    assert '<input type="hidden" name="director" value="Ridley &lt;Scott&gt;">' in page.text


@pytest.mark.parametrize(
    ("query", "is_whole"),
    [("", True), ("sort=title&genre=&from=1", True), ("genre=Drama", False), ("director=Unknown", False)],
)
def test_number_of_all_movies_is_shown_beside_the_whole_list_only(client, add_movie, query, is_whole):
    add_movie(genres=["Drama"])
    assert ("1 movie</p>" in client.get(f"/movies?{query}").text) == is_whole


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("year_from=abc", "Must be a whole number"),
        ("year_from=0", "Must be from 1 to 9999"),
        ("genre=Nonsense", "Must be one of"),
        ("sort=best", "Must be one of"),
        ("cursor=abc", "This page of the list is no longer there."),
    ],
)
def test_bad_filter_is_explained_and_the_form_kept(client, query, message):
    response = client.get(f"/movies?{query}")
    assert response.status_code == 422
    assert "<title>Error: Movies" in response.text
    assert message in response.text


def test_nothing_found_says_what_to_try(client):
    assert "Nothing found." in client.get("/movies?q=zzzz").text


def test_titles_and_searches_are_escaped(client, add_movie):
    add_movie(title="<script>alert(1)</script>")
    response = client.get("/movies", query_string={"q": '"><script>'})
    assert "<script>" not in response.text.replace("<script src", "")
    assert "<script>alert" not in client.get("/movies").text


def test_page_that_the_browser_has_is_not_sent_again(client):
    etag = client.get("/movies").headers["ETag"]
    assert client.get("/movies", headers={"If-None-Match": etag}).status_code == 304


def test_members_filter_by_what_they_have_rated(browse, add_movie, rate):
    rated, unrated = add_movie(title="Emma"), add_movie(title="Alien")
    browser = browse("ada")
    rate(browser, rated, 5)
    assert list_titles(browser.get("/movies?rated=true")) == ["Emma"]
    assert list_titles(browser.get("/movies?rated=false&sort=title")) == ["Alien"]
    assert unrated
    assert len(list_titles(browse().get("/movies?rated=true"))) == 2


@pytest.mark.parametrize("rank", ["-5", "x"])
def test_forged_rank_shows_the_chart(browse, add_movie, rank):
    add_movie()
    response = browse("ada").get(f"/movies?from={rank}")
    assert response.status_code == 200
    assert 'start="1"' in response.text
