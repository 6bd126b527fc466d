"""Movies that were merged: what their former ids, external ids and titles lead to."""

import io
import json
from urllib.parse import quote

import pytest

from movierating.errors import Conflict, NotFound
from movierating.movies import service as movies
from movierating.ratings import exports, service
from movierating.storage.database import db, read
from ratings.merges import ONE, OTHER, get_value, merge, rate


@pytest.mark.parametrize(
    ("method", "suffix", "status"),
    [
        ("GET", "", 301),
        ("HEAD", "", 301),
        ("GET", "/ratings?limit=3&cursor=abc", 301),
        ("GET", "/ratings?limit=3", 301),
        ("GET", "/rating", 301),
        ("PUT", "/rating", 308),
        ("DELETE", "/rating", 308),
    ],
)
def test_former_id_redirects(admin, pair, method, suffix, status):
    movie_id, into_id = pair
    merge(admin, movie_id, into_id)
    json = {"value": 8} if method == "PUT" else None
    response = admin._send(method, f"/v1/movies/{movie_id}{suffix}", json=json, headers={"If-Match": "*"})
    assert (response.status_code, response.data) == (status, b"")
    assert response.headers["Location"] == f"/v1/movies/{into_id}{suffix}"


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("PATCH", "", {"title": "X"}),
        ("DELETE", "?with_ratings=true", None),
        ("POST", "/merge", {"into": 3}),
        ("POST", "/merge", {"into": 2}),
        ("POST", "/merge", {}),
    ],
)
def test_change_of_a_merged_movie_names_the_one_that_stays(
    client, admin, member, pair, add_movie, problem, method, suffix, body
):
    movie_id, into_id = pair
    add_movie()
    merge(admin, movie_id, into_id)
    before = client.get(f"/v1/movies/{into_id}").data
    options = {"json": body, "headers": {"If-Match": "*"}}
    response = admin._send(method, f"/v1/movies/{movie_id}{suffix}", **options)
    problem(response, 409)
    assert response.json["type"] == "/problems/movie-merged"
    assert response.json["detail"] == f"Movie {movie_id} was merged into movie {into_id}."
    assert response.json["conflict"] == {"field": "movie_id", "movie_id": into_id}
    assert client.get(f"/v1/movies/{into_id}").data == before
    problem(member._send(method, f"/v1/movies/{movie_id}{suffix}", **options), 403)


@pytest.mark.parametrize("body", [None, {}, {"value": 11}], ids=str)
def test_former_id_redirects_a_request_with_an_invalid_body(admin, pair, body):
    merge(admin, *pair)
    assert admin.put(f"/v1/movies/{pair[0]}/rating", json=body).status_code == 308


def test_chains_of_merges_are_flattened_and_end_with_the_movie(client, admin, pair, add_movie):
    movie_id, into_id = pair
    last_id = add_movie(title="Emma.")
    merge(admin, movie_id, into_id)
    merge(admin, into_id, last_id)
    for former_id in pair:
        assert client.get(f"/v1/movies/{former_id}").headers["Location"] == f"/v1/movies/{last_id}"
    assert client.get(f"/v1/movies/by-imdb/{ONE}").json["id"] == last_id
    service.delete_movie(last_id, None, with_ratings=False)
    assert [client.get(f"/v1/movies/{former_id}").status_code for former_id in pair] == [404, 404]
    with pytest.raises(NotFound):
        movies.get_movie_by_imdb_id(ONE)


def test_cached_responses_are_invalid_after_a_merge(client, admin, pair):
    movie_id, into_id = pair
    rate(admin, movie_id, 8)
    paths = [f"/v1/movies/{movie_id}", f"/v1/movies/{into_id}", f"/v1/movies/{into_id}/ratings", "/v1/movies",
             f"/v1/users/{admin.id}/ratings"]  # fmt: skip
    before = [client.get(path).data for path in 2 * paths][len(paths) :]
    merge(admin, movie_id, into_id)
    responses = [client.get(path) for path in paths]
    assert responses[0].status_code == 301
    assert [response.data == old for response, old in zip(responses, before, strict=True)] == 5 * [False]


def test_cursor_continues_after_a_merge(client, admin, add_movie):
    ids = [add_movie() for _ in range(6)]
    page = client.get("/v1/movies?sort=-created_at&limit=2").json
    merge(admin, page["items"][-1]["id"], ids[0])
    merge(admin, ids[2], ids[0])
    rest = client.get(f"/v1/movies?sort=-created_at&limit=10&cursor={page['next_cursor']}").json
    assert [movie["id"] for movie in rest["items"]] == [ids[3], ids[1], ids[0]]


def test_movie_is_found_by_the_tmdb_id_of_a_merged_one(client, admin, pair):
    movie_id, into_id = pair
    movies.update_movie(into_id, None, {"tmdb_id": 2})
    merge(admin, movie_id, into_id)
    paths = [f"/v1/movies/{into_id}", "/v1/movies/by-tmdb/1", "/v1/movies/by-tmdb/2"]
    assert len({client.get(path).data for path in paths}) == 1


