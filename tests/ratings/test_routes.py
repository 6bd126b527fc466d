"""Rating a movie over HTTP."""

import re
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from math import floor

import pytest

from movierating import clock
from movierating.storage.sqlite.write_queue import MAX_WAITING_THREADS

NEW_YEAR = "2024-01-01T00:00:00Z"


@pytest.fixture
def movie(add_movie):
    """The address of a movie."""
    return f"/v1/movies/{add_movie(title='Emma', year=1996)}"


def rate(person, movie, value, **more):
    return person.put(f"{movie}/rating", json={"value": value, **more})


def test_a_first_rating_is_created_and_counted(client, member, movie):
    response = rate(member, movie, 8.5)
    assert response.status_code == 201
    assert list(response.json) == ["value", "rated_at", "created_at", "updated_at", "ratings"]
    histogram = [0] * 16 + [1] + [0] * 3
    assert response.json["ratings"] == {
        "count": 1,
        "mean": 8.5,
        "score": (162.5 + 8.5) / 26,
        "histogram": histogram,
    }
    assert response.json["rated_at"] == response.json["created_at"] == response.json["updated_at"]
    assert client.get(movie).json["ratings"] == response.json["ratings"]


@pytest.mark.parametrize(
    "value", [0, 0.25, 10.5, -1, 9999, 1e300, "8", True, None, [], {}, 8.3, 8.25, "", "9999"], ids=repr
)
def test_a_value_off_the_scale_is_rejected(client, member, movie, problem, value):
    problem(rate(member, movie, value), 422, "value")
    assert client.get(movie).json["ratings"]["count"] == 0


def test_a_number_that_json_cannot_represent_is_rejected(member, movie, problem):
    body = {"data": b'{"value": 1e309}', "content_type": "application/json"}
    problem(member.put(f"{movie}/rating", **body), 400)


def test_every_value_survives_export_and_import(member, movie):
    for value in (step / 2 for step in range(1, 21)):
        assert rate(member, movie, value).json["value"] == value
        assert member.get(f"{movie}/rating").json["value"] == value


def test_the_same_rating_again_changes_nothing(client, member, movie):
    first, tag = rate(member, movie, 8), client.get(movie).headers["ETag"]
    again = rate(member, movie, 8)
    assert again.status_code == 200
    assert again.json == first.json
    assert client.get(movie).headers["ETag"] == tag


def test_second_rating_of_a_movie_replaces_the_first(client, member, movie):
    first = rate(member, movie, 3, rated_at=NEW_YEAR).json
    response = rate(member, movie, 9)
    assert response.status_code == 200
    assert (response.json["ratings"]["count"], response.json["ratings"]["mean"]) == (1, 9)
    assert response.json["created_at"] == first["created_at"]
    assert response.json["updated_at"] > first["updated_at"]
    assert response.json["rated_at"] == response.json["updated_at"]
    assert len(client.get(f"{movie}/ratings").json["items"]) == 1


def test_unchanged_value_changes_its_time_only_to_one_that_is_sent(member, movie):
    rate(member, movie, 8, rated_at=NEW_YEAR)
    assert rate(member, movie, 8).json["rated_at"] == NEW_YEAR
    moved = rate(member, movie, 8, rated_at="2023-05-06T07:08:09.123456+02:00")
    assert moved.status_code == 200
    assert moved.json["rated_at"] == "2023-05-06T05:08:09.123456Z"
    assert moved.json["ratings"]["count"] == 1
    assert rate(member, movie, 7, rated_at=NEW_YEAR).json["rated_at"] == NEW_YEAR


@pytest.mark.parametrize(
    "rated_at", ["1969-07-20T20:17:40Z", "1895-12-28T20:00:00+00:09", "0001-01-01T00:00:00Z"]
)
def test_a_rating_may_be_older_than_the_clock(member, movie, rated_at):
    shown = rate(member, movie, 8, rated_at=rated_at).json["rated_at"]
    assert shown[:4] == rated_at[:4]
    assert member.get(f"{movie}/rating").json["rated_at"] == shown


@pytest.mark.parametrize(
    "rated_at", ["2999-01-01T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00", "", 1704067200, True]
)
def test_rated_at_may_be_in_the_past(member, movie, problem, rated_at):
    problem(rate(member, movie, 8, rated_at=rated_at), 422, "rated_at")


def test_null_as_rated_at_does_not_change_the_time(member, movie):
    rate(member, movie, 8, rated_at=NEW_YEAR)
    assert rate(member, movie, 8, rated_at=None).json["rated_at"] == NEW_YEAR


def test_time_in_the_future_is_rejected(member, movie, problem):
    soon = clock.format_rfc3339(clock.now() + 60 * clock.SECOND)
    problem(rate(member, movie, 8, rated_at=soon), 422, "rated_at")


@pytest.mark.parametrize("field", ["user_id", "user", "movie_id", "id", "created_at"])
def test_rating_with_unknown_fields_is_rejected(member, movie, problem, field):
    problem(rate(member, movie, 8, **{field: 1}), 422, field)


def test_deleted_rating_is_gone_and_not_counted(client, member, movie, problem):
    before = client.get(movie).json
    rate(member, movie, 8)
    response = member.delete(f"{movie}/rating")
    assert (response.status_code, response.data, response.content_type) == (204, b"", None)
    for method in ("get", "delete"):
        problem(getattr(member, method)(f"{movie}/rating"), 404)
    assert client.get(movie).json == before
    assert client.get(f"{movie}/ratings").json == {"items": [], "next_cursor": None}
    assert rate(member, movie, 8).status_code == 201


