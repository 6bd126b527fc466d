from collections import Counter
from datetime import UTC, datetime

import pytest

from movierating import clock
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow

RATINGS = "Date,Name,Year,Letterboxd URI,Rating\n"
DIARY = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
REVIEWS = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"
WATCHED = "Date,Name,Year,Letterboxd URI\n2020-01-01,Emma,1996,https://boxd.it/1\n"


def day(date):
    return clock.from_datetime(datetime.fromisoformat(date).replace(tzinfo=UTC))


def rated(rows):
    """Title, year, half points and day of the rated rows."""
    return [
        (row.title, row.year, row.value, clock.format_rfc3339(row.rated_at or 0)[:10])
        for row in rows
        if isinstance(row, RatedRow)
    ]


def test_stars_are_four_half_points(read):
    name, rows = read(
        RATINGS + '2020-01-01,"Good, Bad",1966,https://boxd.it/1,3.5\r\n2020-01-02,Emma,,u,5\r\n'
    )
    assert name == "letterboxd"
    assert rows == [
        RatedRow(2, None, None, "Good, Bad", None, 1966, 14, day("2020-01-01"), film_id="https://boxd.it/1"),
        RatedRow(3, None, None, "Emma", None, None, 20, day("2020-01-02"), film_id="u"),
    ]


def test_the_diary_may_rate_nothing_and_name_tags(read):
    _, rows = read(
        DIARY
        + '2020-01-02,Emma,1996,u,,Yes,"one, two",2020-01-01\n2020-01-03,Emma,1996,u,4,Yes,"a",2001-01-01\n'
    )
    assert rows == [
        SkippedRow(2, "Emma", 1996, "no_rating"),
        RatedRow(3, None, None, "Emma", None, 1996, 16, day("2020-01-03")),
    ]


def test_a_review_may_span_lines(read):
    _, rows = read(
        REVIEWS
        + '2020-01-02,Emma,1996,u,4,,"Oh, ""well""\n\nright",,2020-01-01\n2020-01-05,Ran,1985,u,5,,,,\n'
    )
    assert rated(rows) == [("Emma", 1996, 16, "2020-01-02"), ("Ran", 1985, 20, "2020-01-05")]
    assert [row.line for row in rows] == [2, 5]


def test_in_the_zip_the_diary_adds_later_times_and_films_of_its_own(read, zipped):
    files = {
        "me/diary.csv": DIARY
        + "2019-01-01,Emma,1996,u,3,,,2019-01-01\n"  # an earlier opinion
        + "2020-01-01,Emma,1996,u,4,,,2019-12-31\n"  # the current one
        + "2021-01-01,Emma,1996,u,4,Yes,,2021-01-01\n"  # the same once more
        + "2021-05-05,Emma,1996,u,1,,,2001-01-01\n"  # an old viewing, entered late
        + "2021-06-06,Ran,1985,u,5,,,2021-06-05\n",
        "me/ratings.csv": RATINGS + "2020-01-01,Emma,1996,v,4\n",
        "me/watched.csv": WATCHED,
        "me/deleted/diary.csv": DIARY + "2022-01-01,Emma,1996,u,0.5,,,2022-01-01\n",
        "me/orphaned/ratings.csv": RATINGS + "2022-01-01,Gone,1996,u,0.5\n",
    }
    name, rows = read(zipped(files))
    assert name == "letterboxd"
    expected = [
        ("Emma", 1996, 16, "2020-01-01"),
        ("Emma", 1996, 16, "2021-01-01"),
        ("Ran", 1985, 20, "2021-06-06"),
    ]
    assert rated(rows) == expected
    assert [row.line for row in rows if isinstance(row, SkippedRow)] == [2, 3, 5]
    assert {row.file for row in rows} == {"ratings.csv", "diary.csv"}


def test_a_rating_in_the_diary_that_is_watched_and_made_later_is_newer(read, zipped):
    diary = DIARY + "2021-01-02,Emma,1996,u,2,,,2021-01-01\n"
    _, rows = read(zipped({"ratings.csv": RATINGS + "2020-01-01,Emma,1996,v,4\n", "diary.csv": diary}))
    assert rated(rows)[-1] == ("Emma", 1996, 8, "2021-01-02")


