"""Imports over HTTP of real people's files, one for each kind of difficulty."""

import csv
import io
from pathlib import Path

import pytest

from movierating.movies import catalogue_import
from movierating.movies.movie_csv import get_bundled_csv

CASES = Path(__file__).parent / "formats" / "cases"
# All films that the files name and the catalogue has.
IMDB_IDS = {
    *("tt0066026", "tt0071562", "tt0076759", "tt0080684", "tt0098635", "tt0103644", "tt0114369", "tt0114746"),
    *("tt0133093", "tt0266697", "tt0317248", "tt0399201", "tt0468569", "tt1375666", "tt7131622"),
}


@pytest.fixture(scope="module")
def movies_csv(tmp_path_factory):
    """A CSV of the catalogue's rows with IMDB_IDS."""
    path = tmp_path_factory.mktemp("cases") / "movies.csv"
    with get_bundled_csv().open(encoding="utf-8", newline="") as bundled, path.open("w", newline="") as file:
        header, *lines = bundled
        file.writelines([header, *(line for line in lines if not IMDB_IDS.isdisjoint(line.split(",")))])
    return path


@pytest.fixture(autouse=True)
def _catalogue(app, movies_csv):
    report = catalogue_import.import_catalogue(catalogue_import.open_files([movies_csv]))
    assert report.added == len(IMDB_IDS)


@pytest.fixture
def import_case(member, upload):
    """`import_case("01-day-first-dates/diary.csv", create_missing="true")` is the response to a file of a case."""
    return lambda name, **options: upload(member, (CASES / name).read_bytes(), **options)


@pytest.fixture
def list_ratings(member):
    """`list_ratings()` is value and day of the member's ratings, by IMDb id or title and year."""

    def list_ratings():
        items = member.get(f"/v1/users/{member.id}/ratings?limit=100").json["items"]
        return {
            item["movie"]["imdb_id"] or (item["movie"]["title"], item["movie"]["year"]): (
                item["value"],
                item["rated_at"][:10],
            )
            for item in items
        }

    return list_ratings


@pytest.fixture
def count_movies(client):
    """`count_movies()` is the number of movies, of which a list shows 100."""
    return lambda: len(client.get("/v1/movies?limit=100").json["items"])


def test_one_day_above_12_settles_the_order(import_case, list_ratings):
    report = import_case("01-day-first-dates/diary.csv").json
    assert (report["created"], report["errors"]) == (2, [])
    assert list_ratings() == {"tt0133093": (8, "2023-01-26"), "tt1375666": (6, "2023-03-05")}
    assert [note["reason"] for note in report["notes"]] == [
        "dates are read day first: 05/03/2023 is 2023-03-05"
    ]


def test_a_simkl_file_is_never_read_on_the_five_star_scale(import_case, list_ratings, count_movies):
    report = import_case("02-simkl-csv-taken-for-letterboxd/SimklBackup.csv", create_missing="true").json
    assert (report["format"], report["created"], report["skipped"]["not_a_movie"]) == ("simkl", 2, 2)
    assert list_ratings() == {"tt0133093": (4, "2024-01-01"), "tt1375666": (9, "2024-01-01")}
    assert count_movies() == len(IMDB_IDS)


def test_a_known_film_is_found_under_another_spelling(import_case, list_ratings, count_movies):
    report = import_case("03-known-film-under-another-spelling/ratings.csv", create_missing="true").json
    rated = list_ratings()
    expected = {
        *("tt0071562", "tt0098635", "tt7131622", "tt0103644", "tt0066026"),
        *("tt0266697", "tt0114369", "tt0114746", "tt0076759", "tt0080684"),
    }
    assert rated == dict.fromkeys(expected, (8, "2022-01-01")), report["unmatched"]
    assert count_movies() == len(IMDB_IDS)


