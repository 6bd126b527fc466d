"""Add a movie."""

import re

import pytest

from movierating.movies import service
from pages.movie_form import FACTS, OPTIONAL


def test_movie_is_added_with_all_facts_and_its_page_shown(client, kells):
    movie = client.get(f"/v1{kells}").json
    expected = {**FACTS, "year": 2009, "runtime_minutes": 75, "tmdb_id": 26963}
    expected["directors"] = ["Tomm Moore", "Nora Twomey"]
    assert {name: movie[name] for name in FACTS} == expected


def test_title_and_year_are_enough(browse, client):
    path = browse("ada").post("/movies/new", data={"title": "Heat", "year": "1995"}).headers["Location"]
    assert {name: client.get(f"/v1{path}").json[name] for name in OPTIONAL} == OPTIONAL


def test_search_without_a_result_leads_to_the_form_with_the_title(browse):
    ada = browse("ada")
    link = re.search(r'href="(/movies/new\?title=[^"]+)"', ada.get("/movies?q=Zürich").text)[1]
    assert 'name="title" type="text" value="Zürich"' in ada.get(link).text


def test_visitor_logs_in_first(browse):
    visitor = browse()
    link = re.search(r'href="(/login\?next=[^"]+)"', visitor.get("/movies?q=zzzz").text)[1]
    assert 'name="next" value="/movies/new?title=zzzz"' in visitor.get(link).text
    assert visitor.get("/movies/new").headers["Location"] == "/login?next=/movies/new"
    assert visitor.post("/movies/new", data=FACTS).headers["Location"] == "/login"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "a" * 501),
        ("year", ""),
        ("year", "1800"),
        ("year", "soon"),
        ("runtime_minutes", "0"),
        ("genres", ["Horror", "Nonsense"]),
        ("directors", "a" * 201),
        ("language", "xx"),
        ("country", "XX"),
        ("imdb_id", "0485601"),
        ("tmdb_id", "-1"),
        ("wikidata_id", "1212085"),
    ],
)
def test_invalid_fact_is_explained_at_its_field_and_the_form_is_kept(browse, field, value):
    response = browse("ada").post("/movies/new", data={**FACTS, "title": "Kells", field: value})
    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    assert f'href="#{field}"' in response.text
    assert "<title>Error: Add a movie" in response.text
    assert 'name="wikidata_id" type="text" value="' in response.text
    if field != "genres":
        assert 'value="Animation" checked' in response.text
    assert service.count_movies() == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"imdb_id": "", "tmdb_id": ""}, "title"),
        ({"title": "Other", "tmdb_id": ""}, "imdb_id"),
        ({"title": "Other", "imdb_id": ""}, "tmdb_id"),
    ],
)
def test_movie_that_is_there_is_named_and_linked(browse, kells, changes, field):
    response = browse("bob").post("/movies/new", data={**FACTS, **changes})
    assert response.status_code == 409
    assert f'id="{field}-error"' in response.text
    assert f'<a href="{kells}"><cite>The Secret of Kells</cite> (2009)</a>' in response.text


def test_form_of_a_new_movie_that_is_sent_twice_leads_to_its_page(browse, client, kells):
    assert browse("bob").post("/movies/new", data=FACTS).headers["Location"] == kells
    assert client.get("/v1/movies").json["next_cursor"] is None
    assert len(client.get("/v1/movies").json["items"]) == 1


def test_only_admins_add_a_movie_with_alternative_titles(browse, client):
    ada, boss = browse("ada"), browse("boss", role="admin")
    assert [browser.get("/movies/new").text.count("<textarea") for browser in (ada, boss)] == [1, 2]
    for browser, year, titles in ((ada, "2009", []), (boss, "2010", ["Luna", "Kuu"])):
        form = {"title": "Moon", "year": year, "alternative_titles": "Luna\nKuu"}
        path = browser.post("/movies/new", data=form).headers["Location"]
        assert client.get(f"/v1{path}").json["alternative_titles"] == titles


def test_facts_are_escaped(browse):
    ada = browse("ada")
    page = ada.post("/movies/new", data={"title": "<script>x", "directors": "</textarea><script>x"}).text
    assert "<script>x" not in page
