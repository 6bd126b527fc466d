"""An instance with ratings that a model can be trained on."""

import random
from functools import partial

from sqlalchemy import insert

from movierating import create_app
from movierating.auth.models import User
from movierating.movies import service as movies
from movierating.predictions.training.run import train_instance
from movierating.ratings.service import rate_movie
from movierating.storage import database

USERS, MOVIES = 14, 40
# What a training of an instance adds to the header; it takes part in no prediction.
HEADER = {
    **{"version": "1", "database": "", "trained_at": 5, "training_seconds": 1.5},
    **{"cold_trained_at": 5, "cold_rating_count": 1},
}


def add_users(count, **columns):
    """Add accounts `rater1` … that can't log in, and return their ids."""
    rows = [
        {"username": f"rater{n}", "username_key": f"rater{n}", "display_name": f"Rater {n}"}
        | {"created_at": 1, "updated_at": 1, **columns}
        for n in range(1, count + 1)
    ]
    job = partial(_insert, rows=rows)
    return database.write(job)


def _insert(connection, rows):
    return [connection.scalar(insert(User).values(row).returning(User.id)) for row in rows]


def add_movies(count=MOVIES):
    """Add movies: comedies and dramas of two languages and several years, and return their ids."""
    return [
        movies.create_movie(
            {
                "title": f"Film {n}",
                "year": 1960 + n,
                "genres": ["Comedy"] if n % 2 else ["Drama"],
                "language": "en" if n % 3 else "fr",
                "directors": [f"Director {n % 7}"],
            }
        ).id
        for n in range(count)
    ]


def rate(user_id, movie_ids, loves_comedies):
    """Rate movies as a user who prefers comedies, or dramas."""
    for movie_id in movie_ids:
        is_loved = (movie_id % 2 == 0) == loves_comedies
        value = random.Random(user_id * 1000 + movie_id).choice((15, 16, 17, 18))
        rate_movie(user_id, movie_id, value - 8 * (not is_loved), None)


def fill(users=USERS):
    """Add users and movies, and let each user rate 25 of the movies; return the ids of both."""
    user_ids, movie_ids = add_users(users), add_movies()
    for number, user_id in enumerate(user_ids):
        chosen = random.Random(number).sample(movie_ids, 25)
        rate(user_id, chosen, loves_comedies=number % 2 == 0)
    return user_ids, movie_ids


def train(app, *, cold=True):
    """Train the model of an application's instance."""
    with app.app_context():
        train_instance(app.config["INSTANCE_PATH"], cold=cold)


def make_template(settings):
    """Add users, movies, ratings and a model to an instance without movies, given by its settings."""
    app = create_app(settings)
    with app.app_context():
        fill()
        train(app)
        database.close()
