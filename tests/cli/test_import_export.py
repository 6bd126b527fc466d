"""`import ratings` and `export ratings`; `import movielens` is tested with data sets."""

import os
import pty
import signal
import subprocess
import sys
from typing import get_args

import pytest
from sqlalchemy import func, select

from movierating.cli import import_export, import_preview
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings import bulk, import_schemas
from movierating.ratings.formats import custom_csv, upload_reader, writers
from movierating.ratings.formats.rows import ExportRow
from movierating.ratings.models import Rating

HEADER = "imdb_id,tmdb_id,title,original_title,year,value,rated_at,version"
EMMA = "tt0116191,3573,Emma,,1996,8.5,2024-01-15T10:30:00.250000Z,1"


@pytest.fixture
def emma(ada, select_value):
    """An account, and the movie Emma."""
    return movies.create_movie({"title": "Emma", "year": 1996, "imdb_id": "tt0116191", "tmdb_id": 3573}).id


@pytest.fixture
def csv(tmp_path):
    """`csv(row, …)` returns the path of our own CSV with these rows."""

    def write(*rows):
        file = tmp_path / "ratings.csv"
        file.write_bytes("\r\n".join([HEADER, *rows, ""]).encode())
        return str(file)

    return write


def read_table(text):
    """Return the heading, and the numbers of created, updated, unchanged, skipped, unmatched and unreadable rows."""
    heading, *lines = text.splitlines()
    numbers = [int(line.split()[-1].replace(",", "")) for line in lines]
    assert numbers[0] == sum(numbers[1:10])
    return heading, *numbers[1:4], sum(numbers[4:7]), sum(numbers[7:9]), numbers[9]


def count(table):
    return select(func.count()).select_from(table)


def test_choices_equal_those_of_the_formats():
    assert sorted(import_export.IMPORT_FORMATS) == sorted(upload_reader.FORMATS)
    assert import_export.EXPORT_FORMATS == writers.FORMATS
    assert import_preview.FIELDS == custom_csv.FIELDS
    assert tuple(map(str, custom_csv.SCALES)) == import_preview.SCALES
    assert import_export.ON_CONFLICT == import_schemas.ON_CONFLICT == get_args(bulk.OnConflict)


def test_import_can_be_repeated_and_export_returns_the_file(command, emma, csv, tmp_path):
    file = csv(EMMA)
    first = command("import", "ratings", file, "--user", "Ada")
    again = command("import", "ratings", file, "--user", "ada", "--format", "csv")
    assert (first.exit_code, first.stderr, *read_table(first.stdout)) == (0, "", "csv", 1, 0, 0, 0, 0, 0)
    assert (again.exit_code, again.stderr, *read_table(again.stdout)) == (0, "", "csv", 0, 0, 1, 0, 0, 0)
    exported = command("export", "ratings", "--user", "ADA")
    assert (exported.exit_code, exported.stdout_bytes) == (0, (tmp_path / "ratings.csv").read_bytes())


@pytest.mark.parametrize("file_format", import_export.EXPORT_FORMATS)
def test_exported_file_can_be_imported(command, emma, csv, tmp_path, file_format):
    command("import", "ratings", csv(EMMA), "--user", "ada")
    file = tmp_path / "export"
    done = command("export", "ratings", "--user", "ada", "--format", file_format, "--output", str(file))
    assert (done.exit_code, done.output) == (0, "")
    done = command("import", "ratings", str(file), "--user", "ada", "--on-conflict", "keep")
    assert done.exit_code == 0
    heading, created, updated, _, _, unmatched, unreadable = read_table(done.stdout)
    assert (heading, created, updated, unmatched, unreadable) == (file_format, 0, 0, 0, 0)


