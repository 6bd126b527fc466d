"""Merges of two movies in tests."""

from sqlalchemy import update

from movierating.movies.models import Movie
from movierating.operations import checks
from movierating.storage.database import write

EARLY, LATE = "2020-01-01T00:00:00Z", "2024-01-01T00:00:00Z"
ONE, OTHER = "tt0116191", "tt0118308"


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
