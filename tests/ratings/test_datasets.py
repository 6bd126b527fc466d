"""Imports of data sets: movies, ratings and reports; kills, repetitions and the order make no difference."""

import csv
import random
import signal
import sqlite3
import subprocess
import sys
from collections import defaultdict
from contextlib import closing

import pytest
from click.testing import CliRunner
from sqlalchemy import inspect, select

import postgres
from movierating import create_app
from movierating.auth.models import User
from movierating.cli.main import main
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings import datasets, merging, recount, service
from movierating.ratings.formats import movielens
from movierating.storage import database
from movierating.storage.database import read
from movierating.storage.sqlite.instance_lock import InstanceLock

SECOND = 1_000_000
MOVIES = [(1, "Heat (1995)", "Action|Crime"), (2, "Trou, Le (Hole, The) (1960)", "Film-Noir")]
LINKS = [(1, "0113277", "949"), (2, "0054407", "29259")]
TABLES = ("movie", "movie_facet", "movie_search", "user", "rating")


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


def test_ratings_belong_to_accounts_without_a_password(app, write_set, problem):
    report = load(write_set([(7, 1, 4.5, 1000), (7, 2, 0.5, 2000)]))
    assert list_ratings() == {("ml-7", "Heat"): (9, 1000), ("ml-7", "Le Trou"): (1, 2000)}
    assert (report.users_added, report.movies_added, report.added, report.rejected) == (1, 2, 2, 0)
    account = read().execute(select(User.__table__)).one()
    assert (account.display_name, account.email, account.password_hash) == ("MovieLens user 7", None, None)
    response = app.test_client().post(
        "/v1/auth/login", json={"login": "ml-7", "password": "correct horse battery"}
    )
    problem(response, 401)


def test_existing_movies_are_matched_and_missing_ones_added_with_their_facts(app, add_movie, write_set):
    heat = add_movie(title="Heat", year=1995, genres=["Drama"])
    report = load(write_set([(1, 1, 3, 0)]))
    assert (report.movies_present, report.movies_added) == (1, 1)
    matched = movies.get_movie_by_imdb_id("tt0113277")
    assert (matched.id, matched.tmdb_id, matched.genres) == (heat, 949, '["Drama"]')
    added = movies.get_movie_by_imdb_id("tt0054407")
    assert (added.title, added.original_title, added.year, added.genres) == (
        "Le Trou", "The Hole", 1960, '["Film Noir"]',
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ([(3, 100), (4, 200)], (8, 200)),
        ([(4, 200), (3, 100)], (8, 200)),
        ([(3, 100), (4, 100), (2, 100)], (8, 100)),
        ([(5, 100), (1, 101)], (2, 101)),
    ],
)
@pytest.mark.parametrize("runs", ["one", "several"])
def test_newest_rating_is_stored_and_of_equally_old_ones_the_highest(app, write_set, ratings, expected, runs):
    rows = [(1, 1, stars, when) for stars, when in ratings]
    for part in [rows] if runs == "one" else [[row] for row in rows]:
        load(write_set(part))
    assert list_ratings() == {("ml-1", "Heat"): expected}
    assert recount.find_mismatches(read()) == []


def test_a_movie_that_another_client_adds_before_the_write_is_not_added_twice(
    app, write_set, add_movie, monkeypatch
):
    def add_and_write(*arguments, **options):
        monkeypatch.setattr(datasets, "write", database.write)
        add_movie(title="Heat", year=1995)
        return database.write(*arguments, **options)

    monkeypatch.setattr(datasets, "write", add_and_write)
    report = load(write_set([(1, 1, 3, 0), (1, 2, 4, 0)]))
    assert (report.movies_present, report.movies_added, report.added) == (1, 1, 2)
    assert list_ratings().keys() == {("ml-1", "Heat"), ("ml-1", "Le Trou")}


