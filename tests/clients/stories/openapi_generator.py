"""The story with the Python client of openapi-generator: `openapi_generator.py URL`."""

import json
import sys

from openapi_client import (
    ApiClient,
    AuthApi,
    BatchRate,
    BatchRating,
    BatchRatingByImdbId,
    BatchRatingByMovieId,
    Configuration,
    DataApi,
    Login,
    MoviesApi,
    NewRating,
    RatingsApi,
    SignUp,
    UsersApi,
)
from openapi_client.exceptions import NotFoundException

configuration = Configuration(host=sys.argv[1])
client = ApiClient(configuration)
ratings, data = RatingsApi(client), DataApi(client)

account = UsersApi(client).sign_up(
    SignUp(username="generator", email="generator@example.org", password="otters play at dusk")
)
assert account.username == "generator"
tokens = AuthApi(client).log_in(Login(login="generator", password="otters play at dusk"))
configuration.access_token = tokens.access_token

movies, cursor = [], None
while True:
    page = MoviesApi(client).list_movies(sort="title", limit=2, cursor=cursor)
    movies += page.items
    cursor = page.next_cursor
    if cursor is None:
        break
assert [movie.title for movie in movies] == [f"Movie {number}" for number in range(1, 6)]

try:
    ratings.rate_movie(999999, NewRating(value=8.5))
except NotFoundException as error:
    assert error.data.type == "/problems/not-found"
else:
    raise AssertionError("a movie that does not exist was rated")
rating = ratings.rate_movie(movies[0].id, NewRating(value=8.5))
assert rating.value == 8.5
assert rating.ratings.count >= 1

batch = [
    BatchRating(BatchRatingByMovieId(movie_id=movies[1].id, value=7)),
    BatchRating(BatchRatingByImdbId(imdb_id="tt9999999", value=6)),
]
report = data.rate_movies(BatchRate(ratings=batch))
assert (report.created, len(report.not_found)) == (1, 1)

imported = data.import_ratings(("ratings.csv", b"imdb_id,value\ntt0000003,9.5\n"))
assert imported.created == 1

assert data.export_ratings("csv").decode().count("\n") == 4
assert len(json.loads(data.export_ratings("json"))["ratings"]) == 3
