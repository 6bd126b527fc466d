"""Rows of CSV files of movies, in tests."""

import csv
import io

import orjson
from sqlalchemy import func, select

from movierating.movies import catalogue_import, movie_csv, movie_json, service
from movierating.movies.models import Movie
from movierating.storage.database import read

HEADER = ",".join(movie_csv.COLUMNS)
EMMA = {"title": "Emma", "year": "1996", "imdb_id": "tt0116191", "tmdb_id": "3573", "wikidata_id": "Q1"}
KELLS = {
    "title": "The Secret of Kells",
    "year": "2009",
    "genres": "Animation|Family",
    "directors": "Tomm Moore|Nora Twomey",
}


def as_line(row):
    """Return a line of a CSV file from the values of some columns."""
    text = io.StringIO()
    csv.writer(text).writerow([row.get(name, "") for name in movie_csv.COLUMNS])
    return text.getvalue().removesuffix("\r\n")


def load(path):
    """Import a CSV file, and return the report."""
    return catalogue_import.import_catalogue(catalogue_import.open_files([path]))


def list_titles():
    """Return the titles of all movies, in the order of their ids."""
    return read().scalars(select(Movie.title).order_by(Movie.id)).all()


def count_movies():
    """Return how many movies there are."""
    return read().scalar(select(func.count()).select_from(Movie))


def get_as_sent(movie_id):
    """Return a movie as clients get it."""
    return orjson.loads(orjson.dumps(movie_json.serialize_movie(service.get_movie(movie_id))))
