"""Admins replace the alternative titles of a movie, as they are shown."""

from functools import partial

import pytest
from sqlalchemy import select

from movierating.movies.alternative_titles import ADMIN, CATALOGUE, IMPORT, MAX_SHOWN_TITLES, add_titles
from movierating.movies.import_batch import add_catalogue_titles
from movierating.movies.models import MAX_ALTERNATIVE_TITLES, MovieTitle
from movierating.operations import checks
from movierating.storage.database import read, write

ANY, FIRST = {"If-Match": "*"}, "alternative_titles.0"


@pytest.fixture
def moon(add_movie):
    """The id of a movie with two titles of the catalogue and one of members' files."""
    movie = add_movie(title="Moon", original_title="Maan", year=2009, imdb_id="tt1182345")
    for titles, source in ((["Luna", "La lune"], CATALOGUE), (["Mond"], IMPORT)):
        write(partial(add_titles, titles={movie: titles}, source=source))
    return movie


@pytest.fixture
def replace(admin):
    """`replace(movie_id, "Luna")` replaces the alternative titles of a movie, and returns the response."""

    def send(movie_id, *titles, **facts):
        body = {**facts, "alternative_titles": titles}
        return admin.patch(f"/v1/movies/{movie_id}", json=body, headers=ANY)

    return send


def list_titles(movie_id):
    """Return each alternative title and its source."""
    statement = select(MovieTitle.title, MovieTitle.source).where(MovieTitle.movie_id == movie_id)
    return list(map(tuple, read().execute(statement.order_by(MovieTitle.id))))


def load_from_catalogue(movie_id, *titles):
    """Return how many movies get a title if the catalogue has these for the movie."""
    return write(partial(add_catalogue_titles, titles={movie_id: titles}))


def test_titles_are_replaced_shown_and_searched(moon, replace, client, list_ids):
    before = client.get(f"/v1/movies/{moon}")
    response = replace(moon, "La lune", "Kuu")
    after = client.get(f"/v1/movies/{moon}")
    assert (response.json, response.headers["ETag"]) == (after.json, after.headers["ETag"])
    assert after.json["alternative_titles"] == ["La lune", "Kuu"]
    assert after.json["updated_at"] > before.json["updated_at"]
    assert after.headers["ETag"].partition("-") > before.headers["ETag"].partition("-")
    assert [list_ids({"q": q}) for q in ("lune", "kuu", "luna", "mond")] == [[moon], [moon], [], []]
    assert checks.run_checks(repair=False) == ([], [])


def test_titles_of_members_files_stay_and_others_keep_their_source(moon, replace):
    replace(moon, "Kuu", "La lune")
    assert list_titles(moon) == [("Kuu", ADMIN), ("La lune", CATALOGUE), ("Mond", IMPORT)]
    assert replace(moon).json["alternative_titles"] == []
    assert list_titles(moon) == [("Mond", IMPORT)]


def test_title_of_members_files_that_an_admin_names_is_shown(moon, replace, list_ids):
    assert replace(moon, "Luna", "La lune", "MOND").json["alternative_titles"] == ["Luna", "La lune", "MOND"]
    assert (list_titles(moon)[2:], list_ids({"q": "mond"})) == ([("MOND", ADMIN)], [moon])


def test_spelling_and_order_of_titles_can_be_changed(moon, replace, client):
    for titles in (["La lune", "Luna"], ["La Lune!", "Luna"]):
        assert replace(moon, *titles).json["alternative_titles"] == titles
        assert client.get(f"/v1/movies/{moon}").json["alternative_titles"] == titles
    assert load_from_catalogue(moon, "Kuu") == 1


def test_movie_that_is_sent_back_unchanged_is_not_edited(moon, admin):
    write(partial(add_titles, titles={moon: [f"Name {n}" for n in range(60)]}, source=CATALOGUE))
    admin.patch(f"/v1/movies/{moon}", json={"title": "Luna"}, headers=ANY)
    before, titles = admin.get(f"/v1/movies/{moon}"), list_titles(moon)
    read_only = {"id", "prominence", "created_at", "updated_at", "ratings"}
    body = {name: value for name, value in before.json.items() if name not in read_only}
    assert len(body["alternative_titles"]) == MAX_SHOWN_TITLES
    response = admin.patch(f"/v1/movies/{moon}", json=body, headers=ANY)
    assert (response.status_code, response.headers["ETag"]) == (200, before.headers["ETag"])
    assert (response.json, list_titles(moon)) == (before.json, titles)


