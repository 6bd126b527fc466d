"""`import catalogue`: its output, its errors, and what an interruption leaves."""

import gzip
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from movierating import create_app
from movierating.movies import movie_csv, seed
from movierating.movies.models import DataMigration, Movie
from movierating.storage import database

BASICS = (
    "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres\n"
)
RATINGS = "tconst\taverageRating\tnumVotes\n"
AKAS = "titleId\tordering\ttitle\tregion\tlanguage\ttypes\tattributes\tisOriginalTitle\n"
COUNT = select(func.count()).select_from(Movie)


def make_movies(numbers):
    return "".join(f"tt{n:07}\tmovie\tFilm {n}\tFilm {n}\t0\t2000\t\\N\t90\tDrama\n" for n in numbers)


@pytest.fixture
def write_file(tmp_path):
    """`write_file(name, text)` returns the path of a file."""

    def write(name, text):
        content = text.encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return str(tmp_path / name)

    return write


def test_import_prints_what_it_did_and_can_be_repeated(command, write_file):
    basics = write_file("title.basics.tsv.gz", BASICS + make_movies(range(1, 4)) + "x\n")
    ratings = write_file("title.ratings.tsv", f"{RATINGS}tt0000001\t9.0\t10\ntt0000002\t9.0\t9\n")
    akas = write_file("title.akas.tsv", f"{AKAS}tt0000001\t1\tDer Film\tDE\t\\N\t\\N\t\\N\t0\n")
    done = command("import", "catalogue", akas, basics, ratings, "--min-votes", "10")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "1 movie added, 0 already present, 0 of them given ids",
        "1 movie given alternative titles",
        "2 rows skipped, 1 rejected",
    ]
    assert "title.basics.tsv.gz:5: does not have 9 columns" in done.stderr.splitlines()
    done = command("import", "catalogue", basics)
    assert done.stdout.startswith("2 movies added, 1 already present, 0 of them given ids\n")


@pytest.fixture
def new_instance(instance, environ):
    """The instance as if its bundled movies were not loaded yet."""
    with create_app(environ(instance), prepared=False).app_context():
        database.write(lambda connection: connection.execute(delete(DataMigration)))
        database.close()


@pytest.mark.usefixtures("new_instance")
def test_bundled_movies_are_added_first_on_a_new_instance(command, write_file, monkeypatch, select_value):
    facts = {"title": "Film 1", "year": "2000", "imdb_id": "tt0000001", "directors": "Ada"}
    lines = (movie_csv.COLUMNS, [facts.get(name, "") for name in movie_csv.COLUMNS])
    bundled = Path(write_file("bundled.csv", "".join(f"{','.join(cells)}\n" for cells in lines)))
    monkeypatch.setattr(seed, "get_bundled_csv", lambda: bundled)
    done = command("import", "catalogue", write_file("basics", BASICS + make_movies([1, 2])))
    assert done.stderr.startswith("Adding the bundled movies first")
    assert done.stdout.startswith("1 movie added, 1 already present")
    assert select_value(select(Movie.directors).where(Movie.imdb_id == "tt0000001")) == '["Ada"]'
    assert (
        "Adding" not in command("import", "catalogue", write_file("more", BASICS + make_movies([3]))).stderr
    )


def test_min_votes_needs_the_file_of_ratings(command, write_file, select_value):
    done = command("import", "catalogue", write_file("basics", BASICS + make_movies([1])), "--min-votes", "5")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--min-votes needs IMDb's title.ratings among the files" in done.stderr
    assert select_value(COUNT) == 0


def test_min_votes_must_be_a_whole_number(invoke, write_file):
    done = invoke("import", "catalogue", write_file("basics", BASICS), "--min-votes", "many")
    assert "'many' is not a valid whole number." in done.stderr


def test_unknown_file_is_rejected_in_one_line(invoke, write_file, assert_error, select_value):
    files = write_file("basics", BASICS + make_movies([1])), write_file("other", "a,b\n")
    assert_error(
        invoke("import", "catalogue", *files),
        "other: the first line must name the columns title, .+, and may name .+",
    )
    assert select_value(COUNT) == 0


def test_interrupted_import_exits_with_130_and_is_resumed(
    write_file, environ, instance, select_value, invoke, eventually
):
    path = write_file("basics", BASICS + make_movies(range(1, 60_001)))
    command = [sys.executable, "-m", "movierating", "import", "catalogue", path]
    process = subprocess.Popen(
        command, env=environ(instance), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    eventually(lambda: select_value(COUNT))
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=180)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.endswith("Interrupted. Run the command again to resume the import.\n")
    first = select_value(COUNT)
    assert 0 < first < 60_000
    done = invoke("import", "catalogue", path)
    assert done.stdout.startswith(f"{60_000 - first} movies added, {first} already present")