def test_import_lists_rejected_rows_on_standard_error(invoke, emma, select_value, csv):
    twins = [
        movies.create_movie({"title": "Twin", "year": 2000, "imdb_id": f"tt000000{n}"}).id for n in (1, 2)
    ]
    rows = ("tt9999999,,,,,7,,1", ",,Nowhere,,1950,7,,1", ",,Twin,,2000,7,,1", ",,Emma,,1996,11,,1")
    done = invoke("import", "ratings", csv(EMMA, *rows), "--user", "ada")
    assert (done.exit_code, *read_table(done.stdout)) == (0, "csv", 1, 0, 0, 0, 3, 1)
    assert done.stderr.splitlines() == [
        "3: there is no such movie",
        "4: Nowhere (1950): there is no such movie",
        "5: Twin (2000): more than one movie has this title and year",
        *(f"    {twin}  Twin (2000)" for twin in twins),
        "Choose the movie of a row with `--choice LINE=ID`, or add one with `--choice LINE=new`.",
        "6: the rating '11' is not a number from 0.5 to 10 by halves",
    ]


def test_import_passes_its_options_on(invoke, emma, select_value, csv):
    imported = ("import", "ratings", csv(EMMA, "tt0000001,,New,,2000,7,,1"), "--user", "ada")
    done = invoke(*imported, "--dry-run", "--create-missing")
    assert (done.exit_code, *read_table(done.stdout)) == (0, "csv, dry run", 2, 0, 0, 0, 0, 0)
    assert done.stderr == "3: note: the movie was not in the catalogue and is added\n"
    assert select_value(count(Rating)) == 0
    assert read_table(invoke(*imported, "--create-missing").stdout) == ("csv", 2, 0, 0, 0, 0, 0)
    assert select_value(count(Movie)) == 2
    csv(EMMA.replace("8.5,2024", "2,2023"))
    assert read_table(invoke(*imported, "--on-conflict", "keep").stdout) == ("csv", 0, 0, 0, 1, 0, 0)
    assert read_table(invoke(*imported, "--on-conflict", "replace").stdout) == ("csv", 0, 1, 0, 0, 0, 0)


def test_import_reads_standard_input(run, invoke, emma):
    done = run("import", "ratings", "-", "--user", "ada", stdin=f"{HEADER}\n{EMMA}\n")
    assert (done.returncode, done.stderr, *read_table(done.stdout)) == (0, "", "csv", 1, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a,b\n1,2\n", r"file: The columns of the file are unknown \(a, b\)\. .+"),
        (bytes(range(256)), r"file: The file does not begin with a line of text\. .+"),
        (b"PK\x03\x04 and no more", "file: The ZIP file is damaged."),
        (HEADER.encode(), "file: The file is of the format csv, not imdb."),
    ],
    ids=["other columns", "binary", "damaged ZIP", "other format"],
)
@pytest.mark.usefixtures("ada")
def test_invalid_file_is_rejected_in_one_line(invoke, tmp_path, assert_error, content, line):
    (tmp_path / "file").write_bytes(content)
    assert_error(
        invoke("import", "ratings", str(tmp_path / "file"), "--user", "ada", "--format", "imdb"), line
    )


