"""Imports of data sets in tests, and what is in the database after them."""

from sqlalchemy import insert

from movierating import create_app
from movierating.movies import seed
from movierating.movies.models import DataMigration
from movierating.ratings import datasets
from movierating.ratings.formats import movielens
from movierating.storage import database
from movierating.storage.database import read

MOVIES = [(1, "Heat (1995)", "Action|Crime"), (2, "Trou, Le (Hole, The) (1960)", "Film-Noir")]
LINKS = [(1, "0113277", "949"), (2, "0054407", "29259")]
TABLES = ("movie", "movie_facet", "movie_search", "user", "rating")

# A program that stops after so many lines of progress: one that goes on may have ended when it is killed.
STOPPING = """
import os, signal, click
from movierating.cli.main import main

echo, left = click.echo, int(os.environ["STOP_AFTER"])

def echo_and_stop(*arguments, **options):
    global left
    echo(*arguments, **options)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGSTOP)

click.echo = echo_and_stop
main()
"""


def load(folder, progress=lambda _done: None):
    return datasets.import_movielens(movielens.open_folder(folder), progress)


def list_rows():
    """Return all rows of the tables that an import writes, with times and versions."""
    return {
        name: [tuple(row) for row in read().exec_driver_sql(f'SELECT * FROM "{name}" ORDER BY 1, 2')]
        for name in TABLES
    }


def list_ratings():
    """Return the value and second of each rating, by username and title."""
    rows = read().exec_driver_sql(
        "SELECT username, title, value / 2.0, rated_at / 1000000 FROM rating"
        ' JOIN "user" ON "user".id = user_id JOIN movie ON movie.id = movie_id'
    )
    return {(username, title): (value, second) for username, title, value, second in rows}


def create_instance(variables):
    """Create the instance that these environment variables name, with the widely known movies as if with all."""
    loaded = insert(DataMigration).values(name=seed.get_catalogue_migration(), applied_at=0)
    with create_app(variables).app_context():
        database.write(lambda connection: connection.execute(loaded))
        database.close()
