"""The commands that take ratings in and out; `import movielens` is tested with what it loads."""

import io
import os
import pty
import signal
import subprocess
import sys
import zipfile
from typing import get_args

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from movierating.cli import data
from movierating.cli.main import main
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings import bulk, transfer_schemas
from movierating.ratings.formats import upload_reader, writers
from movierating.ratings.formats.rows import ExportRow
from movierating.ratings.models import Rating

HEADER = "imdb_id,tmdb_id,title,original_title,year,value,rated_at,version"
EMMA = "tt0116191,3573,Emma,,1996,8.5,2024-01-15T10:30:00.250000Z,1"
SUMMARY = "{}: {} created, {} updated, {} unchanged, {} skipped, {} unmatched, {} unreadable\n"


@pytest.fixture
def emma(ada, looked_up):
    """An account, and the movie Emma."""
    return movies.create_movie({"title": "Emma", "year": 1996, "imdb_id": "tt0116191", "tmdb_id": 3573}).id


@pytest.fixture
def csv(tmp_path):
    """`csv(row, …)` is the path of our own CSV with these rows."""

    def write(*rows):
        file = tmp_path / "ratings.csv"
        file.write_bytes("\r\n".join([HEADER, *rows, ""]).encode())
        return str(file)

    return write


def summary(name, *counts):
    return SUMMARY.format(name, *counts)


def count(table):
    return select(func.count()).select_from(table)


def test_the_choices_are_those_of_the_formats():
    assert data.IMPORT_FORMATS == upload_reader.FORMATS
    assert data.EXPORT_FORMATS == writers.FORMATS
    assert data.ON_CONFLICT == transfer_schemas.ON_CONFLICT == get_args(bulk.OnConflict)


def test_ratings_go_in_once_and_come_out_as_they_were(command, emma, csv, tmp_path):
    file = csv(EMMA)
    first = command("import", "ratings", file, "--user", "Ada")
    again = command("import", "ratings", file, "--user", "ada", "--format", "csv")
    assert (first.exit_code, first.output) == (0, summary("csv", 1, 0, 0, 0, 0, 0))
    assert (again.exit_code, again.output) == (0, summary("csv", 0, 0, 1, 0, 0, 0))
    out = command("export", "ratings", "--user", "ADA")
    assert (out.exit_code, out.stdout_bytes) == (0, (tmp_path / "ratings.csv").read_bytes())


@pytest.mark.parametrize("name", data.EXPORT_FORMATS)
def test_every_file_that_is_written_comes_back_in(command, emma, csv, tmp_path, name):
    command("import", "ratings", csv(EMMA), "--user", "ada")
    file = tmp_path / "mine"
    out = command("export", "ratings", "--user", "ada", "--format", name, "--output", str(file))
    assert (out.exit_code, out.output) == (0, "")
    back = command("import", "ratings", str(file), "--user", "ada", "--on-conflict", "keep")
    assert back.exit_code == 0
    assert back.stdout.startswith(f"{name}: 0 created, 0 updated, ")
    assert back.stdout.endswith(" 0 unmatched, 0 unreadable\n")


def test_rows_that_do_not_go_in_are_listed_on_standard_error(ours, emma, looked_up, csv):
    twins = [
        movies.create_movie({"title": "Twin", "year": 2000, "imdb_id": f"tt000000{n}"}).id for n in (1, 2)
    ]
    rows = ("tt9999999,,,,,7,,1", ",,Nowhere,,1950,7,,1", ",,Twin,,2000,7,,1", ",,Emma,,1996,11,,1")
    done = ours("import", "ratings", csv(EMMA, *rows), "--user", "ada")
    assert (done.exit_code, done.stdout) == (0, summary("csv", 1, 0, 0, 0, 3, 1))
    assert done.stderr.splitlines() == [
        "3: there is no such movie",
        "4: Nowhere (1950): there is no such movie",
        f"5: Twin (2000): more than one movie has this title and year: {twins[0]}, {twins[1]}",
        "6: the rating '11' is not a number from 0.5 to 10 by halves",
    ]


def test_a_dry_run_reports_the_same_and_writes_nothing(ours, emma, looked_up, csv):
    done = ours("import", "ratings", csv(EMMA), "--user", "ada", "--dry-run")
    assert (done.exit_code, done.output) == (0, summary("csv (dry run)", 1, 0, 0, 0, 0, 0))
    assert looked_up(count(Rating)) == 0


def test_missing_movies_are_added_if_asked_for(ours, ada, looked_up, csv):
    done = ours("import", "ratings", csv(EMMA), "--user", "ada", "--create-missing")
    assert (done.exit_code, done.output) == (0, summary("csv", 1, 0, 0, 0, 0, 0))
    assert looked_up(select(Movie.imdb_id)) == "tt0116191"


@pytest.mark.parametrize(
    ("choice", "value"), [("newer", 17), ("keep", 17), ("replace", 4)], ids=["newer", "keep", "replace"]
)
def test_of_two_ratings_the_option_says_which_stays(ours, emma, looked_up, csv, choice, value):
    ours("import", "ratings", csv(EMMA), "--user", "ada")
    older = EMMA.replace("8.5,2024", "2,2023")
    assert ours("import", "ratings", csv(older), "--user", "ada", "--on-conflict", choice).exit_code == 0
    assert looked_up(select(Rating.value)) == value


