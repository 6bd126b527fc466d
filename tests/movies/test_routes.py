"""Movies over HTTP."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from movierating.movies.models import Movie
from movierating.storage.database import write
from movierating.storage.sqlite.write_queue import MAX_WAITING_THREADS

EMMA = {"title": "Emma", "year": 1996}

ONE, OTHER = "tt0116191", "tt0118308"

FIELDS = ["id", "title", "original_title", "year", "runtime_minutes", "genres", "directors", "language", "country",
          "imdb_id", "tmdb_id", "wikidata_id", "prominence", "created_at", "updated_at", "ratings",
          "alternative_titles"]  # fmt: skip

ANY = {"If-Match": "*"}


@pytest.fixture
def emma(add_movie):
    """The address of a movie."""
    return f"/v1/movies/{add_movie(**EMMA, imdb_id=ONE, tmdb_id=3573)}"


def if_match(tag):
    return {"headers": {"If-Match": tag}}


def test_member_creates_a_movie_that_anyone_can_get_at_its_location(client, member):
    response = member.post(
        "/v1/movies", json={**EMMA, "genres": ["Comedy"], "directors": [" Douglas McGrath "]}
    )
    assert response.status_code == 201
    assert response.headers["Location"] == f"/v1/movies/{response.json['id']}"
    assert list(response.json) == FIELDS
    assert response.json["directors"] == ["Douglas McGrath"]
    assert response.json["ratings"] == {"count": 0, "mean": None, "score": 6.5, "histogram": [0] * 20}
    assert response.json["created_at"] == response.json["updated_at"]
    assert response.json["created_at"].endswith("Z")
    assert client.get(response.headers["Location"]).json == response.json
    in_list = {name: value for name, value in response.json.items() if name != "alternative_titles"}
    assert client.get("/v1/movies").json["items"] == [in_list]


# Otherwise later requests get 500.
def test_duplicate_returns_409_and_leaves_the_service_working(client, member, emma, problem):
    for _ in range(3):
        problem(member.post("/v1/movies", json=EMMA), 409)
    assert client.get(emma).status_code == 200
    assert member.post("/v1/movies", json={"title": "Clueless", "year": 1995}).status_code == 201


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"title": "EMMA", "year": EMMA["year"]}, "title"),
        ({"title": "Other", "year": 2001, "imdb_id": ONE}, "imdb_id"),
        ({"title": "Other", "year": 2001, "tmdb_id": 7}, "tmdb_id"),
        ({"title": "EMMA", "year": EMMA["year"], "imdb_id": ONE}, "imdb_id"),
        ({"title": "EMMA", "year": EMMA["year"], "tmdb_id": 7}, "tmdb_id"),
    ],
)
def test_conflict_names_the_field_and_the_other_movie(client, member, admin, problem, facts, field):
    first = member.post(
        "/v1/movies", json={**EMMA, "tmdb_id": 7, **({} if field == "title" else {"imdb_id": ONE})}
    ).json
    details = problem(member.post("/v1/movies", json={"year": 1999} | facts), 409)
    assert details["type"] == "/problems/movie-exists"
    assert details["detail"] == f"Another movie has this {'title and year' if field == 'title' else field}."
    assert details["conflict"] == {"field": field, "movie_id": first["id"]}


@pytest.mark.parametrize("ids", [{}, {"imdb_id": ONE}, {"tmdb_id": 3573}], ids=str)
def test_one_of_identical_movies_sent_at_once_is_created(app, member, ids):
    def add(_):
        return app.test_client().post("/v1/movies", json={**EMMA, **ids}, headers=member.headers).status_code

    with ThreadPoolExecutor(MAX_WAITING_THREADS) as pool:
        statuses = list(pool.map(add, range(24)))
    assert sorted(statuses) == [201] + [409] * 23


@pytest.mark.parametrize("path", ["/v1/movies/99", "/v1/movies/by-imdb/tt9999999", "/v1/movies/by-imdb/TT0116191",
                                  "/v1/movies/by-imdb/0116191", "/v1/movies/by-imdb/" + "x" * 500,
                                  *(f"/v1/movies/by-tmdb/{text}" for text in (
                                      "3574", "0", "-3573", "3573.0", "x", "", f"{2**31}", f"{2**63}", "9" * 500,
                                  ))])  # fmt: skip
def test_missing_movie_returns_404(client, emma, problem, path):
    problem(client.get(path), 404)


@pytest.mark.parametrize("path", [f"/v1/movies/by-imdb/{ONE}", "/v1/movies/by-tmdb/3573"])
def test_a_movie_is_found_by_its_imdb_id_and_its_tmdb_id_with_the_same_tag(client, emma, path):
    direct, by_other_id = client.get(emma), client.get(path)
    assert by_other_id.json == direct.json
    assert by_other_id.headers["ETag"] == direct.headers["ETag"]
    assert client.get(path, headers={"If-None-Match": direct.headers["ETag"]}).status_code == 304


def test_a_movie_that_gets_a_tmdb_id_is_found_by_it_at_once(client, admin, emma, problem):
    problem(client.get("/v1/movies/by-tmdb/7"), 404)
    admin.patch(emma, json={"tmdb_id": 7}, headers=ANY)
    assert client.get("/v1/movies/by-tmdb/7").json == client.get(emma).json
    problem(client.get("/v1/movies/by-tmdb/3573"), 404)


def test_a_304_needs_the_same_facts_and_ratings(client, admin, emma):
    tags = [client.get(emma).headers["ETag"]]
    admin.put(f"{emma}/rating", json={"value": 8})
    tags.append(client.get(emma).headers["ETag"])
    tags.append(admin.patch(emma, json={"country": "GB"}, **if_match(tags[0])).headers["ETag"])
    assert all(
        re.fullmatch(rf'"{edit}-[0-9a-f]{{32}}"', tag) for edit, tag in zip((1, 1, 2), tags, strict=True)
    )
    assert [client.get(emma, headers={"If-None-Match": tag}).status_code for tag in tags] == [200, 200, 304]


def test_write_of_another_program_changes_the_etag(admin, emma):
    before = admin.get(emma).headers["ETag"]
    write(lambda connection: connection.execute(update(Movie).values(country="GB")), ())
    after = admin.get(emma, headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.json["country"] == "GB"
    assert after.headers["ETag"] != before


def test_update_ignores_if_none_match(admin, emma):
    tag = admin.get(emma).headers["ETag"]
    response = admin.patch(emma, json={}, headers={**ANY, "If-None-Match": tag})
    assert (response.status_code, response.headers["ETag"]) == (200, tag)


def test_update_returns_the_new_etag(client, admin, emma):
    before = client.get(emma)
    response = admin.patch(
        emma, json={"title": " Emma. ", "imdb_id": None}, **if_match(before.headers["ETag"])
    )
    assert response.status_code == 200
    after = client.get(emma)
    assert response.json == after.json
    assert response.headers["ETag"] == after.headers["ETag"] != before.headers["ETag"]
    assert after.json == {
        **before.json,
        "title": "Emma.",
        "imdb_id": None,
        "updated_at": after.json["updated_at"],
    }
    assert after.json["updated_at"] > before.json["updated_at"]


def test_etag_becomes_stale_by_an_edit_but_not_by_a_rating(client, admin, emma, problem):
    tag = client.get(emma).headers["ETag"]
    admin.put(f"{emma}/rating", json={"value": 8})
    fresh = admin.patch(emma, json={"country": "GB"}, **if_match(tag)).headers["ETag"]
    problem(admin.patch(emma, json={"country": "US"}, **if_match(tag)), 412)
    assert client.get(emma).json["country"] == "GB"
    assert admin.patch(emma, json={"country": "US"}, **if_match(fresh)).status_code == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [("*", 200), ('"1-0"', 200), ('"1-7f"', 200), ('W/"1-7f"', 200), ('"9-0", "1-0"', 200)]
    + [(header, 412) for header in ('"2-0"', 'W/"2-0"', '"1"', '""', "nonsense", '"nonsense"', "")],
)
def test_if_match_compares_the_edit_alone(admin, emma, header, status):
    assert admin.patch(emma, json={"country": "GB"}, headers={"If-Match": header}).status_code == status
    of_next_edit = header.replace("1-", "2-")
    deleted = admin.delete(emma, headers={"If-Match": of_next_edit})
    assert deleted.status_code == (204 if status == 200 else 412)


@pytest.mark.parametrize("body", [{"title": 7}, {"id": 7}, {"year": None}])
def test_invalid_update_changes_nothing(client, admin, emma, body, problem):
    before = client.get(emma).json
    problem(admin.patch(emma, json={"country": "GB", **body}, headers=ANY), 422, *body)
    assert client.get(emma).json == before


STALE, BAD = {"If-Match": '"9-0"'}, {"surprise": 1}


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_errors_have_their_order(client, member, admin, emma, problem, method):
    def ask(person, path, headers):
        own = person.headers if person else {}
        return client.open(path + "?surprise=1", method=method, json=BAD, headers={**own, **headers})

    problem(ask(None, "/v1/movies/99", {}), 401)
    problem(ask(member, "/v1/movies/99", {}), 403)
    problem(ask(admin, "/v1/movies/99", {}), 404)
    problem(ask(admin, "/v1/movies/99", STALE), 404)
    problem(ask(admin, emma, {}), 428)
    problem(ask(admin, emma, STALE), 412)
    assert ask(admin, emma, ANY).status_code == 422
    assert client.get(emma).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [("application/json", b"{", 400), ("application/json", b"", 400), ("text/plain", b"x", 415)],
)
def test_invalid_body_is_reported_after_the_errors_that_precede_it(
    admin, emma, problem, content_type, body, status
):
    kwargs = {"content_type": content_type, "data": body}
    problem(admin.patch("/v1/movies/99", headers=ANY, **kwargs), 404)
    problem(admin.patch(emma, **kwargs), 428)
    problem(admin.patch(emma, headers=STALE, **kwargs), 412)
    problem(admin.patch(emma, headers=ANY, **kwargs), status)


def test_create_movie_requires_authentication(client, problem):
    problem(client.post("/v1/movies", json={"title": ""}), 401)
    problem(client.post("/v1/movies?surprise=1", data=b"{"), 401)


def test_genres_are_listed_with_their_movies(client, member):
    member.post("/v1/movies", json={**EMMA, "genres": ["Comedy", "Romance"]})
    body = client.get("/v1/genres").json
    assert body.keys() == {"items", "next_cursor"}
    assert body["next_cursor"] is None
    counts = {genre["name"]: genre["count"] for genre in body["items"]}
    assert list(counts) == sorted(counts)
    assert {name for name, count in counts.items() if count} == {"Comedy", "Romance"}
