"""Merging a movie into another one: ratings, ids, titles, and what the former id returns."""

import io
import json
from urllib.parse import quote

import pytest
from sqlalchemy import update

from movierating.errors import Conflict, NotFound
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.operations import checks
from movierating.ratings import exports, merging, service
from movierating.storage.database import db, read, write

EARLY, LATE = "2020-01-01T00:00:00Z", "2024-01-01T00:00:00Z"
ONE, OTHER = "tt0116191", "tt0118308"


@pytest.fixture
def pair(add_movie):
    """The ids of a movie to merge and of the one that stays."""
    return add_movie(title="Emma", imdb_id=ONE, tmdb_id=1), add_movie(
        title="Jane Austen's Emma", imdb_id=OTHER
    )


def rate(user, movie_id, value, rated_at=EARLY):
    response = user.put(f"/v1/movies/{movie_id}/rating", json={"value": value, "rated_at": rated_at})
    assert response.status_code in (200, 201)


def merge(user, movie_id, into_id):
    return user.post(f"/v1/movies/{movie_id}/merge", json={"into": into_id})


def get_value(user, movie_id):
    return user.get(f"/v1/movies/{movie_id}/rating").json["value"]


def set_columns(movie_id, **values):
    write(lambda connection: connection.execute(update(Movie).where(Movie.id == movie_id).values(values)))


def assert_exact():
    assert checks.run_checks(repair=False) == ([], [])


def test_merge_returns_the_movie_that_stays_with_all_ratings(client, admin, member, pair):
    movie_id, into_id = pair
    rate(admin, movie_id, 8)
    rate(member, into_id, 6)
    response = merge(admin, movie_id, into_id)
    assert response.status_code == 200
    assert (response.json["id"], response.json["ratings"]["count"], response.json["ratings"]["mean"]) == (
        into_id,
        2,
        7,
    )
    read_again = client.get(f"/v1/movies/{into_id}")
    assert (read_again.json, read_again.headers["ETag"]) == (response.json, response.headers["ETag"])
    assert get_value(admin, into_id) == 8
    assert_exact()


@pytest.mark.parametrize(
    ("times", "stays"),
    [((EARLY, LATE), 3), ((LATE, EARLY), 9), ((EARLY, EARLY), 3)],
    ids=["older", "newer", "same"],
)
def test_newer_of_two_ratings_of_one_user_stays(admin, pair, times, stays):
    movie_id, into_id = pair
    rate(admin, movie_id, 9, times[0])
    rate(admin, into_id, 3, times[1])
    assert merge(admin, movie_id, into_id).json["ratings"]["count"] == 1
    assert get_value(admin, into_id) == stays
    assert admin.get("/v1/users/me").json["ratings"]["count"] == 1
    assert_exact()


def test_preview_counts_what_the_merge_does(client, admin, sign_up, pair):
    movie_id, into_id = pair
    for own, other in ((EARLY, LATE), (LATE, EARLY), (EARLY, EARLY), (EARLY, None), (None, EARLY)):
        user = sign_up()
        for rated_id, rated_at in ((movie_id, own), (into_id, other)):
            if rated_at is not None:
                rate(user, rated_id, 8, rated_at)
    preview = merging.preview_merge(movie_id, into_id)
    assert (preview.moved, preview.replaced, preview.dropped) == (1, 1, 2)
    assert (preview.movie.id, preview.survivor.id) == pair
    assert merge(admin, movie_id, into_id).json["ratings"]["count"] == 4 + preview.moved


def test_ratings_are_moved_in_batches(admin, sign_up, pair, monkeypatch):
    monkeypatch.setattr(merging, "BATCH_RATINGS", 2)
    movie_id, into_id = pair
    for number, user in enumerate([admin, *(sign_up() for _ in range(6))]):
        rate(user, movie_id, 1 + number)
        if number % 2:
            rate(user, into_id, 10, LATE if number % 4 == 1 else "2010-01-01T00:00:00Z")
    ratings = merge(admin, movie_id, into_id).json["ratings"]
    assert [ratings["histogram"][2 * value - 1] for value in (1, 2, 3, 4, 5, 6, 7, 10)] == [
        1,
        0,
        1,
        1,
        1,
        0,
        1,
        2,
    ]
    assert_exact()