def test_the_diary_does_not_rate_one_of_two_films_with_one_name_and_year(read, zipped):
    ratings = RATINGS + "2020-01-01,Emma,1996,v,4\n2020-01-02,Emma,1996,w,2\n"
    diary = DIARY + "2022-01-01,Emma,1996,u,2,Yes,,2022-01-01\n"
    _, rows = read(zipped({"ratings.csv": ratings, "diary.csv": diary}))
    assert [(row.value, row.film_id) for row in rows if isinstance(row, RatedRow)] == [(16, "v"), (8, "w")]
    assert isinstance(rows[2], SkippedRow)
    assert "two films with this name and year" in rows[2].reason


@pytest.mark.parametrize(
    "text", [WATCHED, "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2020-01-01,My list,,u,\n"]
)
def test_files_without_ratings_are_rejected_with_the_name_of_the_one_that_has_them(
    text, reject_reason, zipped
):
    assert "ratings.csv" in reject_reason(text)
    assert "no ratings in the ZIP file (watched.csv)" in reject_reason(zipped({"watched.csv": text}))


def test_what_letterboxd_imports_is_taken_too(read):
    name, rows = read(
        "LetterboxdURI,tmdbID,imdbID,Title,Year,Directors,Rating,Rating10,WatchedDate,Rewatch,Tags,Review\n"
        ",12,tt0116191,Emma,1996,Douglas McGrath,0.5,9,2020-01-01,,,\n,,,Ran,1985,,3.5,,,,,\n,,,Ran,1985,,,,,,,\n"
    )
    assert name == "letterboxd"
    assert rows == [
        RatedRow(2, "tt0116191", 12, "Emma", None, 1996, 18, day("2020-01-01")),
        RatedRow(3, None, None, "Ran", None, 1985, 14, None),
        SkippedRow(4, "Ran", 1985, "no_rating"),
    ]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("Title,Rating", "Emma,3.5", (None, None, "Emma", None, None, 14)),
        ("Name,Year,Rating10", "Emma,1996,7", (None, None, "Emma", None, 1996, 14)),
        ("imdbID,Rating", "tt0116191,4", ("tt0116191", None, None, None, None, 16)),
        ("Rating10,tmdbID", "7,12", (None, 12, None, None, None, 14)),
        ("Directors,Year,Title,Rating", "Ann Lee,1996,Emma,4", (None, None, "Emma", None, 1996, 16)),
        ("Title,Name,Rating", "Emma,,4", (None, None, "Emma", None, None, 16)),
        ("Title,Name,Rating", ",Emma,4", (None, None, "Emma", None, None, 16)),
        ("LetterboxdURI,Title,Rating10,Source", "u,Emma,7,me", (None, None, "Emma", None, None, 14)),
        ("Title,Rating,WatchedDate,Source", "Emma,3.5,2024-01-15,me", (None, None, "Emma", None, None, 14)),
    ],
)
def test_any_of_the_columns_that_letterboxd_imports_suffice(read, header, row, expected):
    name, rows = read(f"{header}\n{row}\n")
    assert name == "letterboxd"
    assert [row[1:7] for row in rows] == [expected]


@pytest.mark.parametrize("rating", ["4", "10", "8.5", ""])
def test_other_columns_beside_a_watched_date_are_not_read_as_stars_unless_a_fraction_shows_them(
    reject_reason, rating
):
    reason = reject_reason(f"Title,Type,TMDB,Rating,WatchedDate\nEmma,tv,12,{rating},2024-01-15\n")
    assert "Name them with `column`" in reason


def test_a_file_for_the_importer_with_ratings_above_10_asks_for_the_scale(reject_reason):
    reason = reject_reason("Title,Year,Rating\nInception,2010,8\nAlien,1979,95\n")
    assert "the highest rating with `scale`, such as 100." in reason