@pytest.mark.parametrize("key", ["movie_id", "imdb_id", "tmdb_id"])
def test_bulk_requests_find_a_movie_by_the_ids_of_a_merged_one(admin, pair, key):
    movie_id, into_id = pair
    movies.update_movie(into_id, None, {"tmdb_id": 2})
    merge(admin, movie_id, into_id)
    item = {key: {"movie_id": movie_id, "imdb_id": ONE, "tmdb_id": 1}[key]}
    report = admin.post("/v1/users/me/ratings", json={"ratings": [{**item, "value": 7}]}).json
    assert (report["created"], report["not_found"]) == (1, [])
    assert get_value(admin, into_id) == 7
    assert admin.post("/v1/users/me/ratings/delete", json={"ratings": [item]}).json["deleted"] == 1


@pytest.mark.parametrize("row", [f"{ONE},,X,1950", ",1,X,1950", ",,Emma,2000"], ids=["imdb", "tmdb", "title"])
def test_import_finds_a_movie_by_the_ids_and_titles_of_a_merged_one(admin, pair, row):
    movie_id, into_id = pair
    movies.update_movie(into_id, None, {"tmdb_id": 2})
    merge(admin, movie_id, into_id)
    file = io.BytesIO(f"imdb_id,tmdb_id,title,year,value\n{row},7\n".encode())
    path = "/v1/users/me/ratings/import?create_missing=true"
    report = admin.post(path, data={"file": (file, "mine.csv")}).json
    assert (report["created"], report["unmatched"]) == (1, [])
    assert get_value(admin, into_id) == 7


def test_choice_of_a_merged_movie_takes_the_one_that_stayed(admin, pair):
    merge(admin, *pair)
    file = io.BytesIO(b"title,year,value\nUnknown,1950,7\n")
    data = {"file": (file, "mine.csv")}
    path = "/v1/users/me/ratings/import?choices=" + quote(json.dumps({"2": pair[0]}))
    report = admin.post(path, data=data).json
    assert (report["created"], report["unmatched"]) == (1, [])
    assert get_value(admin, pair[1]) == 7


def test_export_has_the_ratings_of_a_movie_that_is_merged_meanwhile(admin, pair, add_movie, monkeypatch):
    monkeypatch.setattr(exports, "_PAGE_ROWS", 1)
    rate(admin, add_movie(title="First"), 5, "2000-01-01T00:00:00Z")
    rate(admin, pair[0], 8)
    rows = exports._iterate_rows(db.engine, exports._read_ratings(admin.id))
    next(rows)
    merge(admin, *pair)
    assert [(row.title, row.value) for row in rows] == [("Jane Austen's Emma", 16)]


def test_replaced_ratings_of_a_merged_movie_name_the_one_that_stayed(admin, pair):
    merge(admin, *pair)
    replaced = exports.format_replaced(read(), [(pair[0], 16, 0)])
    assert replaced is not None
    assert replaced.splitlines()[1].startswith(OTHER)


def test_movie_with_an_id_of_a_merged_one_is_rejected(admin, pair, add_movie):
    merge(admin, *pair)
    with pytest.raises(Conflict):
        movies.create_movie({"title": "Other", "year": 1990, "imdb_id": ONE})
    with pytest.raises(Conflict):
        movies.update_movie(add_movie(), None, {"imdb_id": ONE})
    assert movies.update_movie(pair[1], None, {"imdb_id": ONE}).imdb_id == ONE


@pytest.mark.parametrize("name", ["title", "original_title"])
def test_import_finds_the_title_of_a_merged_movie_as_original_title_of_a_row(
    admin, add_movie, import_rows, rated, name
):
    into_id = add_movie(title="Jane Austen's Emma", year=2002)
    merge(admin, add_movie(**{"title": "Heart", name: "Emma!", "year": 1999}), into_id)
    import_rows(admin.id, ",,Эмма,Emma,1999,7,", create_missing=True)
    assert rated(admin.id).keys() == {into_id}


@pytest.mark.parametrize("ids", [{}, {"imdb_id": "tt0116191"}], ids=["without_ids", "with_ids"])
@pytest.mark.parametrize("title", ["Emma Woodhouse", "The Emma: Woodhouse!", "Emmas Haus"])
@pytest.mark.parametrize("options", ["", "?create_missing=true"], ids=["plain", "create"])
def test_import_finds_the_former_title_and_year_of_a_merged_movie(admin, add_movie, title, ids, options):
    movie_id = add_movie(title="Emma Woodhouse", original_title="Emmas Haus", year=1999, **ids)
    into_id = add_movie(title="Emma Woodhouse", year=2000, imdb_id=OTHER)
    merge(admin, movie_id, into_id)
    file = io.BytesIO(f"title,year,value\n{title},1999,7\n".encode())
    report = admin.post(f"/v1/users/me/ratings/import{options}", data={"file": (file, "mine.csv")}).json
    assert (report["created"], report["unmatched"]) == (1, [])
    assert get_value(admin, into_id) == 7
