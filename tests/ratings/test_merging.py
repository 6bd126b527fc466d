"""Merging a movie into another one: ratings, facts, titles, permissions, and concurrent requests."""

import pytest

from movierating.movies import service as movies
from movierating.operations import checks
from movierating.ratings import merging
from ratings.merges import EARLY, LATE, ONE, OTHER, assert_exact, get_value, merge, rate, set_columns


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
    move, moved = merging._move_ratings, []
    monkeypatch.setattr(merging, "_move_ratings", lambda *batch: moved.append(move(*batch)) or moved[-1])
    movie_id, into_id = pair
    for number, user in enumerate([admin, *(sign_up() for _ in range(6))]):
        rate(user, movie_id, 1 + number)
        if number % 2:
            rate(user, into_id, 10, LATE if number % 4 == 1 else "2010-01-01T00:00:00Z")
    ratings = merge(admin, movie_id, into_id).json["ratings"]
    counts = {value: ratings["histogram"][2 * value - 1] for value in (1, 2, 3, 4, 5, 6, 7, 10)}
    assert counts == {1: 1, 2: 0, 3: 1, 4: 1, 5: 1, 6: 0, 7: 1, 10: 2}
    assert moved == [2, 2, 2, 1, 0]
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
    movie_id = add_movie(title="Emma", year=1996, imdb_id=ONE, **FACTS)
    other = {
        "original_title": "Emma.",
        "genres": ["Comedy"],
        "directors": ["Autumn de Wilde"],
        "country": "GB",
    }
    own = {**FACTS, **other, "year": 2020}
    into_id = add_movie(title="Emma", imdb_id=OTHER, **own)
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
