"""Instances with too few ratings return a reason instead of a prediction, and never an error."""

import pytest

from predictions import instances

RECOMMENDATIONS, MATCHES = "/v1/users/me/recommendations", "/v1/users/me/taste-matches"


def predict(user, movie_id):
    response = user.get(f"/v1/movies/{movie_id}/prediction")
    assert response.status_code == 200, response.text
    return response.json


@pytest.mark.parametrize("count", [0, 1, 2, 3, 9])
def test_few_people_give_a_reason(app, member, admin, add_movie, count, problem):
    movie_id = add_movie()
    for user_id in instances.add_users(count):
        instances.rate(user_id, [movie_id], loves_comedies=True)
    body = predict(member, movie_id)
    assert (body["value"], body["reason"], body["needed"]) == (None, "not_enough_people", 10 - count)
    assert member.get(RECOMMENDATIONS).json["reason"] == "not_enough_people"
    assert admin.get(f"/v1/users/{member.id}/taste-match").json["reason"] == "not_enough_people"
    problem(member.get("/v1/movies/999/prediction"), 404)
    problem(member.get("/v1/users/999/taste-match"), 404)


def test_without_a_model_there_is_a_reason(member):
    _, movie_ids = instances.fill()
    instances.rate(member.id, movie_ids[:24], loves_comedies=True)
    body = predict(member, movie_ids[30])
    assert (body["value"], body["reason"], body["model"]) == (None, "no_model", None)
    assert member.get(RECOMMENDATIONS).json["reason"] == "no_model"
    assert member.get(MATCHES).json["reason"] == "no_model"


def test_one_person_who_rated_everything_and_equal_ratings(app, member, add_movie):
    """Predictions of degenerate data are numbers within the scale."""
    movie_ids = [add_movie(year=1950 + number) for number in range(30)]
    for user_id in instances.add_users(12):
        for movie_id in movie_ids[: 1 if user_id % 2 else 30]:
            instances.rate_movie(user_id, movie_id, 14, None)
    for movie_id in movie_ids[:10]:
        instances.rate_movie(member.id, movie_id, 14, None)
    instances.train(app)
    body = predict(member, movie_ids[20])
    assert body["value"] == pytest.approx(7, abs=0.5)
    assert member.get(RECOMMENDATIONS).status_code == 200
    assert member.get(MATCHES).status_code == 200
