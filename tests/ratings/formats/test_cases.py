"""Files that real people brought, one of each kind of difficulty, and how their rows are read."""

from pathlib import Path

import pytest

from movierating import clock
from movierating.ratings.formats.rows import RatedRow, SkippedRow

CASES = Path(__file__).parent / "cases"


@pytest.fixture
def read_case(read):
    """`read_case("07-imdb-date-added/ratings.csv")` is the format and the rows of a file."""
    return lambda name: read((CASES / name).read_bytes())


def days(rows):
    """Half points and day of each rated row."""
    return [
        (row.value, row.rated_at and clock.format_rfc3339(row.rated_at)[:10])
        for row in rows
        if isinstance(row, RatedRow)
    ]


def test_one_day_above_12_settles_the_order_of_all_dates(read_case):
    _, rows = read_case("01-day-first-dates/diary.csv")
    assert days(rows) == [(16, "2023-01-26"), (12, "2023-03-05")]
    assert [row.note for row in rows] == [None, "dates are read day first: 05/03/2023 is 2023-03-05"]


def test_imdb_once_called_the_date_date_added(read_case):
    _, rows = read_case("07-imdb-date-added/ratings.csv")
    assert days(rows) == [(18, "2017-11-08")]


def test_ratings_of_simkl_are_not_stars(read_case):
    name, rows = read_case("02-simkl-csv-taken-for-letterboxd/SimklBackup.csv")
    assert (name, [row.value for row in rows]) == ("simkl", [8, 18, 6, 10])
    assert [(row.imdb_id, row.tmdb_id, row.kind) for row in rows] == [
        ("tt0133093", 603, None),
        ("tt1375666", 27205, None),
        ("tt9990010", None, "tv"),
        ("tt9990011", None, "tv"),
    ]


def test_two_uris_are_two_films(read_case):
    _, rows = read_case("09-two-films-of-one-name-and-year/ratings.csv")
    assert [row.film_id for row in rows] == ["https://boxd.it/aaa", "https://boxd.it/bbb"]


def test_an_id_decides_where_the_year_is_unreadable(read_case):
    _, rows = read_case("11-unreadable-year-though-id-given/ratings.csv")
    assert [(type(row), row.year) for row in rows] == [
        (RatedRow, None),
        (RatedRow, 2010),
        (RatedRow, 2008),
        (SkippedRow, None),
    ]
    assert rows[2].kind == "TV Series"
    assert rows[3].outcome == "no_rating"


def test_missing_cells_are_empty_and_surplus_empty_ones_are_dropped(read_case):
    _, rows = read_case("12-rows-of-another-length/ratings.csv")
    assert [(row.imdb_id, row.value) for row in rows] == [("tt1375666", 16), ("tt0468569", 16)]


def test_a_file_that_is_not_utf8_is_windows_1252(read_case):
    _, rows = read_case("13-windows-1252/ratings.csv")
    assert [(row.imdb_id, row.title, row.value) for row in rows] == [("tt0317248", "Cidade de Deus", 18)]


def test_title_year_and_rating_are_columns_that_letterboxd_imports(read_case):
    name, rows = read_case("14-plain-title-year-rating/import.csv")
    assert (name, days(rows)) == ("letterboxd", [(16, None)])
