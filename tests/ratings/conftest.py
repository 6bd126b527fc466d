"""Fixtures for ratings in bulk: people without passwords, uploads, and what the whole database holds."""

import csv
import io
from dataclasses import asdict

import pytest
from sqlalchemy import insert, inspect, select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from movierating.auth.models import User
from movierating.movies.matching import MovieMatcher
from movierating.operations import checks
from movierating.ratings.imports import import_file
from movierating.ratings.models import Rating
from movierating.storage.database import db, read, write
from movierating.storage.dialect import POSTGRESQL, get_last_id
from ratings.data_sets import LINKS, MOVIES
from ratings.merges import ONE, OTHER


@pytest.fixture
def add_user(app):
    """`add_user("ada")` adds an account that can't log in, and returns its id."""

    def add(username):
        row = {"username": username, "username_key": username, "display_name": username.title()}
        row |= {"created_at": 0, "updated_at": 0}
        return int(write(lambda connection: connection.scalar(insert(User).values(row).returning(User.id))))

    return add


@pytest.fixture
def user_id(add_user):
    """The id of an account."""
    return add_user("ada")


@pytest.fixture
def users(add_user):
    """The ids of three accounts."""
    return [add_user(name) for name in ("ada", "eve", "zoe")]


@pytest.fixture
def add_many(app):
    """`add_many(1000)` adds movies `Movie 1`, `Movie 2` … of 2000, with IMDb ids; returns their ids."""

    def add(number):
        matcher = MovieMatcher(read(), [])
        ids = [
            matcher.add({"title": f"Movie {each}", "year": 2000, "imdb_id": f"tt{9000000 + each}"})
            for each in range(1, number + 1)
        ]
        write(matcher.stage().insert)
        return ids

    return add


@pytest.fixture
def upload():
    """`upload(person, data, "?dry_run=true", on_conflict="keep")` sends a file, with a query and a form."""

    def upload(person, data, query="", **form):
        content = data.encode() if isinstance(data, str) else data
        form = {"file": FileStorage(io.BytesIO(content), "ratings.bin"), **form}
        # The client's own way puts a large body into a temporary file, which it leaves open.
        boundary, body = encode_multipart(MultiDict(form))
        response: TestResponse = person.post(
            f"/v1/users/me/ratings/import{query}",
            data=body,
            content_type=f'multipart/form-data; boundary="{boundary}"',
        )
        return response

    return upload


@pytest.fixture
def everything(app):
    """`everything()` returns all rows of all tables and, unless `ids` is False, the last id of each table."""
    counted = [table for table in db.metadata.sorted_tables if table.kwargs.get("sqlite_autoincrement")]

    def rows(ids=True):
        found = {
            name: sorted(map(tuple, read().exec_driver_sql(f'SELECT * FROM "{name}"')), key=repr)
            for name in inspect(read()).get_table_names()
        }
        return {**found, "ids": [get_last_id(read(), table) for table in counted if ids]}

    return rows


@pytest.fixture
def fail_on(app):
    """`fail_on("UPDATE", "user")` lets the database fail each such change of a table, after it was made."""

    def set_up(event, table):
        if db.engine.dialect.name == POSTGRESQL:
            function = (
                "CREATE FUNCTION fail_on() RETURNS trigger LANGUAGE plpgsql"
                " AS $$ BEGIN RAISE EXCEPTION 'full'; END $$"
            )
            write(lambda connection: connection.exec_driver_sql(function))
            then = "FOR EACH ROW EXECUTE FUNCTION fail_on()"
        else:
            then = "BEGIN SELECT RAISE(ABORT, 'full'); END"
        trigger = f'CREATE TRIGGER fails AFTER {event} ON "{table}" {then}'
        write(lambda connection: connection.exec_driver_sql(trigger))

    return set_up


@pytest.fixture
def exact(app):
    """`exact()` returns True if `movierating check` finds no problem, also in the aggregates."""
    return lambda: checks.run_checks(repair=False) == ([], [])


@pytest.fixture
def rated(app):
    """`rated(user_id)` returns the half points and time of each of a user's ratings, by movie id."""
    columns = (Rating.movie_id, Rating.value, Rating.rated_at)

    def read_ratings(user_id):
        rows = read().execute(select(*columns).where(Rating.user_id == user_id))
        return {movie_id: (value, rated_at) for movie_id, value, rated_at in rows}

    return read_ratings


@pytest.fixture(scope="session")
def import_rows():
    """`import_rows(user_id, line, line, dry_run=True)` returns the report of an import of our own CSV, as a dict."""
    ours = "imdb_id,tmdb_id,title,original_title,year,value,rated_at"

    def import_rows(user_id, *lines, header=ours, **options):
        return asdict(import_file(user_id, io.BytesIO("\n".join([header, *lines]).encode()), **options))

    return import_rows


@pytest.fixture(scope="session")
def counts():
    """`counts(report)` returns how many rows were created, updated, unchanged, skipped, unmatched and unreadable."""
    names = ("created", "updated", "unchanged", "skipped", "unmatched", "errors")

    def count(entry):
        return sum(entry.values()) if isinstance(entry, dict) else len(entry)

    return lambda report: [
        report[name] if isinstance(report[name], int) else count(report[name]) for name in names
    ]


@pytest.fixture
def write_set(tmp_path):
    """`write_set(ratings)` writes a data set, by default of two movies, and returns its folder."""

    def write(ratings, movies=MOVIES, links=LINKS):
        folder = tmp_path / "set"
        folder.mkdir(exist_ok=True)
        for name, header, rows in (
            ("ratings.csv", "userId,movieId,rating,timestamp", ratings),
            ("movies.csv", "movieId,title,genres", movies),
            ("links.csv", "movieId,imdbId,tmdbId", links),
        ):
            with (folder / name).open("w", newline="") as file:
                csv.writer(file).writerows([header.split(","), *rows])
        return folder

    return write


@pytest.fixture
def pair(add_movie):
    """The ids of a movie to merge and of the one that stays."""
    return add_movie(title="Emma", imdb_id=ONE, tmdb_id=1), add_movie(
        title="Jane Austen's Emma", imdb_id=OTHER
    )
