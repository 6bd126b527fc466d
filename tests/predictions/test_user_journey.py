"""Predictions over HTTP: people sign up, rate and request predictions, and workers do not import numpy."""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from predictions import instances
from service_process import make_program

PASSWORD = "correct horse battery"


@pytest.fixture
def instance(empty_instance, copied, tmp_path, make_app):
    """An instance folder with movies."""
    folder = copied(empty_instance, tmp_path / "instance")
    with make_app().app_context():
        instances.add_movies(12)
    return folder


@pytest.fixture
def send(serve, instance):
    """`send("GET", "/v1/movies", token, body)` returns the JSON of a response of the service."""
    # On a busy machine the service might train before the test does.
    service = serve(instance, program=make_program("prediction_training.FIRST_CHECK_SECONDS = 3600"))

    def request(method, path, token=None, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        sent = urllib.request.Request(service.url + path, data, headers, method=method)
        with urllib.request.urlopen(sent, timeout=60) as response:
            return json.load(response)

    request.service = service
    return request


def test_people_sign_up_rate_train_and_ask(send, run):
    def join(number):
        name = f"user{number}"
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        user_id = send("POST", "/v1/users", body=body)["id"]
        token = send("POST", "/v1/auth/login", body={"login": name, "password": PASSWORD})["access_token"]
        # One half loves the movies with even ids, the other half those with odd ids. Everybody leaves some out.
        ratings = [
            {"movie_id": movie_id, "value": 9 if movie_id % 2 == number % 2 else 2}
            for movie_id in range(1, 13)
            if movie_id % 6 != number // 2 % 6
        ]
        send("POST", "/v1/users/me/ratings", token, {"ratings": ratings})
        return user_id, token

    with ThreadPoolExecutor(4) as threads:
        users = list(threads.map(join, range(12)))
    (_, token), (alike, _), (other, _) = users[0], users[2], users[1]
    assert send("GET", "/v1/movies/6/prediction", token)["reason"] == "no_model"
    trained = run("predictions", "train")
    assert (trained.returncode, trained.stderr) == (0, "")
    loved, hated = (send("GET", f"/v1/movies/{movie_id}/prediction", token) for movie_id in (6, 12))
    assert loved["value"] is not None
    assert loved["based_on"] == hated["based_on"] == 10
    listed = send("GET", "/v1/users/me/recommendations", token)["items"]
    assert {item["movie"]["id"] for item in listed} == {6, 12}
    matches = [send("GET", f"/v1/users/{user_id}/taste-match", token)["match"] for user_id in (alike, other)]
    assert matches[0] > matches[1]
    for pid in [send.service.process.pid, *send.service.list_worker_pids()]:
        assert "numpy" not in Path(f"/proc/{pid}/maps").read_text()
    assert send.service.stop() == 0