def test_a_movie_that_a_file_added_learns_its_id_from_the_next(import_case, list_ratings, count_movies):
    for number in (1, 2, 3):
        import_case(f"04-movie-without-ids-never-learns-them/{number}.csv", create_missing="true")
    assert list_ratings() == {"tt9991001": (7, "2024-03-01")}
    assert count_movies() == len(IMDB_IDS) + 1


def test_a_row_with_another_id_is_another_film(import_case, list_ratings, count_movies):
    for number in (1, 2, 3):
        import_case(f"05-two-films-join-one-movie/{number}.csv", create_missing="true")
    assert list_ratings() == {"tt9993001": (7, "2024-01-01"), "tt9993002": (3, "2024-02-01")}
    assert count_movies() == len(IMDB_IDS) + 2


def test_a_film_a_year_off_is_a_candidate_and_no_more(client, import_case, list_ratings):
    movie_id = client.get("/v1/movies/by-imdb/tt0399201").json["id"]
    for create_missing in ("false", "true"):
        report = import_case("06-a-year-off-is-another-film/ratings.csv", create_missing=create_missing).json
        assert [(row["title"], row["candidates"]) for row in report["unmatched"]] == [
            ("The Island", [movie_id])
        ]
        assert list_ratings() == {}
    import_case("06-a-year-off-is-another-film/ratings.csv", create_missing="always")
    assert list_ratings() == {("The Island", 2006): (6, "2020-04-13")}


def test_imdb_once_called_the_date_date_added(import_case, list_ratings):
    import_case("07-imdb-date-added/ratings.csv")
    assert list_ratings() == {"tt0133093": (9, "2017-11-08")}


def test_no_item_of_foreign_json_is_skipped_silently(import_case, list_ratings):
    report = import_case("08-foreign-json-all-skipped/ratings.json").json
    assert (report["format"], report["created"]) == ("flixster", 1)
    assert {movie: value for movie, (value, _) in list_ratings().items()} == {"tt0133093": 9}


def test_second_film_of_one_name_and_year_is_reported(import_case, list_ratings):
    name = "09-two-films-of-one-name-and-year/ratings.csv"
    report = import_case(name, create_missing="true").json
    assert (report["created"], [row["line"] for row in report["unmatched"]]) == (1, [3])
    assert [value for value, _ in list_ratings().values()] == [6]


def test_letterboxds_export_has_no_watched_date(member, import_case):
    import_case("10-letterboxd-export-makes-diary-entries/ratings.csv")
    text = member.get("/v1/users/me/ratings/export?format=letterboxd").text
    [row] = csv.DictReader(io.StringIO(text))
    assert row["imdbID"] == "tt0133093"
    assert not row.get("WatchedDate")


def test_an_id_decides_where_the_year_is_unreadable(import_case, list_ratings):
    report = import_case("11-unreadable-year-though-id-given/ratings.csv").json
    assert list_ratings() == {"tt0133093": (9, "2024-01-02"), "tt1375666": (9, "2024-01-02")}
    assert report["skipped"] == {"older": 0, "not_a_movie": 1, "no_rating": 1}
    assert report["errors"] == report["unmatched"] == []


def test_rows_may_be_a_cell_short_or_long(import_case, list_ratings):
    report = import_case("12-rows-of-another-length/ratings.csv").json
    assert list_ratings() == {"tt1375666": (8, "2024-01-02"), "tt0468569": (8, "2024-01-02")}
    assert report["errors"] == []


def test_a_file_that_is_not_utf8_is_windows_1252(import_case, list_ratings):
    import_case("13-windows-1252/ratings.csv")
    assert list_ratings() == {"tt0317248": (9, "2020-09-10")}


def test_title_year_and_rating_are_read_as_letterboxd_reads_them(import_case, list_ratings):
    report = import_case("14-plain-title-year-rating/import.csv").json
    assert report["format"] == "letterboxd"
    assert {movie: value for movie, (value, _) in list_ratings().items()} == {"tt0133093": 8}
