import pytest

from movierating import clock
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow

AT = 1_492_935_480 * clock.SECOND
LOW = "the first scores are 10 or less; all are read on a scale of 100"
SERIES = "it is not a movie (tv)"


def test_csv_has_blanks_behind_commas(read_file):
    name, rows = read_file("criticker.csv")
    assert name == "criticker"
    assert rows[:5] == [
        RatedRow(2, "tt0099001", None, "The Silent Harbour", None, 1998, 17, AT),
        RatedRow(3, None, None, "Summer, Again", None, 2003, 1, 1_491_260_700 * clock.SECOND),
        RatedRow(4, "tt0099003", None, "Paper Boats", None, 2010, 17, None),
        SkippedRow(5, "Long Winter", 2011, "not_a_movie", reason=SERIES),
        SkippedRow(6, "Glass", 2010, "no_rating"),
    ]
    assert isinstance(rows[5], RejectedRow)
    assert "'101' is not a number from 0 to 100" in rows[5].reason


def test_a_title_may_end_with_its_article(read):
    header = "Score, Film Name, Year, Date Rated, Mini Review, URL, IMDB ID\n"
    _, [row] = read(header + '85, "Silent Harbour, The", 1998, , , , \n')
    assert row.title == "The Silent Harbour"
    film = "<film><filmname>Silent Harbour, The (1998)</filmname><rating>85</rating></film>"
    _, [row] = read(f"<recentratings>{film}</recentratings>")
    assert (row.title, row.year) == ("The Silent Harbour", 1998)


def test_xml_has_the_year_behind_the_title(read_file):
    name, rows = read_file("criticker.xml")
    assert name == "criticker"
    assert rows[:5] == [
        RatedRow(0, "tt0099001", None, "The Silent Harbour", None, 1998, 17, AT),
        RatedRow(1, None, None, "L\u00c9t\u00e9 & the Sea (Again)", None, 2003, 1, None),
        RatedRow(2, None, None, "Paper Boats", None, 2010, 17, None),
        SkippedRow(3, "Long Winter", 2011, "not_a_movie", reason=SERIES),
        SkippedRow(4, "Glass", 2010, "no_rating"),
    ]
    assert isinstance(rows[5], RejectedRow)
    assert rows[6] == SkippedRow(6, None, None, "no_rating")


@pytest.mark.parametrize(
    "text",
    [
        "Score, Film Name, Year\n8, Emma, 1996\n10, Ran, 1985\n",
        "<recentratings><film><filmname>Emma (1996)</filmname><rating>8</rating></film>"
        "<film><filmname>Ran (1985)</filmname><rating>10</rating></film></recentratings>",
    ],
)
def test_low_scores_stay_on_the_scale_of_100_and_are_noted(read, text):
    _, rows = read(text)
    assert [(row.value, row.note) for row in rows] == [(2, LOW), (2, None)]


def test_xml_may_be_in_a_zip(read, zipped):
    name, (row,) = read(
        zipped(
            {
                "x.xml": "<recentratings><film><imdbid>tt1</imdbid><rating>80</rating></film></recentratings>",
                "y.xml": "<a/>",
            }
        )
    )
    assert (name, row.file, row.value) == ("criticker", "x.xml", 16)


def test_a_list_without_scores_is_rejected(reject_reason):
    reason = reject_reason("Film Name, Year, URL, IMDB ID\n")
    assert reason == "The file is Criticker's, but has no column “Score”."
