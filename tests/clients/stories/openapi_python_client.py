"""The story with the client of openapi-python-client: `openapi_python_client.py URL`."""

import io
import json
import sys

from movierating_client import AuthenticatedClient, Client
from movierating_client.api.auth import log_in
from movierating_client.api.data import export_ratings, import_ratings, rate_movies
from movierating_client.api.movies import list_movies
from movierating_client.api.ratings import rate_movie
from movierating_client.api.users import sign_up
from movierating_client.models import (
    BatchRate,
    BatchRateReport,
    BatchRatingByImdbId,
    BatchRatingByMovieId,
    ExportRatingsFormat,
    ImportReport,
    ListMoviesSort,
    Login,
    MovieList,
    NewRating,
    OwnAccount,
    Problem,
    RatingResult,
    SignUp,
    TokenPair,
    Upload,
)
from movierating_client.types import UNSET, File

anonymous = Client(base_url=sys.argv[1])
password = "otters play at dusk"
account = sign_up.sync(
    client=anonymous, body=SignUp(username="pythonic", email="pythonic@example.org", password=password)
)
assert isinstance(account, OwnAccount)
tokens = log_in.sync(client=anonymous, body=Login(login="pythonic", password=password))
assert isinstance(tokens, TokenPair)
client = AuthenticatedClient(base_url=sys.argv[1], token=tokens.access_token)

movies, cursor = [], UNSET
while cursor is not None:
    page = list_movies.sync(client=client, sort=ListMoviesSort.TITLE, limit=2, cursor=cursor)
    assert isinstance(page, MovieList)
    movies += page.items
    cursor = page.next_cursor
assert [movie.title for movie in movies] == [f"Movie {number}" for number in range(1, 6)]

missing = rate_movie.sync(999999, client=client, body=NewRating(value=8.5))
assert isinstance(missing, Problem)
assert (missing.status, missing.type_) == (404, "/problems/not-found")
rating = rate_movie.sync(movies[0].id, client=client, body=NewRating(value=8.5))
assert isinstance(rating, RatingResult)
assert rating.value == 8.5
assert rating.ratings.count >= 1

batch = [
    BatchRatingByMovieId(movie_id=movies[1].id, value=7),
    BatchRatingByImdbId(imdb_id="tt9999999", value=6),
]
report = rate_movies.sync(client=client, body=BatchRate(ratings=batch))
assert isinstance(report, BatchRateReport)
assert (report.created, len(report.not_found)) == (1, 1)

file = File(io.BytesIO(b"imdb_id,value\ntt0000003,9.5\n"), "ratings.csv", "text/csv")
imported = import_ratings.sync(client=client, body=Upload(file=file))
assert isinstance(imported, ImportReport)
assert imported.created == 1

csv = export_ratings.sync(client=client, format_=ExportRatingsFormat.CSV)
assert isinstance(csv, str)
assert csv.count("\n") == 4
exported = export_ratings.sync(client=client, format_=ExportRatingsFormat.JSON)
assert isinstance(exported, str)
assert len(json.loads(exported)["ratings"]) == 3
