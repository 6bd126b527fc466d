"""Imports of data sets that are interrupted or run beside other writers, and the first import."""

import itertools
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from sqlalchemy import select

import postgres
from movierating import create_app
from movierating.movies import matching
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings import datasets, merging, recount, service
from movierating.storage import database
from movierating.storage.database import read
from movierating.storage.sqlite.instance_lock import InstanceLock
from ratings.data_sets import STOPPING, create_instance, list_ratings, load


@pytest.fixture
def between_batches(app, monkeypatch):
    """`between_batches(action)` lets an import write one movie a transaction, and calls `action` before the second.

    Another process uses the database.
    """

    def arrange(action):
        transactions = itertools.count(1)

        def act_and_write(*arguments, **options):
            if next(transactions) == 2:
                action()
            return database.write(*arguments, **options)

        monkeypatch.setattr(datasets, "BATCH_MOVIES", 1)
        monkeypatch.setattr(matching, "write", act_and_write)

    file = database.get_sqlite_file()
    other = InstanceLock(file, exclusive=False) if file else None
    yield arrange
    if other is not None:
        other.release()


def list_titles():
    return list(read().execute(select(Movie.title).order_by(Movie.id)).scalars())


def test_another_writer_adds_a_movie_between_two_batches_of_movies(
    app, write_set, add_movie, between_batches
):
    between_batches(lambda: add_movie(title="Ran", year=1985))
    report = load(write_set([(1, 1, 3, 0), (1, 2, 4, 1)]))
    assert list_titles() == ["Heat", "Ran", "Le Trou"]
    assert (report.movies_present, report.movies_added) == (0, 2)
    assert list_ratings() == {("ml-1", "Heat"): (6, 0), ("ml-1", "Le Trou"): (8, 1)}


def test_a_movie_that_another_client_adds_between_two_batches_is_not_added_twice(
    app, write_set, add_movie, between_batches
):
    between_batches(lambda: add_movie(title="Le Trou", year=1960))
    report = load(write_set([(1, 1, 3, 0), (1, 2, 4, 1)]))
    assert list_titles() == ["Heat", "Le Trou"]
    assert (report.movies_present, report.movies_added) == (1, 1)
    assert list_ratings() == {("ml-1", "Heat"): (6, 0), ("ml-1", "Le Trou"): (8, 1)}


def test_movies_of_one_title_in_several_batches_do_not_conflict(app, write_set, between_batches):
    between_batches(lambda: None)
    films = [(number, f"Heat ({1980 + number})", "") for number in range(9)]
    report = load(write_set([(1, 2, 3, 0)], films, []))
    assert (report.movies_present, report.movies_added, report.reasons) == (0, 9, [])


def test_ids_of_existing_movies_are_written_in_batches(app, write_set, add_movie, between_batches):
    heat, trou = add_movie(title="Heat", year=1995), add_movie(title="Le Trou", year=1960)
    between_batches(lambda: service.delete_movie(trou, None, with_ratings=False))
    report = load(write_set([(1, 1, 3, 0)]))
    assert movies.get_movie_by_imdb_id("tt0113277").id == heat
    assert report.reasons == ["movies.csv:3: Le Trou: an administrator deleted this movie"]


@pytest.mark.sqlite
def test_movies_are_added_at_once_if_no_other_process_uses_the_database(app, write_set, monkeypatch):
    transactions = []

    def count_and_write(*arguments, **options):
        transactions.append(arguments)
        return database.write(*arguments, **options)

    monkeypatch.setattr(datasets, "BATCH_MOVIES", 1)
    monkeypatch.setattr(matching, "write", count_and_write)
    assert load(write_set([(1, 1, 3, 0)])).movies_added == 2
    assert len(transactions) == 1


def test_import_that_ends_between_two_batches_of_movies_is_completed_by_the_next(
    app, write_set, between_batches
):
    def stop():
        raise InterruptedError

    between_batches(stop)
    folder = write_set([(1, 1, 3, 0), (1, 2, 4, 1)])
    with pytest.raises(InterruptedError):
        load(folder)
    assert list_titles() == ["Heat"]
    report = load(folder)
    assert (report.movies_present, report.movies_added, report.added) == (1, 1, 2)
    assert list_titles() == ["Heat", "Le Trou"]