def test_movie_that_stays_takes_ids_and_titles(client, admin, add_titles, pair):
    movie_id, into_id = pair
    add_titles(movie_id, "Emma Woodhouse")
    movie = merge(admin, movie_id, into_id).json
    assert (movie["imdb_id"], movie["tmdb_id"]) == (OTHER, 1)
    assert movie["alternative_titles"] == ["Emma", "Emma Woodhouse"]
    assert client.get(f"/v1/movies/by-imdb/{ONE}").json["id"] == into_id
    assert [each["id"] for each in client.get("/v1/movies?q=woodhouse").json["items"]] == [into_id]


FACTS = {
    "original_title": "Mademoiselle Emma",
    "runtime_minutes": 100,
    "genres": ["Drama"],
    "directors": ["Agnès Varda"],
    "language": "fr",
    "country": "FR",
}


def test_movie_that_stays_takes_the_facts_that_it_lacks(client, admin, add_movie):
    movie_id = add_movie(title="Emma", imdb_id=ONE, **FACTS)
    into_id = add_movie(title="Jane Austen's Emma", imdb_id=OTHER)
    movie = merge(admin, movie_id, into_id).json
    assert {name: movie[name] for name in FACTS} == FACTS
    assert movie["alternative_titles"] == ["Emma"]
    for query in (
        "genre=Drama",
        "director=Agnes+Varda",
        "language=fr",
        "country=FR",
        "q=varda",
        "q=mademoiselle",
    ):
        assert [each["id"] for each in client.get(f"/v1/movies?{query}").json["items"]] == [into_id]
    assert_exact()


def test_movie_that_stays_keeps_the_facts_that_it_has(admin, add_movie):
    movie_id = add_movie(title="Emma", imdb_id=ONE, **FACTS)
    own = {
        **FACTS,
        **{
            "original_title": "Emma.",
            "genres": ["Comedy"],
            "directors": ["Autumn de Wilde"],
            "country": "GB",
        },
    }
    into_id = add_movie(title="Jane Austen's Emma", imdb_id=OTHER, **own)
    movie = merge(admin, movie_id, into_id).json
    assert {name: movie[name] for name in own} == own
    assert_exact()


@pytest.mark.parametrize("prominences", [(70, 20), (20, 70)])
def test_movie_that_stays_takes_the_larger_prominence(admin, pair, prominences):
    for movie_id, prominence in zip(pair, prominences, strict=True):
        set_columns(movie_id, prominence=prominence)
    assert merge(admin, *pair).json["prominence"] == 70


@pytest.mark.parametrize(
    ("facts", "into", "year"),
    [
        ({"title": "Emma", "imdb_id": ONE}, {"title": "Emma"}, 1996),
        ({"title": "Emma"}, {"title": "Jane Austen's Emma", "imdb_id": ONE}, 1996),
        ({"title": "Emma"}, {"title": "Émma"}, 1996),
        # Another movie without ids may have the title and the year.
        ({"title": "Emma"}, {"title": "Jane Austen's Emma"}, None),
    ],
)
def test_movie_that_stays_takes_the_year_if_no_other_movie_can_have_it(admin, add_movie, facts, into, year):
    add_movie(title="Jane Austen's Emma", year=1996)
    movie_id, into_id = add_movie(**facts, year=1996), add_movie(**into, year=2000)
    set_columns(into_id, year=None)
    checks.run_checks(repair=True)
    assert merge(admin, movie_id, into_id).json["year"] == year
    assert_exact()


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
    rows = exports._read_rows(db.engine, admin.id)
    next(rows)
    merge(admin, *pair)
    assert [(row.title, row.value) for row in rows] == [("Jane Austen's Emma", 16)]