def test_a_file_may_come_through_a_pipe(run, ours, emma):
    done = run("import", "ratings", "-", "--user", "ada", stdin=f"{HEADER}\n{EMMA}\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, summary("csv", 1, 0, 0, 0, 0, 0), "")


def bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ratings.csv", HEADER + "\n" + " " * 30_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "file: The file is empty."),
        (b"a,b\n1,2\n", r"file: The columns of the file are not known \(a, b\)\. .+"),
        (bytes(range(256)), "file: The file does not begin with a line of text."),
        ("Name,Rating\n".encode("utf-16"), "file: The file is text in UTF-16, .+"),
        (b"PK\x03\x04 and no more", "file: The ZIP file is damaged."),
        (bomb(), "file: 'ratings.csv' unpacks to more than 200 times its size."),
        (b"[" * 1000, "file: The JSON is malformed, .+"),
        (b'{"ratings": [{"value": 1, "title": "A"}, {', "file: The JSON is malformed, .+"),
    ],
    ids=["empty", "other columns", "binary", "UTF-16", "damaged ZIP", "bomb", "deep JSON", "half a JSON"],
)
@pytest.mark.usefixtures("ada")
def test_a_hostile_file_is_refused_in_one_line(ours, looked_up, tmp_path, refused, content, line):
    (tmp_path / "file").write_bytes(content)
    refused(ours("import", "ratings", str(tmp_path / "file"), "--user", "ada", "--create-missing"), line)
    assert looked_up(count(Rating)) == looked_up(count(Movie)) == 0


@pytest.mark.usefixtures("ada")
def test_a_file_of_another_format_than_said_is_refused(command, csv, refused):
    done = command("import", "ratings", csv(EMMA), "--user", "ada", "--format", "imdb")
    refused(done, "file: The file is of the format csv, not imdb.")


def test_whose_ratings_has_to_be_somebody(command, csv, tmp_path, refused):
    refused(command("import", "ratings", csv(EMMA), "--user", "nobody"), "No such user: 'nobody'.")
    target = tmp_path / "mine.csv"
    done = command("export", "ratings", "--user", "nobody", "--output", str(target))
    refused(done, "No such user: 'nobody'.")
    assert not target.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("import", "ratings", "{file}", "--user", "ada", "--format", "xml"),
            "'--format': 'xml' is not one of",
        ),
        (("import", "ratings", "{file}", "--user", "ada", "--on-conflict", "x"), "'x' is not one of 'newer'"),
        (("import", "ratings", "{file}"), "Missing option '--user'"),
        (("import", "ratings", "{file}x", "--user", "ada"), "does not exist"),
        (("import", "ratings", "{folder}", "--user", "ada"), "is a directory"),
        (("export", "ratings", "--user", "ada", "--format", "trakt"), "'--format': 'trakt' is not one of"),
        (("export", "ratings", "--user", "ada", "--output", "{folder}"), "is a directory"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_runs(csv, tmp_path, environ, arguments, said):
    known = {"file": csv(EMMA), "folder": str(tmp_path)}
    words = [word.format(**known) for word in arguments]
    done = CliRunner(env=environ(tmp_path / "new")).invoke(main, words, catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("ada")
def test_a_place_that_cannot_be_written_to_is_said_in_one_line(ours, tmp_path, refused):
    done = ours("export", "ratings", "--user", "ada", "--output", str(tmp_path / "no" / "mine.csv"))
    refused(done, ".*No such file or directory.*")


@pytest.mark.usefixtures("emma")
def test_a_file_that_was_there_stays_whole_where_an_export_fails(ours, looked_up, csv, tmp_path):
    target = tmp_path / "mine.csv"
    target.write_text("before")
    ours("import", "ratings", csv(EMMA), "--user", "ada")

    def rows(*_arguments):
        yield ExportRow("tt0116191", 3573, "Emma", None, 1996, [], 16, 0)
        raise OSError("the disk is gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("movierating.ratings.exports._read_rows", rows)
        done = ours("export", "ratings", "--user", "ada", "--output", str(target))
    assert (done.exit_code, done.stderr) == (1, "Error: the disk is gone\n")
    assert target.read_text() == "before"
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["mine.csv", "ratings.csv"]


def on_terminal(words, env):
    """The exit code of the command, and what it wrote to its standard error, a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "movierating", *words]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=theirs, timeout=60)
    os.close(theirs)
    shown = b""
    while True:
        try:
            block = os.read(ours, 1 << 16)
        except OSError:  # how Linux tells the end
            break
        if not block:
            break
        shown += block
    os.close(ours)
    return done, shown.decode()


def many(rows):
    return [f"tt0116191,3573,Emma,,1996,8,2024-01-15T10:30:00.{number:06}Z,1" for number in range(rows)]


@pytest.mark.usefixtures("emma")
def test_a_large_file_shows_how_far_it_has_been_read(ours, csv, environ, instance):
    words = ("import", "ratings", csv(*many(20_000)), "--user", "ada")
    done, shown = on_terminal(words, environ(instance))
    assert (done.returncode, done.stdout.decode()) == (0, summary("csv", 1, 0, 0, 19_999, 0, 0))
    assert "reading" in shown
    assert "100%" in shown


@pytest.mark.usefixtures("emma")
def test_where_nobody_watches_a_line_tells_each_tenth(ours, csv):
    done = ours("import", "ratings", csv(*many(20_000)), "--user", "ada")
    assert done.stderr.splitlines()[-1] == "reading: 100 %"
    assert len(done.stderr.splitlines()) == 10


@pytest.mark.usefixtures("emma")
def test_interrupted_import_exits_with_130_and_says_it_can_be_repeated(csv, environ, instance):
    words = [sys.executable, "-m", "movierating", "import", "ratings", csv(*many(200_000)), "--user", "ada"]
    process = subprocess.Popen(words, env=environ(instance), stderr=subprocess.PIPE, text=True)
    assert "reading: " in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=60)
    assert process.returncode == 130
    assert shown.endswith("Interrupted. Nothing was imported; run the command again.\n")
