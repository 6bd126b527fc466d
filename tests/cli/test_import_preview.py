"""`import preview`, and the options of `import ratings` for any CSV."""

from pathlib import Path

import pytest

from movierating.movies import service as movies
from movierating.ratings.models import Rating

FILE = "Film;Year;My stars;Seen\nEmma;1996;3,5;26/1/2023\nRan;1985;9;5/3/2023\nHeat;;;\n"
COLUMNS = (
    "--column",
    "title=Film",
    "--column",
    "rating=My stars",
    "--column",
    "rated_at=Seen",
    "--scale",
    "5",
)


@pytest.fixture
def file(ada, select_value, tmp_path):
    """The path of a CSV in an unknown format, with a movie that it names."""
    movies.create_movie({"title": "Emma", "year": 1996})
    path = tmp_path / "mine.csv"
    path.write_text(FILE)
    return str(path)


def test_preview_prints_the_first_rows_as_they_would_be_read(invoke, file):
    done = invoke("import", "preview", file, *COLUMNS)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "csv, columns: Film, Year, My stars, Seen",
        "2: Emma (1996), rated 7, 2023-01-26",
        "3: the rating '9' is not a number up to 5",
        "4: Heat, no rating",
    ]


def test_preview_names_the_options_of_the_command(invoke, file):
    Path(file).write_text("Title,Year,Rating\nEmma,1996,4\n")
    [_, row] = invoke("import", "preview", file).stdout.splitlines()
    assert row.endswith("are read as stars; --scale 10 reads them as points")


def test_preview_of_unknown_columns_prints_the_first_cells_and_says_how_to_name_them(invoke, file):
    done = invoke("import", "preview", file)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "Film\tYear\tMy stars\tSeen",
        "Emma\t1996\t3,5\t26/1/2023",
        "Ran\t1985\t9\t5/3/2023",
        "Heat\t\t\t",
    ]
    message = (
        "Error: The columns of the file are unknown (Film, Year, My stars, Seen). Name them with --column, "
    )
    assert done.stderr.startswith(message)


def test_preview_of_ratings_above_ten_says_how_to_name_the_scale(invoke, file):
    Path(file).write_text("Title,Rating,WatchedDate\nEmma,80,\n")
    done = invoke("import", "preview", file)
    assert done.stdout.splitlines() == ["Title\tRating\tWatchedDate", "Emma\t80\t"]
    assert done.stderr.startswith(
        "Error: Some ratings are above 10. Name the columns with --column, such as title="
    )
    assert "and the highest rating with --scale, " in done.stderr


def test_any_csv_is_imported_with_named_columns(invoke, file, select_value):
    done = invoke("import", "ratings", file, "--user", "ada", *COLUMNS)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "csv")
    assert select_value(Rating.__table__.select().with_only_columns(Rating.value)) == 14


@pytest.mark.parametrize("command", [("preview",), ("ratings", "--user", "ada")])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--column", "Film"), "'Film' is not FIELD=COLUMN, such as title=Film."),
        (("--column", "name=Film"), "'name' is not one of title, original_title,"),
        (("--column", "title=Film", "--column", "title=Year"), "There are two columns for title."),
        (("--column", "title=Movie"), "column: The file has no column “Movie”. Name the column of ratings: "),
        (("--column", "title=Film"), "column: Name the column of ratings: rating=COLUMN."),
        (("--scale", "7"), "'7' is not one of '4', '5', '10', '20', '100'"),
    ],
)
def test_invalid_columns_are_rejected(invoke, file, command, options, message):
    done = invoke("import", *command, file, *options)
    assert done.exit_code in (1, 2)
    assert message in done.stderr
