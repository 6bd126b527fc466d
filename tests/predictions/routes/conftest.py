"""An application with a model, and a member who has rated movies."""

import pytest
from sqlalchemy import select

from movierating.auth.models import User
from movierating.movies.models import Movie
from movierating.predictions import model_store, tastes
from movierating.storage.database import read
from predictions import instances

RECOMMENDATIONS, MATCHES = "/v1/users/me/recommendations", "/v1/users/me/taste-matches"


@pytest.fixture
def app(trained_template, copied, make_app, tmp_path):
    """The application on a database with users, movies and ratings, and with a model, in its context."""
    copied(trained_template, tmp_path / "instance")
    app = make_app()
    with app.app_context():
        yield app


@pytest.fixture
def movie_ids(app):
    """Return the ids of all movies."""
    return sorted(read().scalars(select(Movie.id)))


@pytest.fixture
def user_ids(app):
    """Return the ids of the users of the template."""
    return sorted(read().scalars(select(User.id)))[: instances.USERS]


@pytest.fixture
def files(app):
    """Return the paths of the model and of its people."""
    folder = app.config["INSTANCE_PATH"]
    model = model_store.find_model(read())
    return model_store.get_model_path(folder), model_store.get_people_path(folder, model.version)


@pytest.fixture
def rated(member, movie_ids):
    """The member has rated the first 24 of the movies, as a user who loves comedies; return all movies' ids."""
    instances.rate(member.id, movie_ids[:24], loves_comedies=True)
    return movie_ids


def predict(user, movie_id):
    response = user.get(f"/v1/movies/{movie_id}/prediction")
    assert response.status_code == 200, response.text
    return response.json


def list_ids(response):
    assert response.status_code == 200, response.text
    return [item["movie"]["id"] for item in response.json["items"]]


@pytest.fixture
def few_used(monkeypatch):
    """Let tastes follow from the newest 10 ratings."""
    monkeypatch.setattr(tastes, "MAX_RATINGS", 10)