def test_two_rows_of_one_movie_are_one_movie_for_its_raters(app, write_set):
    folder = write_set([(1, 1, 3, 5), (1, 9, 4, 6), (2, 9, 2, 6)], [*MOVIES, (9, "Heat (1995)", "Drama")])
    report = load(folder)
    assert list_ratings() == {("ml-1", "Heat"): (8, 6), ("ml-2", "Heat"): (4, 6)}
    assert (report.added, report.changed, report.unchanged) == (2, 0, 1)


def test_changed_rating_has_its_created_at_unchanged(app, write_set):
    load(write_set([(1, 1, 3, 5)]))
    first = list_rows()["rating"][0]
    report = load(write_set([(1, 1, 4, 6)]))
    assert (report.added, report.changed) == (0, 1)
    user_id, movie_id, value, rated_at, created_at, updated_at = list_rows()["rating"][0]
    assert (user_id, movie_id, value, rated_at, created_at) == (*first[:2], 16, 6 * SECOND, first[4])
    assert updated_at > first[5]


def test_a_second_run_changes_nothing(app, write_set):
    shared = [*((number, "Emma (1996)", "Drama") for number in (3, 4, 5)), (6, "No year", "")]
    ratings = [(user, movie, 3, 7) for user in (1, 2) for movie in (1, 2, 3, 4, 5, 6)]
    folder = write_set(ratings, [*MOVIES, *shared], [*LINKS, (4, "1", "7"), (5, "2", "7")])
    first = load(folder)
    before = list_rows()
    second = load(folder)
    assert list_rows() == before
    assert (second.movies_added, second.users_added, second.added, second.changed) == (0, 0, 0, 0)
    assert second.unchanged == first.added
    assert (second.unmatched, second.reasons) == (first.unmatched, first.reasons)


def test_invalid_rows_are_reported_with_their_line_and_the_others_imported(app, add_movie, write_set):
    for number in (1, 2):
        add_movie(title="Emma", year=1996, imdb_id=f"tt000000{number}")
    bad_movies = [
        (3, "Emma (1996)", "Drama"),
        (4, "unknown", ""),
        (1, "Again (1999)", ""),
        ("x", "Y (1999)", ""),
    ]
    folder = write_set(
        [(1, 1, 3, 0), (1, 2, 7, 0), (1, 3, 3, 0), (1, 4, 3, 0), (1, 99, 3, 0)], [*MOVIES, *bad_movies]
    )
    report = load(folder)
    places = [reason.split(": ")[0] for reason in report.reasons]
    assert places == [*(f"movies.csv:{line}" for line in (4, 5, 6, 7)), "ratings.csv:3"]
    assert (report.added, report.unmatched, report.rejected) == (1, 3, 5)
    assert list_ratings() == {("ml-1", "Heat"): (6, 0)}


def test_reasons_are_limited_to_50(app, write_set):
    report = load(write_set([(1, 1, 9, 0)] * 200))
    assert (report.rejected, len(report.reasons)) == (200, 50)


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


def test_ml_100k_is_loaded_without_its_unknown_movie(app, tmp_path):
    flags = "|".join("0" * 18)
    item = f"1|Heat (1995)|01-Jan-1995||http://x|0|{flags}\n267|unknown||||1|{flags}\n"
    (tmp_path / "u.item").write_text(item, encoding="latin-1")
    (tmp_path / "u.data").write_text("1\t1\t5\t881250949\n1\t267\t3\t881250949\n")
    report = load(tmp_path)
    assert report.reasons == ["u.item:2: nothing is known of the movie"]
    assert (report.added, report.unmatched) == (1, 1)
    assert list_ratings() == {("ml-1", "Heat"): (10, 881250949)}


def run(folder):
    return CliRunner().invoke(main, ["import", "movielens", str(folder)])


@pytest.fixture
def shell(monkeypatch, environ, tmp_path):
    """The environment of a command; is the instance folder, which isn't made yet."""
    for name, value in environ(tmp_path / "instance").items():
        monkeypatch.setenv(name, value)
    return tmp_path / "instance"


