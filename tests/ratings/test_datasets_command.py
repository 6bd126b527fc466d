"""`movierating import movielens`: what it prints, rejects and loads."""

import csv
from collections import defaultdict

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from movierating import create_app
from movierating.cli.main import main
from movierating.movies.models import Movie
from movierating.storage import database
from movierating.storage.database import read
from ratings.data_sets import create_instance, list_rows, load


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
