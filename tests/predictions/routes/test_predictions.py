"""Predictions over HTTP: values, and reasons instead of values."""

from datetime import UTC, datetime

import pytest

from predictions import instances
from predictions.routes.conftest import MATCHES, RECOMMENDATIONS, list_ids, predict


def test_prediction_has_a_value_an_interval_and_reasons(member, rated):
    comedy, drama = predict(member, rated[25]), predict(member, rated[26])
    assert drama["value"] + 2 < comedy["value"]
    for body in (comedy, drama):
        assert 0.5 <= body["low"] <= body["value"] <= body["high"] <= 10
        assert body["coverage"] == 0.8
        assert body["based_on"] == 24
        assert 1 <= len(body["because"]) <= 2
        assert {reason["movie"]["id"] for reason in body["because"]} <= set(rated[:24])
        assert body["model"]["ratings"] == instances.USERS * 25
        assert datetime.fromisoformat(body["model"]["trained_at"]) <= datetime.now(UTC)
        assert "reason" not in body


def test_rating_of_the_movie_itself_does_not_count(member, rated):
    before = predict(member, rated[30])
    member.put(f"/v1/movies/{rated[30]}/rating", json={"value": 0.5})
    assert predict(member, rated[30]) == before


def test_new_rating_counts_in_the_next_prediction_and_recommendation(member, rated):
    path = f"/v1/movies/{rated[30]}/prediction"
    before, tag = predict(member, rated[30]), member.get(path).headers["ETag"]
    assert member.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert rated[29] in list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))
    member.put(f"/v1/movies/{rated[29]}/rating", json={"value": 10})
    assert predict(member, rated[30]) != before
    assert member.get(path, headers={"If-None-Match": tag}).status_code == 200
    assert rated[29] not in list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))
    member.delete(f"/v1/movies/{rated[29]}/rating")
    assert predict(member, rated[30]) == before


@pytest.mark.usefixtures("few_used")
def test_prediction_follows_from_the_newest_ratings(member, rated):
    body = predict(member, rated[30])
    assert body["based_on"] == 10
    assert {reason["movie"]["id"] for reason in body["because"]} <= {*rated[14:24]}
    member.put(f"/v1/movies/{rated[3]}/rating", json={"value": 0.5})
    assert predict(member, rated[30]) != body
    # Without the rating of the movie itself, ten others are left.
    assert predict(member, rated[3])["based_on"] == 10


def test_movie_without_ratings_is_predicted_from_its_facts(member, rated, add_movie):
    comedy, drama = (add_movie(genres=[genre], directors=["Director 1"]) for genre in ("Comedy", "Drama"))
    assert predict(member, drama)["value"] < predict(member, comedy)["value"]
    assert predict(member, add_movie(year=1870))["value"] is not None


def test_few_ratings_give_a_reason_and_how_many_are_needed(member, movie_ids):
    instances.rate(member.id, movie_ids[:2], loves_comedies=True)
    body = predict(member, movie_ids[5])
    assert (body["value"], body["reason"], body["needed"]) == (None, "not_enough_ratings", 3)
    assert body["based_on"] == 0
    for path in (RECOMMENDATIONS, MATCHES):
        expected = {"items": [], "next_cursor": None, "reason": "not_enough_ratings", "needed": 3}
        assert member.get(path).json == expected
    instances.rate(member.id, movie_ids[:5], loves_comedies=True)
    assert predict(member, movie_ids[5])["value"] is not None


def test_no_predictions_if_they_are_off(make_app, member, rated):
    client = make_app(PREDICTIONS="off").test_client()
    response = client.get(f"/v1/movies/{rated[30]}/prediction", headers=member.headers)
    assert (response.json["reason"], response.json["based_on"]) == ("no_model", 0)
    assert "movierating_prediction" not in client.get("/metrics").text


def test_metrics_have_the_age_of_a_model_and_the_ratings_behind_without_one(member, files):
    def read_gauges():
        lines = member.get("/metrics").text.splitlines()
        return dict(line.split(" ") for line in lines if line.startswith("movierating_prediction_"))

    everything = {
        f"movierating_prediction_{name}"
        for name in ("model_age_seconds", "ratings_behind", "training_seconds")
    }
    gauges = read_gauges()
    assert gauges.keys() == everything
    assert gauges["movierating_prediction_ratings_behind"] == "0.0"
    files[0].unlink()
    assert read_gauges() == {"movierating_prediction_ratings_behind": f"{instances.USERS * 25}.0"}
    assert "movierating_failed_trainings_total 0.0" in member.get("/metrics").text


def test_requests_without_a_token_are_rejected(client, problem):
    for path in ("/v1/movies/1/prediction", RECOMMENDATIONS, MATCHES, "/v1/users/1/taste-match"):
        problem(client.get(path), 401)
