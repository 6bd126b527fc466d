"""CSV files whose columns the user names."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierating import clock
from movierating.ratings.formats.custom_csv import FIELDS, SCALES, ColumnMapping, parse_columns
from movierating.ratings.formats.rows import InvalidColumn, RatedRow, RejectedFile
from movierating.ratings.formats.upload_reader import open_upload

FILE = 'Film,Year,My stars,Seen on\nHeat,1995,4,26/1/2023\nRan,1985,"3,5",5/3/2023\n'
STARS = ColumnMapping({"title": "Film", "rating": "My stars"}, 5)


def test_columns_are_named_and_others_have_their_own_name(read_with):
    mapping = ColumnMapping({"title": "Film", "rating": "my STARS", "rated_at": " Seen on ".strip()}, 5)
    rows = read_with(mapping, FILE)
    assert [(row.line, row.title, row.year, row.value) for row in rows] == [
        (2, "Heat", 1995, 16),
        (3, "Ran", 1985, 14),
    ]
    assert [clock.format_rfc3339(row.rated_at)[:10] for row in rows] == ["2023-01-26", "2023-03-05"]
    assert rows[1].note == "dates are read day first: 5/3/2023 is 2023-03-05"


def test_every_target_is_read(read_with):
    names = dict(zip(FIELDS, "abcdefg", strict=True))
    [row] = read_with(ColumnMapping(names, 10), "a;b;c;d;e;f;g\nHeat;Élan;1995;8;2024-01-15;113277;949\n")
    rated_at = clock.from_datetime(clock.datetime.fromisoformat("2024-01-15T00:00:00Z"))
    assert row == RatedRow(2, "tt0113277", 949, "Heat", "Élan", 1995, 16, rated_at)


@pytest.mark.parametrize(
    ("columns", "title"), [("Name", "Heat"), ("Name,Title", "Ran"), ("imdbID,Directors", None)]
)
def test_fields_have_the_names_of_letterboxds_importer_as_well(read_with, columns, title):
    """So that `scale` alone reads its files on another scale."""
    cells = {"Name": "Heat", "Title": "Ran", "imdbID": "tt0113277", "Directors": "Mann"}
    values = ",".join(cells[name] for name in columns.split(","))
    [row] = read_with(
        ColumnMapping({}, 10), f"{columns},tmdbID,Rating,WatchedDate\n{values},949,4,2024-01-15\n"
    )
    assert (row.title, row.tmdb_id, row.value) == (title, 949, 8)
    assert row.imdb_id == ("tt0113277" if title is None else None)
    assert clock.format_rfc3339(row.rated_at)[:10] == "2024-01-15"


def test_columns_of_letterboxds_importer_need_not_be_read(read_with):
    mapping = ColumnMapping(parse_columns(["tmdb_id=", "rated_at="]), 10)
    [row] = read_with(mapping, "Name,tmdbID,Rating,WatchedDate\nHeat,949,4,2024-01-15\n")
    assert (row.title, row.tmdb_id, row.rated_at) == ("Heat", None, None)


@pytest.mark.parametrize("more", ["", ",", ",,"])
def test_field_with_an_empty_name_is_not_read(read_with, more):
    mapping = ColumnMapping(parse_columns(["year=", "rated_at= "]), 10)
    [row] = read_with(mapping, f"title,year,rating,rated_at{more}\nHeat,1995,8,2024-01-15{more}\n")
    assert (row.title, row.year, row.rated_at, row.value) == ("Heat", None, None, 16)


@pytest.mark.parametrize(
    ("columns", "text", "reason"),
    [
        (
            {"title": "Movie", "rating": "Year"},
            FILE,
            "no column “Movie”. Its columns: Film, Year, My stars, Seen on.",
        ),
        ({"title": "Film"}, FILE, "Name the column of ratings: rating=COLUMN. Its columns: Film, Year,"),
        ({"rating": "My stars"}, FILE, "Name the column of titles: title=COLUMN. Its columns: Film, Year,"),
        (
            {"year": "Made", "rated_at": "Day"},
            FILE,
            "The file has no column “Made”. The file has no column “Day”. Name the column of ratings: rating=COLUMN. "
            "Name the column of titles: title=COLUMN. Its columns: Film,",
        ),
        ({"title": ""}, "title,rating\nHeat,8\n", "Name the column of titles: title=COLUMN."),
        ({"rating": ""}, "title,rating\nHeat,8\n", "Name the column of ratings: rating=COLUMN."),
        ({"title": "a", "rating": "b"}, "a,B,b\nHeat,1,2\n", "2 columns “b”. Its columns: a, B, b."),
        ({"title": "x" * 1000, "rating": "b"}, FILE, "no column “" + "x" * 40 + "”"),
        ({"title": "Film"}, '{"ratings": []}', "CSV only, not for JSON or XML"),
    ],
)
def test_columns_that_the_file_does_not_have_are_rejected(read_with, columns, text, reason):
    with pytest.raises(InvalidColumn) as caught:
        read_with(ColumnMapping(columns, 5), text)
    assert reason in str(caught.value)


def test_csv_files_in_a_zip_are_read_on_one_scale(read_with, zipped):
    files = {
        "a/one.csv": "Film,My stars\nHeat,4\n",
        "two.csv": "Film,My stars\nRan,3.5\n",
        "other.csv": "Film\nEmma\n",
        "notes.json": "[]",
    }
    mapping = ColumnMapping({"title": "Film", "rating": "My stars"})
    rows = read_with(mapping, zipped(files))
    assert [(row.file, row.title, row.value) for row in rows] == [
        ("one.csv", "Heat", 16),
        ("two.csv", "Ran", 14),
    ]
    assert [row.note for row in rows] == ["ratings are read on a scale of 5; `scale` sets another", None]
    assert open_upload(BytesIO(zipped(files)), None, mapping).unread_files == ["other.csv", "notes.json"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"a.csv": "Film\nHeat\n", "b.txt": "x"},
            "Name the column of ratings: rating=COLUMN. Its columns: Film.",
        ),
        ({"a.json": "[]"}, "CSV only, not for JSON or XML"),
        ({}, "CSV only, not for JSON or XML"),
    ],
)
def test_a_zip_without_the_named_columns_is_rejected(read_with, zipped, files, reason):
    with pytest.raises(InvalidColumn) as caught:
        read_with(ColumnMapping({"title": "Film"}), zipped(files))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("title", "year", "expected"),
    [
        ("Matrix, The", "1999", ("The Matrix", 1999)),
        ("Inception (2010)", "", ("Inception", 2010)),
        ("Inception (2010)", "2010", ("Inception", 2010)),
        ("Matrix, The (1999)", "", ("The Matrix", 1999)),
        ("Blade Runner (1982)", "1983", ("Blade Runner (1982)", 1983)),
        ("Me, Myself, I", "1999", ("Me, Myself, I", 1999)),
        ("Birdman (or the Bird)", "2014", ("Birdman (or the Bird)", 2014)),
        ("(2010)", "", ("(2010)", None)),
        ("2012", "", ("2012", None)),
    ],
)
def test_a_title_may_end_with_the_year_or_the_article(read_with, title, year, expected):
    [row] = read_with(ColumnMapping({}, 10), f'title,year,rating\n"{title}",{year},8\n')
    assert (row.title, row.year) == expected


@pytest.mark.parametrize("date", ["1995-12-15", "15.12.1995", "12/15/1995", "15 Dec 1995", "1995"])
def test_the_year_is_read_from_a_date(read_with, date):
    [row] = read_with(ColumnMapping({}, 10), f"title,year,rating\nHeat,{date},8\n")
    assert row.year == 1995


def test_a_column_that_is_there_twice_is_rejected(read_with):
    with pytest.raises(RejectedFile, match=r"The file has 2 columns “year”\. Rename or delete all but one"):
        read_with(ColumnMapping({}, 10), "title,Year,year,rating\nHeat,1995,,8\n")


def test_a_mapping_is_for_the_format_csv(read_with):
    assert len(read_with(STARS, FILE, "csv")) == 2
    with pytest.raises(RejectedFile, match="format csv, not imdb"):
        read_with(STARS, FILE, "imdb")


def test_a_known_format_is_read_as_named(read_with):
    [row] = read_with(ColumnMapping({}, 10), "Title,Year,Rating\nThe Matrix,1999,4\n")
    assert row.value == 8


def test_columns_are_split_at_the_first_equals_sign():
    assert parse_columns(["title=a=b", " rating = My stars "]) == {"title": "a=b", "rating": "My stars"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["Film"], "'Film' is not FIELD=COLUMN"),
        (["=Film"], "'' is not one of title, original_title, year, rating, rated_at, imdb_id, tmdb_id"),
        (["name=Film"], "'name' is not one of title,"),
        (["Title=Film"], "'Title' is not one of title,"),
        (["title=a", "title=b"], "two columns for title"),
        (["x" * 100_000], "'" + "x" * 30 + "' is not FIELD=COLUMN"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_invalid_names_of_columns_are_rejected(values, reason):
    with pytest.raises(ValueError, match=reason[:200]):
        parse_columns(values)


def test_all_invalid_names_of_columns_are_reported():
    with pytest.raises(ValueError, match="FIELD=COLUMN") as caught:
        parse_columns(["Film", "title=a", "name=b", "title=c"])
    assert caught.value.args == (
        "'Film' is not FIELD=COLUMN, such as title=Film.",
        "'name' is not one of title, original_title, year, rating, rated_at, imdb_id, tmdb_id.",
        "There are two columns for title.",
    )


_cells = st.sampled_from(["", "Heat", "1995", "4", "3,5", "11", "-1", "26/1/2023", "5/3/2023", "tt0113277", '"',
                          "\u0665", "9" * 400, "=1+1"])  # fmt: skip


@given(
    names=st.lists(st.sampled_from(FIELDS), min_size=1, unique=True),
    scale=st.sampled_from([None, *SCALES]),
    rows=st.lists(st.lists(_cells, min_size=1, max_size=9), max_size=8),
)
def test_each_row_of_any_csv_is_read_once_or_the_file_is_rejected(names, scale, rows):
    mapping = ColumnMapping({name: f"The {name}" for name in names}, scale)
    lines = [[f"the {name}" for name in FIELDS], *rows]
    text = "".join(";".join(cells).replace('"', '""""') + "\n" for cells in lines)
    if "rating" not in names or {"title", "imdb_id", "tmdb_id"}.isdisjoint(names):
        with pytest.raises(InvalidColumn):
            open_upload(BytesIO(text.encode()), None, mapping)
        return
    read = list(open_upload(BytesIO(text.encode()), None, mapping).rows)
    assert [row.line for row in read] == [line for line, cells in enumerate(rows, 2) if any(cells)]
