"""Pages of predictions: for you, people like you, on a movie, on a person, and opting out."""

import re

import pytest
from sqlalchemy import select

from movierating.auth.models import User
from movierating.movies.models import Movie
from movierating.storage.database import read
from predictions import instances


@pytest.fixture(scope="module")
def template(empty_instance, copied, environ, tmp_path_factory):
    """Return an instance folder with users, movies, ratings and a model, as a template."""
    folder = copied(empty_instance, tmp_path_factory.mktemp("trained") / "instance")
    instances.make_template(environ(folder))
    return folder


@pytest.fixture
def app(template, copied, make_app, tmp_path):
    """The application on this instance, in its context."""
    copied(template, tmp_path / "instance")
    app = make_app()
    with app.app_context():
        yield app


@pytest.fixture
def ada(browse):
    """Return a browser in which ada is logged in, who has rated 24 movies as a user who loves comedies."""
    browser = browse("ada")
    rate_first_movies("ada")
    return browser


def rate_first_movies(username):
    """Let a user rate 24 movies as one who loves comedies."""
    user_id = read().scalar(select(User.id).where(User.username == username))
    instances.rate(user_id, sorted(read().scalars(select(Movie.id)))[:24], loves_comedies=True)


def test_movie_page_says_how_the_viewer_would_rate_it_and_why(ada):
    text = ada.get("/movies/30").text
    assert re.search(
        r"You would give it <b>\d+\.\d</b> <span class=\"muted\">\(\d+\.\d.\d+\.\d\)</span>", text
    )
    assert re.search(r"most of all because of <a href=\"/movies/\d+\"><cite>Film \d+</cite></a>", text)
    assert "You would give it" not in ada.get("/movies/3").text, "the viewer has rated it"


def test_prediction_goes_and_comes_back_with_a_rating_that_the_script_sends(ada):
    for form, is_shown in (({"value": "8"}, False), ({"remove": "1"}, True)):
        text = ada.post("/movies/30/rating", data=form, headers={"X-Part": "movie"}).text
        assert 'id="prediction30"' in text
        assert ("You would give it" in text) is is_shown


def test_movie_page_says_how_many_ratings_are_missing(browse, client):
    assert "Rate 5 more movies to see how you would like this one." in browse("eve").get("/movies/30").text
    assert "You would" not in client.get("/movies/30").text


def test_for_you_lists_unrated_movies_with_filters(ada):
    text = ada.get("/for-you").text
    ids = [int(each) for each in re.findall(r'<li id="m(\d+)">', text)]
    assert sorted(ids) == list(range(25, 41))
    assert re.search(r'<span class="guess"><b>\d+\.\d</b>', text)
    filtered = ada.get("/for-you?genre=Comedy&year_from=1990&year_to=&language=en").text
    found = [int(each) for each in re.findall(r'<li id="m(\d+)">', filtered)]
    assert found
    assert all(each % 2 == 0 and each > 30 for each in found)
    assert "Nothing found." in ada.get("/for-you?genre=Horror").text
    wrong = ada.get("/for-you?year_from=x")
    assert wrong.status_code == 422
    assert "<title>Error: For you" in wrong.text


def test_filters_for_years_and_language_are_open_if_one_is_set(ada):
    closed, opened = '<details class="more-filters">', '<details class="more-filters" open>'
    assert closed in ada.get("/for-you?genre=Comedy&year_from=").text
    for query in ("year_to=1990", "language=en", "year_from=x", "language=en&year_from=1990"):
        assert opened in ada.get(f"/for-you?{query}").text, query
    folded = re.search(f"{closed}.*?</details>", ada.get("/for-you").text, re.DOTALL)[0]
    assert re.findall(r'<input id="(\w+)"', folded) == ["year_from", "year_to", "language"]


def test_rating_from_for_you_leads_back(ada):
    response = ada.post("/movies/30/rating", data={"value": "9", "back": "/for-you?genre=Drama"})
    assert response.headers["Location"] == "/for-you?genre=Drama#m30"
    assert "You rated" in ada.get(response.headers["Location"]).text


def test_forms_of_for_you_lead_back_to_its_filters_and_page(ada):
    assert (
        'name="back" value="/for-you?genre=Drama&amp;year_from=1990"'
        in ada.get("/for-you?genre=Drama&year_from=1990").text
    )


def test_pages_say_why_there_is_nothing_to_show(browse, client):
    eve = browse("eve")
    for path in ("/for-you", "/people"):
        assert "Rate 5 more movies." in eve.get(path).text
        assert client.get(path).headers["Location"].startswith("/login")


def test_people_lists_those_who_are_alike_and_their_pages_compare(ada):
    page = ada.get("/people").text
    names = re.findall(r'href="/people/(rater\d+)"', page)
    assert len(names) == len(re.findall(r">\d+ movies? in common<", page)) > 0
    text = ada.get(f"/people/{names[0]}").text
    assert re.search(r"Your tastes are <b>\d+%</b> alike", text)
    assert "You agree on" in text
    assert "Your tastes are" not in ada.get("/people/ada").text
    assert ada.get("/people?cursor=bad").status_code == 422


def test_user_who_opts_out_is_not_compared(ada, browse):
    eve = browse("eve")
    rate_first_movies("eve")
    assert "You and" in eve.get("/people/ada").text
    assert "Opt out" in ada.get("/settings").text
    response = ada.post("/settings/taste", data={"listed": "false"})
    assert response.headers["Location"] == "/settings#taste"
    page = ada.get(response.headers["Location"]).text
    assert "Your choice is saved." in page
    assert "Opt in again" in page
    assert "alike your tastes are. Your" in " ".join(page.split())
    assert "You can opt in again" in ada.get("/people").text
    assert "You can opt out" in eve.get("/people").text
    assert "You and" not in eve.get("/people/ada").text
    assert ada.get("/people/rater1").status_code == 200
    wrong = ada.post("/settings/taste", data={"listed": "maybe"})
    assert (wrong.status_code, wrong.text.count('class="problem"')) == (422, 1)


def test_pages_do_not_mention_predictions_if_they_are_off(app, browse, monkeypatch):
    eve = browse("eve")
    assert "/for-you" in eve.get("/movies").text
    monkeypatch.setitem(app.config, "PREDICTIONS", False)
    assert "/for-you" not in eve.get("/movies").text


def test_pages_of_predictions_are_404_if_they_are_off(app, browse, monkeypatch):
    eve = browse("eve")
    monkeypatch.setitem(app.config, "PREDICTIONS", False)
    for path in ("/for-you", "/people"):
        response = eve.get(path)
        assert (response.status_code, "turned off" in response.text) == (404, True)
