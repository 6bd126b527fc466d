"""Up to 1,000 ratings in one call, each naming its movie by one of three ids."""

import pytest
from sqlalchemy.exc import SQLAlchemyError

from movierating.movies import service as movies
from movierating.ratings import batch

RATINGS, DELETE = "/v1/users/me/ratings", "/v1/users/me/ratings/delete"
LARGEST = 2**63 - 1
NAMES = [{"movie_id": 1}, {"imdb_id": "tt0113277"}, {"tmdb_id": 949}]
NOWHERE = [
    {"movie_id": 99},
    {"movie_id": LARGEST},
    {"imdb_id": "tt9999999999"},
    {"tmdb_id": 2**31 - 1},
]


def report(created=0, updated=0, unchanged=0, not_found=()):
    return {"created": created, "updated": updated, "unchanged": unchanged, "not_found": [*not_found]}


@pytest.mark.parametrize("name", NAMES)
def test_batch_accepts_each_kind_of_movie_id(heat, member, exact, name):
    one = {**name, "value": 8.5, "rated_at": "2024-01-15T10:30:00Z"}
    assert member.post(RATINGS, json={"ratings": [one]}).json == report(created=1)
    own = member.get(f"/v1/movies/{heat}/rating").json
    assert (own["value"], own["rated_at"]) == (8.5, one["rated_at"])
    assert member.post(RATINGS, json={"ratings": [one]}).json == report(unchanged=1)
    assert member.post(RATINGS, json={"ratings": [{**name, "value": 3}]}).json == report(updated=1)
    assert exact()
    assert member.post(DELETE, json={"ratings": [name]}).json == {"deleted": 1, "not_found": []}
    assert member.post(DELETE, json={"ratings": [name]}).json == {"deleted": 0, "not_found": [name]}
    assert exact()


def test_batch_sets_the_same_as_single_requests(add_movie, member):
    put, posted = add_movie(), add_movie()
    for value, more in (
        (3, {"rated_at": "2024-01-15T10:30:00Z"}),
        (3, {}),
        (4, {"rated_at": "2020-01-15T10:30:00Z"}),
    ):
        member.put(f"/v1/movies/{put}/rating", json={"value": value, **more})
        member.post(RATINGS, json={"ratings": [{"movie_id": posted, "value": value, **more}]})
        one, other = (member.get(f"/v1/movies/{movie_id}/rating").json for movie_id in (put, posted))
        assert (one["value"], one["rated_at"]) == (other["value"], other["rated_at"])


def test_unknown_movies_of_a_batch_are_listed_and_the_others_are_rated(heat, member, exact):
    ratings = [{**name, "value": 5} for name in (*NOWHERE[:2], NAMES[1], *NOWHERE[2:])]
    assert member.post(RATINGS, json={"ratings": ratings}).json == report(created=1, not_found=NOWHERE)
    names = [*NOWHERE, NAMES[2]]
    assert member.post(DELETE, json={"ratings": names}).json == {"deleted": 1, "not_found": NOWHERE}
    assert exact()


def test_last_of_several_ratings_of_a_movie_in_a_batch_is_stored(heat, member, exact):
    ratings = [{**name, "value": value} for name, value in zip(NAMES, (1, 2, 2), strict=True)]
    assert member.post(RATINGS, json={"ratings": ratings}).json == report(1, 1, 1)
    assert member.get(f"/v1/movies/{heat}/rating").json["value"] == 2
    assert exact()
    response = member.post(DELETE, json={"ratings": [*NAMES, NAMES[0]]})
    assert response.json == {"deleted": 1, "not_found": []}
    assert exact()


def test_batch_has_at_most_1000_ratings(add_many, member, problem, exact):
    names = [{"movie_id": movie_id} for movie_id in add_many(1001)]
    ratings = [{**name, "value": 5} for name in names]
    for path, items in ((RATINGS, ratings), (DELETE, names)):
        problem(member.post(path, json={"ratings": items}), 422, "ratings")
    assert member.post(RATINGS, json={"ratings": ratings[:1000]}).json == report(created=1000)
    assert exact()
    assert member.post(DELETE, json={"ratings": names[:1000]}).json == {"deleted": 1000, "not_found": []}
    assert exact()


@pytest.mark.parametrize(
    ("one", "field"),
    [
        ({"value": 5}, "ratings.1"),
        ({"movie_id": 1, "imdb_id": "tt0113277", "value": 5}, "ratings.1"),
        ({"movie_id": None, "tmdb_id": 949, "value": 5}, "ratings.1.movie_id"),
        ({"movie_id": 0, "value": 5}, "ratings.1.movie_id"),
        ({"movie_id": 2**63, "value": 5}, "ratings.1.movie_id"),
        ({"movie_id": "1", "value": 5}, "ratings.1.movie_id"),
        ({"imdb_id": "113277", "value": 5}, "ratings.1.imdb_id"),
        ({"tmdb_id": 2**31, "value": 5}, "ratings.1.tmdb_id"),
        ({"movie_id": 1}, "ratings.1.value"),
        ({"movie_id": 1, "value": 8.3}, "ratings.1.value"),
        ({"movie_id": 1, "value": 5, "rated_at": "2999-01-01T00:00:00Z"}, "ratings.1.rated_at"),
        ({"movie_id": 1, "value": 5, "note": "x"}, "ratings.1.note"),
        (7, "ratings.1"),
    ],
)
def test_invalid_rating_rejects_the_batch(heat, member, problem, everything, one, field):
    before = everything()["rating"]
    problem(member.post(RATINGS, json={"ratings": [{**NAMES[0], "value": 5}, one]}), 422, field)
    assert everything()["rating"] == before


@pytest.mark.parametrize("body", [{}, {"ratings": []}, {"ratings": None}, {"ratings": {}}])
@pytest.mark.parametrize("path", [RATINGS, DELETE])
def test_batch_without_ratings_is_rejected(member, problem, path, body):
    problem(member.post(path, json=body), 422, "ratings")


def test_failed_batch_changes_nothing(heat, add_movie, user_id, everything, fail_on):
    fail_on("UPDATE", "user")
    before = everything()
    with pytest.raises(SQLAlchemyError):
        batch.rate_batch(user_id, [{"movie_id": heat, "value": 5}, {"movie_id": add_movie(), "value": 5}])
    assert everything()["rating"] == before["rating"]
    assert movies.get_movie(heat).rating_count == 0