def test_replaced_ratings_of_a_merged_movie_name_the_one_that_stayed(admin, pair):
    merge(admin, *pair)
    replaced = exports.write_replaced(read(), [(pair[0], 16, 0)])
    assert replaced is not None
    assert replaced.splitlines()[1].startswith(OTHER)


def test_movie_with_an_id_of_a_merged_one_is_rejected(admin, pair, add_movie):
    merge(admin, *pair)
    with pytest.raises(Conflict):
        movies.create_movie({"title": "Other", "year": 1990, "imdb_id": ONE})
    with pytest.raises(Conflict):
        movies.update_movie(add_movie(), None, {"imdb_id": ONE})
    assert movies.update_movie(pair[1], None, {"imdb_id": ONE}).imdb_id == ONE


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"into": 1}, "into"),
        ({"into": 999}, "into"),
        ({"into": 2**63 - 1}, "into"),
        ({"into": 2**63}, "into"),
        ({"into": 0}, "into"),
        ({"into": "2"}, "into"),
        ({"into": 2.5}, "into"),
        ({"into": True}, "into"),
        ({"into": None}, "into"),
        ({}, "into"),
        ({"into": 2, "x": 1}, "x"),
    ],
    ids=str,
)
def test_invalid_merge_is_rejected_and_changes_nothing(admin, pair, problem, body, field):
    assert pair == (1, 2)
    rate(admin, 1, 8)
    problem(admin.post("/v1/movies/1/merge", json=body), 422, field)
    assert [movies.get_movie(movie_id).rating_count for movie_id in pair] == [1, 0]


def test_merge_into_a_merged_movie_goes_to_the_one_that_stayed(admin, pair, add_movie, problem):
    movie_id, into_id = pair
    other_id = add_movie()
    merge(admin, movie_id, into_id)
    assert merge(admin, other_id, movie_id).json["id"] == into_id
    problem(merge(admin, into_id, movie_id), 422, "into")


def test_only_admins_merge_movies_that_exist(client, member, admin, pair, problem):
    problem(client.post(f"/v1/movies/{pair[0]}/merge", json={"into": pair[1]}), 401)
    problem(merge(member, *pair), 403)
    problem(merge(admin, 999, pair[1]), 404)
    problem(admin.post("/v1/movies/999/merge", json={}), 404)


def test_two_merges_in_opposite_directions_leave_one_movie(admin, pair, at_once):
    rate(admin, pair[0], 8)
    calls = [
        lambda client, ids=ids: client.post(
            f"/v1/movies/{ids[0]}/merge", json={"into": ids[1]}, headers=admin.headers
        )
        for ids in (pair, pair[::-1])
    ]
    assert sorted(response.status_code for response in at_once(*calls)) in ([200, 409], [200, 422])
    assert [movies.find_survivor(movie_id) is None for movie_id in pair].count(True) == 1
    assert_exact()


def test_ratings_written_during_a_merge_are_not_lost(admin, sign_up, pair, at_once, monkeypatch):
    monkeypatch.setattr(merging, "BATCH_RATINGS", 2)
    movie_id, into_id = pair
    users = [sign_up() for _ in range(4)]
    for user in users[:3]:
        rate(user, movie_id, 2)

    def put(client, user):
        body = {"value": 9, "rated_at": LATE}
        path = f"/v1/movies/{movie_id}/rating"
        response = client.put(path, json=body, headers=user.headers)
        if response.status_code == 308:
            response = client.put(response.headers["Location"], json=body, headers=user.headers)
        return response

    start = lambda client: client.post(  # noqa: E731
        f"/v1/movies/{movie_id}/merge", json={"into": into_id}, headers=admin.headers
    )
    responses = at_once(start, *(lambda client, user=user: put(client, user) for user in users))
    assert {response.status_code for response in responses} <= {200, 201}
    assert [get_value(user, into_id) for user in users] == 4 * [9]
    assert_exact()


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