def test_titles_beyond_those_that_are_shown_follow(moon, replace):
    write(partial(add_titles, titles={moon: [f"Name {n}" for n in range(60)]}, source=CATALOGUE))
    shown = replace(moon, *(f"New {n}" for n in range(10))).json["alternative_titles"]
    assert shown == [*(f"New {n}" for n in range(10)), *(f"Name {n}" for n in range(48, 60))]


def test_number_of_titles_stays_bounded(moon, replace):
    write(partial(add_titles, titles={moon: [f"Name {n}" for n in range(97)]}, source=CATALOGUE))
    assert len(list_titles(moon)) == MAX_ALTERNATIVE_TITLES
    new = [f"New {n}" for n in range(MAX_SHOWN_TITLES)]
    assert replace(moon, "Luna", *new[1:]).json["alternative_titles"] == ["Luna", *new[1:]]
    write(partial(add_titles, titles={moon: ["Other"]}, source=IMPORT))
    assert replace(moon, *new).json["alternative_titles"] == new
    titles = list_titles(moon)
    assert len(titles) == MAX_ALTERNATIVE_TITLES
    assert titles[MAX_SHOWN_TITLES][1] == IMPORT


@pytest.mark.parametrize(
    ("titles", "place"),
    [(["Kuu", "moon!"], 1), (["MAAN"], 0), (["Kuu", "Луна", "KUU"], 2), (["\u0301"], 0)],
    ids=["title", "original title", "twice", "marks alone"],
)
def test_titles_that_are_alike_are_rejected(moon, replace, problem, titles, place):
    before = list_titles(moon)
    problem(replace(moon, *titles), 422, f"alternative_titles.{place}")
    assert list_titles(moon) == before


def test_title_is_compared_with_the_facts_that_the_request_sets(moon, replace, problem):
    problem(replace(moon, "Kuu", title="Kuu"), 422, FIRST)
    assert replace(moon, "Luna", "Moon", title="Luna").json["alternative_titles"] == ["Luna", "Moon"]


def test_removed_title_does_not_come_back_from_the_catalogue(moon, replace, client):
    assert load_from_catalogue(moon, "Kuu") == 1
    replace(moon, "Luna", "La lune", "Kuu", "Bulan")
    assert load_from_catalogue(moon, "Ay") == 1
    replace(moon, "La lune", "Kuu", "Bulan", "Ay")
    before = client.get(f"/v1/movies/{moon}")
    assert load_from_catalogue(moon, "Luna", "Hold") == 0
    assert client.get(f"/v1/movies/{moon}").headers["ETag"] == before.headers["ETag"]


@pytest.mark.parametrize("removed_from", [0, 1])
def test_removed_title_does_not_come_back_after_a_merge(admin, add_movie, replace, removed_from):
    movies = [add_movie(title=title) for title in ("Dune", "Duna")]
    load_from_catalogue(movies[removed_from], "Arrakis")
    replace(movies[removed_from])
    merged = admin.post(f"/v1/movies/{movies[0]}/merge", json={"into": movies[1]})
    assert merged.json["alternative_titles"] == ["Dune"]
    assert load_from_catalogue(movies[1], "Arrakis") == 0


def test_merge_gives_titles_to_a_movie_of_which_one_was_removed(moon, admin, add_movie, replace):
    replace(moon, "Luna")
    other = add_movie(title="Moon", year=2010)
    load_from_catalogue(other, "Kuu")
    merged = admin.post(f"/v1/movies/{other}/merge", json={"into": moon})
    assert merged.json["alternative_titles"] == ["Luna", "Kuu"]


def test_admin_creates_a_movie_with_titles(admin, client, list_ids, problem):
    movie = {"title": "Moon", "year": 2009, "alternative_titles": [" Luna ", "Kuu"]}
    response = admin.post("/v1/movies", json=movie)
    assert (response.status_code, response.json["alternative_titles"]) == (201, ["Luna", "Kuu"])
    assert client.get(response.headers["Location"]).json == response.json
    assert list_ids({"q": "luna"}) == [response.json["id"]]
    problem(admin.post("/v1/movies", json={**movie, "year": 2010, "original_title": "Luna"}), 422, FIRST)
    assert len(client.get("/v1/movies").json["items"]) == 1


def test_member_cannot_create_a_movie_with_titles(member, client, problem):
    movie = {"title": "Moon", "year": 2009}
    assert problem(member.post("/v1/movies", json={**movie, "alternative_titles": ["Luna"]}), 403)["detail"]
    assert client.get("/v1/movies").json["items"] == []
    assert member.post("/v1/movies", json={**movie, "alternative_titles": []}).status_code == 201