def test_files_for_the_importer_in_a_zip_have_one_scale(read, zipped):
    header = "Title,Year,Rating\n"
    _, rows = read(zipped({"1.csv": f"{header}Emma,1996,4\n", "2.csv": f"{header}Ran,1985,8\n"}))
    assert [(row.title, row.value) for row in rows] == [("Emma", 8), ("Ran", 16)]
    assert [row.note for row in rows] == ["some ratings are above 5, so all are read on a scale of 10", None]


@pytest.mark.parametrize(
    ("text", "is_noted"),
    [
        ("Title,Year,Rating\nEmma,1996,4\nRan,1985,3\n", True),
        ("Title,Year,Rating\nEmma,1996,4\nRan,1985,3.5\n", False),
        ("LetterboxdURI,Title,Year,Rating\n,Emma,1996,4\n,Ran,1985,3\n", False),
        ("Title,Year,Rating,Rating10\nEmma,1996,,4\nRan,1985,,3\n", False),
        (RATINGS + "2020-01-01,Emma,1996,u,4\n", False),
    ],
)
def test_a_file_of_whole_stars_only_has_a_note(read, text, is_noted):
    _, [row, *others] = read(text)
    note = "all ratings are whole numbers up to 5, and are read as stars; `scale=10` reads them as points"
    assert row.note == (note if is_noted else None)
    assert [other.note for other in others] == [None] * len(others)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [('"Matrix, The",1999', ("The Matrix", 1999)), ("Inception (2010),", ("Inception", 2010))],
)
def test_a_title_for_the_importer_may_end_with_the_year_or_the_article(read, cells, expected):
    _, [row] = read(f"Title,Year,Rating\n{cells},3.5\n")
    assert (row.title, row.year) == expected


def test_the_first_rows_tell_whether_a_file_has_stars(reject_reason):
    rows = "Emma,tv,12,3,2024-01-15\n" * 1_000 + "Emma,tv,12,3.5,2024-01-15\n"
    assert "Name them with `column`" in reject_reason(f"Title,Type,TMDB,Rating,WatchedDate\n{rows}")


@pytest.mark.parametrize(
    "header", ["Title,WatchedDate", "LetterboxdURI,Title,Year,Rewatch", "LetterboxdURI,Rating"]
)
def test_a_file_for_the_importer_without_ratings_or_movies_is_rejected(reject_reason, header):
    assert reject_reason(header + "\n") == (
        "The file is for Letterboxd's importer, but needs a column “Rating” or “Rating10”, and one of “Title”, "
        "“Name”, “imdbID” and “tmdbID”."
    )


def test_a_row_that_cannot_be_read_says_which_file_it_is_in(read, zipped):
    _, rows = read(zipped({"ratings.csv": RATINGS + "2020-01-01,Emma,1996,u,7\n2020-01-01,Ran,1985,u,5\n"}))
    assert rows[0] == RejectedRow("ratings.csv", 2, "the rating '7' is not 0.5 to 5 stars by halves")
    assert len(rated(rows)) == 1


# The real files


def test_every_row_of_the_real_files_is_read(read, data_folder):
    folder = data_folder / "exports" / "letterboxd" / "full"
    name, ratings = read((folder / "ratings.csv").read_bytes())
    assert (name, len(rated(ratings))) == ("letterboxd", 233)
    _, diary = read((folder / "diary.csv").read_bytes())
    assert Counter(map(type, diary)) == {RatedRow: 175, SkippedRow: 142}


def test_the_real_diary_never_contradicts_the_current_ratings(read, data_folder, zipped):
    folder = data_folder / "exports" / "letterboxd" / "full"
    _, rows = read(zipped({path.name: path.read_bytes() for path in folder.iterdir()}))
    assert len(rows) == 233 + 317
    values: dict[object, set[int]] = {}
    for title, year, value, _ in rated(rows):
        values.setdefault((title, year), set()).add(value)
    assert len(values) == 233
    assert all(len(of_film) == 1 for of_film in values.values())


def test_the_real_layout_holds_one_rating(read, data_folder):
    name, rows = read((data_folder / "exports" / "letterboxd" / "layout.zip").read_bytes())
    assert name == "letterboxd"
    assert rated(rows) == [("The Internet's Own Boy: The Story of Aaron Swartz", 2014, 20, "2025-08-08")]
