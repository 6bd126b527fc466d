"""The table that `import ratings` prints, and the rows that it writes to a file."""

import csv

import pytest

from movierating.movies import service as movies

HEADER = "imdb_id,title,year,value,rated_at"


@pytest.fixture
def import_file(invoke, ada, select_value, tmp_path):
    """`import_file("tt0116191,,,8,", "--dry-run")` imports rows of our own CSV, and options, of an account."""

    def run(*arguments):
        rows = [argument for argument in arguments if not argument.startswith("--")]
        options = [word for argument in arguments if argument.startswith("--") for word in argument.split()]
        file = tmp_path / "ratings.csv"
        file.write_text("\n".join([HEADER, *rows, ""]))
        return invoke("import", "ratings", str(file), "--user", "ada", *options)

    return run


@pytest.fixture
def emma(ada, select_value):
    """The movie Emma."""
    return movies.create_movie({"title": "Emma", "year": 1996, "imdb_id": "tt0116191"}).id


def test_the_table_names_each_number(import_file, emma):
    rows = [
        "tt0116191,,,8,2024-01-01",
        "tt0116191,,,7,2023-01-01",
        ",Ran,1985,,",
        ",Emma,1997,7,",
        ",Ran,1985,11,",
    ]
    done = import_file(*rows, ",Ran,1985,9,", "--dry-run")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "csv, dry run",
        "  rows                           6",
        "  created                        1",
        "  updated                        0",
        "  unchanged                      0",
        "  skipped, another rating stays  1",
        "  skipped, not a movie           0",
        "  skipped, no rating             1",
        "  unmatched, with candidates     1",
        "  unmatched, without candidates  1",
        "  not readable                   1",
    ]
    assert f"    {emma}  Emma (1996)" in done.stderr.splitlines()


def test_a_note_is_printed_once_with_the_places_of_its_rows(import_file):
    rows = [f",Movie {number},2000,7," for number in range(8)]
    assert import_file(*rows, "--create-missing").stderr.splitlines() == [
        "2, 3, 4, 5, 6 and 3 more: note: the movie was not in the catalogue and is added"
    ]


def test_unmatched_rows_are_explained_while_the_catalogue_is_loading(import_file, emma, finish_loading):
    rows = ["tt0116191,,,8,", ",Ran,1985,7,"]
    explanation = "Not all bundled movies are in the catalogue yet. "
    assert import_file(*rows).stderr.splitlines()[-1].startswith(explanation)
    assert import_file(rows[0]).stderr == ""
    finish_loading()
    assert import_file(*rows).stderr.splitlines() == ["3: Ran (1985): there is no such movie"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Film,Mark\nRan,8\n", "Name them with --column, such as title=Film, or take"),
        ("Title,Year,Rating\nRan,1985,85\n", "and the highest rating with --scale, such as 100."),
        ("Title,Year,Rating\nRan,1985,4\n", "and are read as stars; --scale 10 reads them as points"),
    ],
)
def test_messages_name_the_options_and_not_the_parameters_of_the_api(invoke, ada, tmp_path, text, reason):
    file = tmp_path / "ratings.csv"
    file.write_text(text)
    done = invoke("import", "ratings", str(file), "--user", "ada")
    assert reason in done.stderr
    assert "`" not in done.stderr


@pytest.mark.parametrize("rows", [[], [",Ran,1985,11,", ",,,8,"]])
def test_import_fails_if_no_row_could_be_read(import_file, rows):
    done = import_file(*rows)
    assert done.exit_code == 1
    assert done.stderr.endswith("ratings.csv could be read.\n")
    assert done.stdout.splitlines()[1].split() == ["rows", str(len(rows))]


def test_import_succeeds_if_a_row_could_be_read_but_not_imported(import_file):
    assert import_file(",Ran,1985,9,").exit_code == 0


def test_replaced_ratings_are_saved_and_can_be_restored(import_file, invoke, emma, tmp_path):
    def export():
        return invoke("export", "ratings", "--user", "ada").stdout_bytes.decode()

    import_file("tt0116191,,,8.5,2024-01-15T10:30:00.25Z")
    before = export()
    saved = tmp_path / "replaced.csv"
    done = import_file("tt0116191,,,2,2025-01-15", f"--replaced {saved}")
    assert (done.exit_code, "restores them" in done.stderr) == (0, True)
    assert saved.read_bytes().decode() == before
    assert export() != before
    invoke("import", "ratings", str(saved), "--user", "ada", "--on-conflict", "replace")
    assert export() == before


def test_no_file_is_left_if_nothing_was_replaced(import_file, emma, tmp_path):
    saved = tmp_path / "replaced.csv"
    assert import_file("tt0116191,,,8,", f"--replaced {saved}").exit_code == 0
    assert not saved.exists()


def test_saved_ratings_are_never_overwritten(import_file, emma, tmp_path, assert_error):
    saved = tmp_path / "replaced.csv"
    saved.write_text("older ratings")
    assert_error(import_file("tt0116191,,,8,", f"--replaced {saved}"), r".+replaced\.csv already exists\.")
    assert saved.read_text() == "older ratings"
    assert import_file("tt0116191,,,8,").stdout.splitlines()[2].split() == ["created", "1"]


def test_import_without_a_folder_for_the_details_writes_nothing(import_file, emma, tmp_path, assert_error):
    done = import_file("tt0116191,,,8,", f"--details {tmp_path / 'no' / 'details.csv'}")
    assert_error(done, rf"{tmp_path / 'no'} is not a folder\.")
    assert import_file("tt0116191,,,8,").stdout.splitlines()[2].split() == ["created", "1"]


def test_details_list_every_row_as_csv(import_file, emma, tmp_path):
    import_file("tt0116191,,,8,2024-01-01", ",Ran,1985,9,", f"--details {tmp_path / 'details.csv'}")
    with (tmp_path / "details.csv").open(newline="") as file:
        rows = [(row["line"], row["outcome"], row["movie_id"]) for row in csv.DictReader(file)]
    assert rows == [("2", "created", str(emma)), ("3", "unmatched", "")]
