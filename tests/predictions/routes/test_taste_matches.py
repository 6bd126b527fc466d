"""Comparisons with other people, over HTTP, and who is named."""

import pytest
from sqlalchemy import delete, update

from movierating.auth.models import User
from movierating.predictions.taste_matches import MAX_NAMED_MOVIES
from movierating.ratings.models import Rating
from movierating.storage.database import read, write
from predictions import instances
from predictions.routes.conftest import MATCHES, RECOMMENDATIONS, list_ids


@pytest.mark.usefixtures("few_used")
def test_old_ratings_count_wherever_no_taste_is_asked_for(member, rated, user_ids):
    assert set(list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))) == {*rated[24:]}
    member.delete(f"/v1/movies/{rated[2]}/rating")
    assert set(list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))) == {rated[2], *rated[24:]}
    body = member.get(f"/v1/users/{user_ids[0]}/taste-match").json
    assert body["common"] == len(_list_common(user_ids[0], [*rated[:2], *rated[3:24]])) > 10


def test_taste_match_compares_two_people(member, rated, user_ids):
    alike, other = (member.get(f"/v1/users/{user_ids[place]}/taste-match").json for place in (0, 1))
    assert -1 <= other["match"] < alike["match"] <= 1
    assert alike["common"] == len(_list_common(user_ids[0], rated[:24]))
    assert 1 <= len(alike["agree"]) <= MAX_NAMED_MOVIES
    assert all(abs(each["mine"] - each["theirs"]) <= 1 for each in alike["agree"])
    assert all(abs(each["mine"] - each["theirs"]) >= 2 for each in other["differ"])
    assert alike["agree"][0]["movie"]["title"].startswith("Film")


def test_needed_is_the_number_of_ratings_that_the_caller_lacks(member, movie_ids, user_ids):
    """The user `user_ids[0]` has enough ratings."""
    path = f"/v1/users/{user_ids[0]}/taste-match"
    instances.rate(member.id, movie_ids[:2], loves_comedies=True)
    body = member.get(path).json
    assert (body["match"], body["reason"], body["needed"]) == (None, "not_enough_ratings", 3)
    instances.rate(member.id, movie_ids[:5], loves_comedies=True)
    assert member.get(path).json["match"] is not None
    few = delete(Rating).where(Rating.user_id == user_ids[0], Rating.movie_id > movie_ids[3])
    write(lambda connection: connection.execute(few))
    body = member.get(path).json
    assert (body["match"], body["reason"]) == (None, "not_enough_ratings")
    assert "needed" not in body


def _list_common(user_id, movie_ids):
    chosen = Rating.user_id == user_id, Rating.movie_id.in_(movie_ids)
    return read().execute(Rating.__table__.select().where(*chosen)).all()


def test_own_taste_is_not_compared_with_itself(member, problem):
    problem(member.get(f"/v1/users/{member.id}/taste-match"), 422, "user_id")


@pytest.mark.usefixtures("rated")
def test_number_of_movies_in_common_is_that_of_the_comparison(member):
    items = member.get(MATCHES).json["items"]
    assert len({item["common"] for item in items}) > 1
    for item in items:
        comparison = member.get(f"/v1/users/{item['user']['id']}/taste-match").json
        assert item["common"] == comparison["common"]
        assert list(item) == ["user", "match", "common"]
    nearest = Rating.user_id == items[0]["user"]["id"]
    write(lambda connection: connection.execute(delete(Rating).where(nearest)))
    assert member.get(MATCHES).json["items"][0] == {**items[0], "common": 0}


@pytest.mark.usefixtures("rated")
def test_users_who_opted_out_or_left_are_never_named(member, admin, user_ids):
    named = [item["user"]["id"] for item in member.get(MATCHES).json["items"]]
    assert named
    assert set(named) <= set(user_ids)
    assert member.get(f"/v1/users/{named[0]}/taste-match").status_code == 200
    hidden = update(User).where(User.id == named[0]).values(listed=False)
    write(lambda connection: connection.execute(hidden))
    admin.patch(f"/v1/users/{named[1]}", json={"active": False})
    remaining = [item["user"]["id"] for item in member.get(MATCHES).json["items"]]
    assert remaining == named[2:]
    assert [member.get(f"/v1/users/{each}/taste-match").status_code for each in named[:2]] == [404, 404]


def test_nearest_people_are_paginated_and_exclude_the_caller(app, member, rated, problem):
    instances.train(app)
    everyone = member.get(f"{MATCHES}?limit=100").json["items"]
    assert member.id not in [item["user"]["id"] for item in everyone]
    matches = [item["match"] for item in everyone]
    assert matches == sorted(matches, reverse=True)
    first = member.get(f"{MATCHES}?limit=2").json
    second = member.get(f"{MATCHES}?limit=100&cursor={first['next_cursor']}").json
    assert first["items"] + second["items"] == everyone
    problem(member.get(f"{MATCHES}?cursor=bad"), 422, "cursor")
