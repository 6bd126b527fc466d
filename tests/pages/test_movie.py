"""The page of a movie, and rating it."""

import re

import pytest

from movierating import clock


def test_movie_shows_facts_and_latest_ratings(browse, add_movie, rate):
    movie = add_movie(
        title="Ran", original_title="乱", language="ja", directors=["Akira Kurosawa"], genres=["War"]
    )
    browser = browse("ada")
    rate(browser, movie, 8)
    text = browse().get(f"/movies/{movie}").text
    assert '<p class="original" lang="ja"><bdi>乱</bdi></p>' in text
    assert "Akira Kurosawa" in text
    assert "mean of 1 rating<" in text
    assert 'href="/people/ada"' in text


def test_movie_without_ratings_says_so(client, add_movie):
    text = client.get(f"/movies/{add_movie()}").text
    assert "Nobody has rated this movie yet." in text
    assert "Log in" in text


def test_visitor_sees_no_empty_plot(browse, add_movie, rate):
    movie, browser = add_movie(), browse("ada")
    assert "histogram" not in browse().get(f"/movies/{movie}").text
    rate(browser, movie, 8)
    assert "histogram" in browse().get(f"/movies/{movie}").text


def test_rating_leads_back_with_a_notice_that_undoes_it(browse, add_movie, rate):
    movie, browser = add_movie(title="Emma"), browse("ada")
    rate(browser, movie, 6)
    form = {"value": "8.5", "back": "/movies?sort=title"}
    response = browser.post(f"/movies/{movie}/rating", data=form)
    assert response.headers["Location"] == f"/movies?sort=title#m{movie}"
    text = browser.get(response.headers["Location"]).text
    assert "You rated" in text
    assert '<button name="value" value="6">Undo</button>' in text


def test_removed_rating_can_be_restored(browse, add_movie, rate):
    movie, browser = add_movie(), browse("ada")
    rate(browser, movie, 6)
    response = browser.post(f"/movies/{movie}/rating", data={"remove": "1"})
    text = browser.get(response.headers["Location"]).text
    assert "is removed." in text
    assert '<button name="value" value="6">Undo</button>' in text
    assert "no ratings yet" in text


@pytest.mark.parametrize("change", [{"value": "8.5"}, {"remove": "1"}])
def test_undo_brings_back_the_time_of_the_rating(browse, add_movie, change):
    path, browser = f"/movies/{add_movie()}/rating", browse("ada")
    rating = {"value": "6", "rated_at": "2015-05-04T20:00:00Z"}
    assert browser.post(path, data=rating).status_code == 303
    export = browser.get("/settings/export?format=csv").text
    assert rating["rated_at"] in export
    page = browser.get(browser.post(path, data=change).headers["Location"]).text
    undo = page.partition("data-undo>")[2].partition("</form>")[0]
    browser.post(path, data=dict(re.findall(r'name="(\w+)" value="([^"]+)"', undo)))
    assert browser.get("/settings/export?format=csv").text == export


def test_undo_works_if_the_rating_is_from_a_clock_that_is_ahead(browse, add_movie, monkeypatch):
    path, browser = f"/movies/{add_movie()}/rating", browse("ada")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 3600 * clock.SECOND)
    browser.post(path, data={"value": "6"})
    monkeypatch.setattr(clock, "now", lambda: now)
    page = browser.get(browser.post(path, data={"value": "8"}).headers["Location"]).text
    assert '<button name="value" value="6">Undo</button>' in page
    assert "rated_at" not in page


def test_removing_a_rating_that_is_not_there_changes_nothing(browse, add_movie):
    assert browse("ada").post(f"/movies/{add_movie()}/rating", data={"remove": "1"}).status_code == 303


@pytest.mark.parametrize("form", [{}, {"value": ""}, {"value": "11"}, {"value": "7.3"}, {"value": "x"}])
def test_invalid_rating_is_rejected(browse, add_movie, form):
    response = browse("ada").post(f"/movies/{add_movie()}/rating", data=form)
    assert response.status_code == 422
    assert ("Choose a rating." if not form.get("value") else form["value"]) in response.text


def test_missing_movie_is_a_page_that_says_so(browse):
    browser = browse("ada")
    assert browser.get("/movies/77").status_code == 404
    response = browser.post("/movies/77/rating", data={"value": "5"})
    assert response.status_code == 404
    assert response.content_type.startswith("text/html")
    assert response.headers["X-Request-ID"] in response.text


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/x", ""])
def test_rating_never_leads_to_another_site(browse, add_movie, back):
    movie = add_movie()
    response = browse("ada").post(f"/movies/{movie}/rating", data={"value": "5", "back": back})
    assert response.headers["Location"] == f"/movies/{movie}#m{movie}"


@pytest.mark.parametrize(
    ("part", "contained"), [("row", 'id="stats'), ("movie", 'id="opinion'), ("movie", 'href="/people/ada"')]
)
def test_script_gets_the_parts_that_a_rating_changes(browse, add_movie, part, contained):
    movie = add_movie()
    response = browse("ada").post(f"/movies/{movie}/rating", data={"value": "5"}, headers={"X-Part": part})
    assert response.status_code == 200
    assert contained in response.text
    assert 'id="notice"' in response.text
    assert "<html" not in response.text


def test_rating_needs_a_login(client, add_movie):
    response = client.post(
        f"/movies/{add_movie()}/rating", data={"value": "5"}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert response.headers["Location"] == "/login"


def test_merged_movie_redirects(browse, admin, add_movie):
    old, new = add_movie(title="Emma", year=1996), add_movie(title="Emma.", year=1997)
    assert admin.post(f"/v1/movies/{old}/merge", json={"into": new}).status_code == 200
    response = browse().get(f"/movies/{old}")
    assert (response.status_code, response.headers["Location"]) == (301, f"/movies/{new}")


def test_form_leads_back_below_the_mount_point(make_app, sign_up, add_movie):
    client = make_app(TRUSTED_PROXIES="1").test_client()
    text = client.get(f"/movies/{add_movie()}", headers={"X-Forwarded-Prefix": "/films"}).text
    assert 'href="/films/login?next=/films/movies/' in text
    sender = {"Referer": "http://localhost/films/movies?q=emma", "Sec-Fetch-Site": "same-origin"}
    response = client.post("/movies/1/rating", headers={"X-Forwarded-Prefix": "/films", **sender})
    assert response.headers["Location"] == "/films/login?next=/films/movies?q%3Demma"