def test_unknown_user_is_rejected(command, csv, tmp_path, assert_error):
    assert_error(command("import", "ratings", csv(EMMA), "--user", "unknown"), "No such user: 'unknown'.")
    target = tmp_path / "export.csv"
    done = command("export", "ratings", "--user", "unknown", "--output", str(target))
    assert_error(done, "No such user: 'unknown'.")
    assert not target.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("import ratings {file} --user ada --format xml", "'--format': 'xml' is not one of"),
        ("import ratings {file} --user ada --on-conflict x", "'x' is not one of 'newer'"),
        ("import ratings {file}", "Missing option '--user'"),
        ("import ratings {file}x --user ada", "does not exist"),
        ("import ratings {folder} --user ada", "is a directory"),
        ("export ratings --user ada --format tmdb", "'--format': 'tmdb' is not one of"),
        ("export ratings --user ada --output {folder}", "is a directory"),
    ],
)
def test_invalid_options_are_rejected_before_an_instance_is_needed(
    csv, tmp_path, invoke_in, arguments, message
):
    words = arguments.format(file=csv(EMMA), folder=tmp_path).split()
    done = invoke_in(tmp_path / "new", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("ada")
def test_export_to_a_missing_folder_is_rejected_in_one_line(invoke, tmp_path, assert_error):
    done = invoke("export", "ratings", "--user", "ada", "--output", str(tmp_path / "no" / "export.csv"))
    assert_error(done, rf"{tmp_path / 'no'} is not a folder\.")


@pytest.mark.usefixtures("ada")
def test_export_leaves_other_files_in_the_folder(invoke, tmp_path):
    other = tmp_path / "export.csv.part"
    other.write_text("a file of the user")
    assert (
        invoke("export", "ratings", "--user", "ada", "--output", str(tmp_path / "export.csv")).exit_code == 0
    )
    assert other.read_text() == "a file of the user"


@pytest.mark.usefixtures("emma")
def test_export_that_fails_leaves_the_old_file(invoke, select_value, csv, tmp_path, monkeypatch):
    target = tmp_path / "export.csv"
    target.write_text("before")
    invoke("import", "ratings", csv(EMMA), "--user", "ada")

    def fail_later(*_arguments):
        yield ExportRow("tt0116191", 3573, "Emma", None, 1996, [], 16, 0)
        raise OSError("the disk is gone")

    monkeypatch.setattr("movierating.ratings.exports._iterate_rows", fail_later)
    done = invoke("export", "ratings", "--user", "ada", "--output", str(target))
    assert (done.exit_code, done.stderr) == (1, "Error: the disk is gone\n")
    assert target.read_text() == "before"
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["export.csv", "ratings.csv"]


def repeat_row(count):
    return [f"tt0116191,3573,Emma,,1996,8,2024-01-15T10:30:00.{number:06}Z,1" for number in range(count)]


@pytest.mark.usefixtures("emma")
def test_large_import_shows_a_progress_bar_on_a_terminal(csv, environ, instance):
    terminal, standard_error = pty.openpty()
    command = [sys.executable, "-m", "movierating", "import", "ratings", csv(*repeat_row(20_000)), "--user"]
    done = subprocess.run(
        [*command, "ada"], env=environ(instance), stdout=subprocess.PIPE, stderr=standard_error, timeout=180
    )
    assert (done.returncode, *read_table(done.stdout.decode())) == (0, "csv", 1, 0, 0, 19_999, 0, 0)
    shown = os.read(terminal, 1 << 16).decode()
    os.close(standard_error)
    os.close(terminal)
    assert "reading" in shown
    assert "%" in shown


@pytest.mark.usefixtures("emma")
def test_large_import_prints_a_line_per_tenth_elsewhere(invoke, csv):
    done = invoke("import", "ratings", csv(*repeat_row(20_000)), "--user", "ada")
    assert done.stderr.splitlines()[-1] == "reading: 100 %"
    assert len(done.stderr.splitlines()) == 10


@pytest.mark.usefixtures("emma")
def test_command_that_is_interrupted_while_the_application_opens_exits_with_130(invoke, csv, monkeypatch):
    def interrupt(**_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("movierating.create_app", interrupt)
    done = invoke("import", "ratings", csv(*repeat_row(1)), "--user", "ada")
    assert done.exit_code == 130
    assert done.stderr == "\nInterrupted.\n"


@pytest.mark.usefixtures("emma")
def test_interrupted_import_exits_with_130_and_says_it_can_be_repeated(csv, environ, instance):
    arguments = ["import", "ratings", csv(*repeat_row(100_000)), "--user", "ada"]
    command = [sys.executable, "-m", "movierating", *arguments]
    process = subprocess.Popen(command, env=environ(instance), stderr=subprocess.PIPE, text=True)
    assert "reading: " in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=180)
    assert process.returncode == 130
    assert shown.endswith(
        "Interrupted. Run the command again: ratings that were imported already count as unchanged.\n"
    )