def test_ratings_of_a_movie_deleted_meanwhile_are_skipped(app, write_set):
    load(write_set([(99_999, 1, 3, 0)]))  # of the movie that is deleted, so that this isn't the first load
    folder = write_set([(user, 1 + user % 2, 3, user) for user in range(40_000)])
    heat, trou = "tt0113277", "tt0054407"

    def remove_once(_done):
        if read().execute(select(Movie.__table__.c.id).where(Movie.__table__.c.imdb_id == heat)).first():
            service.delete_movie(movies.get_movie_by_imdb_id(heat).id, None, with_ratings=True)

    report = load(folder, remove_once)
    assert movies.get_movie_by_imdb_id(trou).rating_count == 20_000
    assert report.added + report.unmatched == 40_000
    assert 0 < report.unmatched < 20_000
    assert recount.find_mismatches(read()) == []


def test_ratings_of_a_movie_that_is_merged_meanwhile_go_to_the_one_that_stays(app, write_set, add_movie):
    load(write_set([(99_999, 1, 3, 0)]))  # so that this isn't the first load
    folder = write_set([(user, 1, 3, user) for user in range(25_000)])
    heat, survivor = movies.get_movie_by_imdb_id("tt0113277").id, add_movie()

    def merge_once(_done):
        if movies.find_survivor(heat) is None:
            merging.merge_movies(heat, survivor)

    report = load(folder, merge_once)
    assert (report.added, report.unmatched) == (25_000, 0)
    assert movies.get_movie(survivor).rating_count == 25_001
    assert recount.find_mismatches(read()) == []


@pytest.fixture
def dumped(environ):
    """`dumped(instance)` is all that an import leaves in it, without ids, times and versions; every sum is checked."""
    names = ", ".join(
        f"{{0}}.{name}" for name in ("rating_count", "rating_sum", *(f"h{n:02}" for n in range(1, 21)))
    )

    def dump(instance):
        app = create_app(environ(instance))
        with app.app_context():
            assert recount.find_mismatches(read()) == []
            found = [
                sorted(tuple(row) for row in read().exec_driver_sql(statement))
                for statement in (
                    f"SELECT title, year, imdb_id, tmdb_id, genres, score, {names.format('movie')} FROM movie",
                    'SELECT username, display_name, {} FROM "user"'.format(names.format('"user"')),
                    "SELECT username, imdb_id, value, rated_at FROM rating"
                    ' JOIN "user" ON "user".id = user_id JOIN movie ON movie.id = movie_id',
                )
            ]
            database.close()
        return found

    return dump


@pytest.fixture
def start(environ):
    """`start(instance, folder)` is the command in a process, which stops after so many lines of progress."""

    def begin(instance, folder, lines=0):
        if not instance.exists():
            create_instance(environ(instance))
        return subprocess.Popen(
            [sys.executable, "-c", STOPPING, "import", "movielens", str(folder)],
            env={**environ(instance), "STOP_AFTER": str(lines)},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )

    return begin


@pytest.mark.parametrize("is_first", [True, False], ids=["a first load", "a later load"])
def test_killed_and_repeated_import_ends_like_an_undisturbed_one(
    tmp_path, write_set, start, dumped, is_first
):
    dice = random.Random(5)
    ratings = [
        (user, movie, dice.randint(1, 10) / 2, dice.randint(1, 9))
        for user in range(1200)
        for movie in range(60)
    ]
    dice.shuffle(ratings)
    titles = [(movie, f"Film {movie} ({1950 + movie})", "Drama|Comedy") for movie in range(60)]
    links = [(movie, 9000000 + movie, "") for movie in range(60)]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    if not is_first:
        few = write_set(ratings[:5], titles, links)
        for instance in (killed, whole):
            start(instance, few).communicate()
    folder = write_set(ratings, titles, links)
    for lines in (1, 2, 3):
        process = start(killed, folder, lines)
        for _ in range(lines):
            assert process.stderr.readline().startswith("ratings: ")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        loaded = len(dumped(killed)[2])
        # A first load of a SQLite file that no other process has open is one transaction.
        at_once = is_first and not postgres.WANTED
        assert loaded == 0 if at_once else (0 if is_first else 5) < loaded < len(ratings)
    for instance in (killed, whole):
        start(instance, folder).communicate()
    assert dumped(killed) == dumped(whole)
    assert len(dumped(whole)[2]) == len(ratings)


@pytest.mark.sqlite
@pytest.mark.parametrize("others", [False, True], ids=["one process", "several"])
def test_first_load_holds_the_lock_unless_another_process_uses_the_database(app, write_set, others):
    file = database.get_sqlite_file()
    other = InstanceLock(file, exclusive=False) if others else None

    def look(_done):
        with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                free.append(True)
            except sqlite3.OperationalError:
                free.append(False)

    free: list[bool] = []
    load(write_set([(1, 1, 3, 0)]), look)
    assert free == [others]
    if other is not None:
        other.release()