@pytest.mark.parametrize(
    ("name", "content"), [("notes.txt", "hello"), ("ratings.csv", "a,b\n1,2\n"), ("u.data", "hello\n")]
)
def test_folder_without_a_data_set_is_rejected_before_any_write(shell, tmp_path, name, content):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / name).write_text(content)
    result = run(folder)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert not shell.exists()


def create_instance(variables):
    """Create the instance that these environment variables name, as a first start does."""
    with create_app(variables).app_context():
        database.close()


def test_command_prints_totals_and_succeeds_despite_rejected_rows(shell, environ, write_set):
    create_instance(environ(shell))
    result = run(write_set([(1, 1, 3, 0), (1, 2, 9, 0), (2, 7, 3, 0)]))
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "1 movie added, 1 already present\n1 user added\n1 rating added, 0 changed, 0 unchanged, 1 row rejected\n"
    )
    assert result.stderr.splitlines() == [
        "ratings: 100 %",
        "ratings.csv:3: the rating '9' is not 0.5 to 5 stars by halves",
        "1 rating not imported: the movie was rejected or is not listed",
    ]


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
    """`start(instance, folder)` is the command in a process."""

    def begin(instance, folder):
        if not instance.exists():
            create_instance(environ(instance))
        return subprocess.Popen(
            [sys.executable, "-m", "movierating", "import", "movielens", str(folder)],
            env=environ(instance),
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
        process = start(killed, folder)
        for _ in range(lines):
            assert process.stderr.readline().startswith("ratings: ")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        loaded = len(dumped(killed)[2])
        # A first load of a SQLite file that nobody else has open is one transaction.
        at_once = is_first and not postgres.WANTED
        assert loaded == 0 if at_once else (0 if is_first else 5) < loaded < len(ratings)
    for instance in (killed, whole):
        start(instance, folder).communicate()
    assert dumped(killed) == dumped(whole)
    assert len(dumped(whole)[2]) == len(ratings)


@pytest.mark.sqlite
@pytest.mark.parametrize("others", [False, True], ids=["nobody else", "others"])
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


def test_first_load_restores_the_indexes(app, write_set):
    before = inspect(read()).get_indexes("rating")
    assert len(before) == 3
    assert load(write_set([(1, 1, 3, 0), (2, 1, 4, 0), (1, 1, 5, 7)])).added == 2
    assert inspect(read()).get_indexes("rating") == before
    assert list_ratings() == {("ml-1", "Heat"): (10, 7), ("ml-2", "Heat"): (8, 0)}


def test_real_ratings_load_completely_and_charts_equal_a_recount(shell, environ, data_folder):
    folder = data_folder / "ml-latest-small"
    create_instance(environ(shell))
    result = run(folder)
    assert (result.exit_code, result.stdout.splitlines()[1:]) == (
        0, ["610 users added", "100836 ratings added, 0 changed, 0 unchanged, 0 rows rejected"],
    )  # fmt: skip
    expected = recounted(folder)
    app = create_app(environ(shell))
    with app.app_context():
        found = {
            row.imdb_id: list(row[1:])
            for row in read().execute(
                select(*Movie.__table__.c["imdb_id", "rating_count", "rating_sum", "score"])
            )
            if row.rating_count
        }
        chart = app.test_client().get("/v1/movies?limit=20").json["items"]
        before = list_rows()
        assert load(folder).unchanged == 100_836
        assert list_rows() == before
        database.close()
    assert found == expected
    best = sorted((score for _, _, score in expected.values()), reverse=True)[:20]
    assert [movie["ratings"]["score"] for movie in chart] == best


def recounted(folder):
    """Count, sum in half points and score by IMDb id, from the files alone."""
    with (folder / "links.csv").open(newline="") as file:
        imdb = {row["movieId"]: "tt" + row["imdbId"] for row in csv.DictReader(file)}
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0])
    with (folder / "ratings.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            sums[imdb[row["movieId"]]][0] += 1
            sums[imdb[row["movieId"]]][1] += int(float(row["rating"]) * 4)
    return {key: [count, total, (325 + total) / (50 + 2 * count)] for key, (count, total) in sums.items()}
