import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierating.ratings.formats import movierating_csv
from movierating.ratings.formats.movierating_csv import write
from movierating.ratings.formats.rows import ExportRow, RatedRow, RejectedRow, SkippedRow

AT = 1_705_314_600_000_000


def test_the_file_is_as_documented():
    rows = [
        ExportRow("tt0116191", 12, "Emma", None, 1996, ("Ann",), 17, AT),
        ExportRow(None, None, '=1+1, "x"', "+1", None, (), 20, AT + 1),
    ]
    assert b"".join(write(rows)).decode() == (
        "imdb_id,tmdb_id,title,original_title,year,value,rated_at,version\r\n"
        "tt0116191,12,Emma,,1996,8.5,2024-01-15T10:30:00Z,1\r\n"
        ',,"\'=1+1, ""x""",\'+1,,10,2024-01-15T10:30:00.000001Z,1\r\n'
    )


def test_other_programs_need_to_write_little(read):
    name, rows = read("title,value\nEmma,8.5\n'Tis Pity,\n")
    assert name == "csv"
    assert rows == [
        RatedRow(2, None, None, "Emma", None, None, 17, None),
        SkippedRow(3, "'Tis Pity", None, "no_rating"),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("tt0116191,8.5,2", "version '2'"),
        (",8.5,1", "neither an id nor a title"),
        ("tt0116191,8.25,1", "by halves"),
    ],
)
def test_bad_rows_say_why(read, row, reason):
    _, rows = read(f"imdb_id,value,version\n{row}\n")
    assert isinstance(rows[0], RejectedRow)
    assert reason in rows[0].reason


ROWS = (
    "tt0116191,12,Emma,,1996,8.5,2024-01-15T10:30:00Z,1",
    "116191,012.0, 'Tis ,,1996.0,8,2024-01-15,",
    ",,'=Él'an,'+1,,10.0,2024-01-15T10:30:00.000001Z,1",
    ",7,,,,1,,",
    ",,,,,1,,",
    "tt1,,Emma,,1996,,2024-01-15,1",
    "tt0116191,,,,,8.5,9999-01-15T10:30:00Z,",
    "tt0116191,,,,,8.5,9999-01-15T10:30:00Z,1",
    "tt0116191,,,,,8.5,9999-12-31T23:30:00-02:00,1",
    "tt0116191,,,,,8.5,2024-13-15T10:30:00Z,2",
    "tt0116191,,,,1,8.5,2024-W03-1T10:30Z,1",
    "x,,,,1996,8.5,,1",
)


@given(st.lists(st.sampled_from(ROWS), max_size=6))
def test_rows_made_together_are_those_made_one_by_one(read, rows):
    data = "\n".join(["imdb_id,tmdb_id,title,original_title,year,value,rated_at,version", *rows])
    together = read(data)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(movierating_csv, "_parse_columns", lambda *_: None)
        assert read(data) == together


def test_note_of_a_lost_date_stands_beside_that_of_the_order_of_dates(read):
    _, (row, _) = read("title,year,value,rated_at\nAlien,1979,9,3/4/2023 25:00\nEmma,1996,8,2/3/2023\n")
    assert row.rated_at is None
    assert "2023-03-04" in row.note
    assert "is not a date or time" in row.note


@pytest.mark.parametrize(
    ("version", "expected"), [("", ("The Matrix", 1999)), ("1", ("Matrix, The (1999)", None))]
)
@pytest.mark.parametrize("others", ["", "Emma,1996,8,\n", ",1996,8,\n"], ids=["alone", "plain", "unreadable"])
def test_title_of_another_program_may_end_with_the_year_or_the_article(read, version, expected, others):
    _, rows = read(f'title,year,value,version\n"Matrix, The (1999)",,8,{version}\n{others}')
    assert (rows[0].title, rows[0].year) == expected