# Movary once joined ratings to movies without asking whose they are.
def test_own_rating_is_that_of_the_caller_alone(sign_up, movie, problem):
    ada, bob, eve = sign_up("ada"), sign_up("bob"), sign_up("eve")
    rate(ada, movie, 2), rate(bob, movie, 9)
    assert ada.get(f"{movie}/rating").json["value"] == 2
    assert bob.get(f"{movie}/rating").json["value"] == 9
    problem(eve.get(f"{movie}/rating"), 404)
    problem(eve.delete(f"{movie}/rating"), 404)
    assert ada.get(f"/v1/users/{ada.id}/ratings").json["items"][0]["value"] == 2


def test_rating_requires_authentication(client, movie, problem):
    for method in ("GET", "PUT", "DELETE"):
        problem(client.open(f"{movie}/rating", method=method, json={"value": "x"}), 401)
    assert client.get(movie).json["ratings"]["count"] == 0


def test_rating_a_missing_movie_returns_404(member, problem):
    for number in ("99", "9" * 30):
        problem(member.put(f"/v1/movies/{number}/rating", json={"value": 8}), 404)
        problem(member.put(f"/v1/movies/{number}/rating", json={"value": "x"}), 404)
        problem(member.get(f"/v1/movies/{number}/rating"), 404)
        problem(member.delete(f"/v1/movies/{number}/rating"), 404)
        problem(member.get(f"/v1/movies/{number}/ratings?limit=0"), 404)


# Others compute it as (old mean + new value) / count.
def test_the_mean_is_that_of_all_ratings(client, sign_up, movie):
    values = [10, 10, 1, 0.5, 7.5]
    means = [rate(sign_up(), movie, value).json["ratings"]["mean"] for value in values]
    exact = [Fraction(sum(map(Fraction, values[:count])), count) for count in range(1, 6)]
    assert means == [floor(mean * 100 + Fraction(1, 2)) / 100 for mean in exact]
    assert means == [10, 10, 7, 5.38, 5.8]
    assert client.get(movie).json["ratings"]["mean"] == 5.8


def test_ratings_that_come_at_once_are_all_counted(app, client, sign_up, movie):
    people = [sign_up() for _ in range(5)]
    values = [value / 2 for value in range(1, 21)]

    def rate_all(person):
        own = app.test_client()
        return {
            own.put(f"{movie}/rating", json={"value": value}, headers=person.headers).status_code
            for value in values[person.id % 5 :]
        }

    with ThreadPoolExecutor(MAX_WAITING_THREADS) as pool:
        assert list(pool.map(rate_all, people)) == [{200, 201}] * 5
    assert client.get(movie).json["ratings"] == {
        "count": 5, "mean": 10, "score": (162.5 + 50) / 30, "histogram": [0] * 19 + [5]
    }  # fmt: skip


def test_first_rating_sent_many_times_at_once_is_stored_once(app, client, member, movie):
    def send(_):
        return app.test_client().put(f"{movie}/rating", json={"value": 7}, headers=member.headers).status_code

    with ThreadPoolExecutor(MAX_WAITING_THREADS) as pool:
        assert sorted(pool.map(send, range(16))) == [200] * 15 + [201]
    assert client.get(movie).json["ratings"]["count"] == 1


def test_ratings_of_a_movie_are_listed_newest_first_with_their_users(client, sign_up, movie):
    people = [sign_up(name) for name in ("ada", "bob", "eve")]
    for person, day in zip(people, ("02", "03", "01"), strict=True):
        rate(person, movie, 8, rated_at=f"2024-01-{day}T00:00:00Z")
    items = client.get(f"{movie}/ratings").json["items"]
    assert [item["user"]["username"] for item in items] == ["bob", "ada", "eve"]
    assert items[0]["user"] == {"id": people[1].id, "username": "bob", "display_name": "bob"}
    assert items[0].keys() == {"user", "value", "rated_at", "created_at", "updated_at"}
    assert "@" not in client.get(f"{movie}/ratings").text


def test_ratings_of_one_moment_are_walked_without_loss(client, sign_up, movie):
    for _ in range(5):
        rate(sign_up(), movie, 8, rated_at=NEW_YEAR)
    seen, address = [], f"{movie}/ratings?limit=2"
    while address:
        page = client.get(address)
        seen += [item["user"]["id"] for item in page.json["items"]]
        address = re.sub(r'<(.+)>; rel="next"', r"\1", page.headers.get("Link", ""))
    assert len(seen) == len(set(seen)) == 5


def test_a_deactivated_rater_is_not_listed_but_counted(client, admin, member, movie):
    rate(member, movie, 8)
    admin.patch(f"/v1/users/{member.id}", json={"active": False})
    assert client.get(f"{movie}/ratings").json["items"] == []
    assert client.get(movie).json["ratings"]["count"] == 1


def test_etag_of_a_movies_ratings_changes_with_them(client, member, movie):
    rate(member, movie, 8)
    tag = client.get(f"{movie}/ratings").headers["ETag"]
    assert client.get(f"{movie}/ratings", headers={"If-None-Match": tag}).status_code == 304
    rate(member, movie, 7)
    assert client.get(f"{movie}/ratings", headers={"If-None-Match": tag}).status_code == 200
