"""SIGKILL of all processes: acknowledged writes are stored, others wholly or not at all; the next start recovers."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from faults.load import Load
from movierating import create_app
from movierating.auth.models import User
from movierating.movies import seed
from movierating.ratings import service as ratings
from movierating.ratings.models import Rating
from movierating.storage import database

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "3"))
WRITERS = 16
IMPORTED = 20_000

FIRST_RELEASE = Path(__file__).parents[1] / "revisions" / "0001.sql"
BACKUP = "movierating.before-0001-upgrade.sqlite3"
MANY = 20_000
MORE_MOVIES = f"""
BEGIN;
CREATE TEMP TABLE number AS WITH RECURSIVE counted(n) AS (
    SELECT 10 UNION ALL SELECT n + 1 FROM counted WHERE n < {MANY + 9}
) SELECT n FROM counted;
INSERT INTO movie (id, title, title_key, year, genres, created_at, updated_at)
    SELECT n, 'Movie ' || n, 'movie ' || n, 2000, '["Action","Comedy","Drama","War"]', 0, 0 FROM number;
INSERT INTO movie_facet SELECT n, column1, 6.5 FROM number,
    (VALUES ('genre:Action'), ('genre:Comedy'), ('genre:Drama'), ('genre:War'), ('year:2000'));
COMMIT;
"""


def kill(service):
    """Kill every process of the service."""
    os.killpg(service.process.pid, signal.SIGKILL)
    service.process.wait()


@pytest.fixture
def stored(outside):
    """`stored(folder, "ada")` returns a user's ratings by movie from the database file."""
    rated = select(Rating.movie_id, Rating.value).join_from(Rating, User)

    def look(folder, name):
        with outside(folder) as connection:
            rows = connection.execute(rated.where(User.username == name))
            return {movie_id: value / 2 for movie_id, value in rows}

    return look


def test_acknowledged_ratings_survive_sigkill(
    instance, serve, populate, client_of, stored, unsound, eventually
):
    ids = populate(instance, "ada", count=10 * WRITERS)
    service = serve(instance, workers=2)
    credentials = client_of(service, "ada").headers
    for _ in range(ROUNDS):
        clients = [client_of(service, **credentials) for _ in range(WRITERS)]
        load = Load(clients, ids, stops_at_failure=True)
        eventually(load.make_progress_check())
        time.sleep(random.uniform(0, 0.5))
        kill(service)
        load.end()
        service = serve(instance, workers=2)
        assert load.find_lost(stored(instance, "ada").get) == []
        assert unsound(instance) == []
    assert client_of(service, **credentials).rate(ids[0], 5).status == 200


@pytest.fixture
def library(instance, populate, add_films):
    """An instance with ada, a user for each round, and IMPORTED movies; the file that rates each of them."""
    populate(instance, "ada", *[f"user{number}" for number in range(ROUNDS)], count=0)
    add_films(instance, IMPORTED)
    rows = "".join(f"tt{9_000_000 + number},{1 + number % 10}\n" for number in range(IMPORTED))
    return instance, b"imdb_id,value\n" + rows.encode()


def test_killed_upload_is_stored_wholly_or_not_at_all(library, serve, client_of, stored, unsound):
    folder, file = library
    service = serve(folder, workers=2)
    started_at = time.monotonic()
    assert client_of(service, "ada").upload(file).body["created"] == IMPORTED
    seconds = time.monotonic() - started_at
    for number in range(ROUNDS):
        # A user whose ratings are stored already could not show that only a part is.
        user = client_of(service, f"user{number}")
        upload = threading.Thread(target=user.upload, args=(file,))
        upload.start()
        time.sleep(random.uniform(0.4, 1.6) * seconds)
        kill(service)
        upload.join(60)
        service = serve(folder, workers=2)
        count = client_of(service, **user.headers).send("GET", "/v1/users/me").body["ratings"]["count"]
        assert count in (0, IMPORTED)
        assert len(stored(folder, f"user{number}")) == count
        assert unsound(folder) == []


@pytest.fixture
def dataset(tmp_path):
    """A MovieLens data set of 40,000 ratings, in a folder."""
    folder = tmp_path / "ml"
    folder.mkdir()
    movies = [f"{movie},Movie {movie} (2000),Drama\n" for movie in range(1, 401)]
    (folder / "movies.csv").write_text("movieId,title,genres\n" + "".join(movies))
    (folder / "links.csv").write_text("movieId,imdbId,tmdbId\n")
    ratings = (
        f"{user},{movie},{1 + (user + movie) % 5}.0,{user}\n"
        for user in range(1, 201)
        for movie in range(1, 401, 2)
    )
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "".join(ratings))
    return folder


# An instance with ratings imports in chunks, one without in one transaction.
@pytest.mark.parametrize("rated", [True, False], ids=["in chunks", "at once"])
def test_killed_import_continues_at_the_next_run(
    instance, populate, dataset, environ, outside, unsound, rated
):
    populate(instance, "ada", count=1)
    if rated:
        app = create_app(environ(instance))
        with app.app_context():
            ratings.rate_movie(1, 1, 10, None)
            database.close()
    command = [sys.executable, "-m", "movierating", "import", "movielens", str(dataset)]
    for _ in range(ROUNDS):
        with subprocess.Popen(
            command, env=environ(instance), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as killed:
            assert killed.stderr.readline().startswith(b"ratings: ")
            killed.kill()
        assert unsound(instance) == []
    subprocess.run(command, env=environ(instance), check=True, capture_output=True, timeout=180)
    assert unsound(instance) == []
    with outside(instance) as connection:
        count = connection.scalar(select(func.count()).select_from(Rating).where(Rating.user_id > 1))
    assert count == 40_000


@pytest.fixture
def old(tmp_path):
    """An instance of the first release that takes a while to upgrade."""
    folder = tmp_path / "instance"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "movierating.sqlite3")) as connection:
        connection.executescript(FIRST_RELEASE.read_text(encoding="utf-8"))
        connection.executescript(MORE_MOVIES)
        # The bundled movies would be added to them.
        connection.execute("INSERT INTO milestone VALUES (?, 0)", [seed.get_catalogue_migration()])
        connection.commit()
    return folder


# There is no older release that ran on PostgreSQL.
@pytest.mark.sqlite
def test_killed_upgrade_is_completed_by_the_next_start(
    old, environ, free_port, serve, unsound, eventually, tmp_path
):
    for number in range(ROUNDS):
        folder = shutil.copytree(old, tmp_path / f"round {number}" / "instance")
        command = [sys.executable, "-m", "movierating", "serve", "--port", str(free_port())]
        with subprocess.Popen(
            command, env=environ(folder), stderr=subprocess.PIPE, start_new_session=True
        ) as killed:
            eventually((folder / BACKUP).exists)
            time.sleep(random.uniform(0, 0.3))
            os.killpg(killed.pid, signal.SIGKILL)
        service = serve(folder)
        assert service.stop() == 0
        assert unsound(folder) == []
        with closing(sqlite3.connect(folder / "movierating.sqlite3")) as connection:
            rows = "SELECT (SELECT count(*) FROM movie), (SELECT count(*) FROM movie_facet)"
            assert connection.execute(rows).fetchone() == (3 + MANY, 14 + 6 * MANY)  # titles got facets
        with closing(sqlite3.connect(folder / BACKUP)) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
            assert connection.execute(rows).fetchone() == (3 + MANY, 10 + 5 * MANY)
