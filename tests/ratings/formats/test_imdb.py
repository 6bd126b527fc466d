from collections import Counter

import pytest

from movierating import clock
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow

HEADER = "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Year\n"
OLDEST = (
    '"position","const","created","modified","description","Title","Title type","Directors","You rated",'
    '"IMDb Rating","Runtime (mins)","Year"\r\n'
)
LIST = (
    "Position,Const,Created,Modified,Description,Title,Title Type,IMDb Rating,Year,Your Rating,Date Rated\n"
)


def brief(row):
    assert isinstance(row, RatedRow), row
    day = clock.format_rfc3339(row.rated_at)[:10] if row.rated_at is not None else None
    return row.imdb_id, row.title, row.original_title, row.year, row.value, day, row.kind


@pytest.mark.parametrize(
    ("text", "original_title"),
    [
        (HEADER + "tt0120737,9,2017-06-14,Ringenes herre,The Lord,u,Movie,8.9,2001\n", "The Lord"),
        (
            "\ufeffConst,Your Rating,Date Rated,Title,URL,Title Type,IMDb Rating,Year\r\n"
            "tt0120737,9,2017-06-14,Ringenes herre,u,movie,8.9,2001\r\n",
            None,
        ),
        (
            OLDEST
            + '"1","tt0120737","Wed Jun 14 00:00:00 2017","","","Ringenes herre","Feature Film","x","9","8.9",'
            '"178","2001"\r\n',
            None,
        ),
        (LIST + "1,tt0120737,2016-01-01,2016-01-01,,Ringenes herre,Movie,8.9,2001,9,2017-06-14\n", None),
        # Saved again by a spreadsheet, with the columns in another order.
        (
            "Year;IMDb Rating;Title;Const;Your Rating;Date Rated\r2001;8,9;Ringenes herre;120737;9;6/14/2017\r",
            None,
        ),
    ],
)
def test_every_generation_says_the_same(read, text, original_title):
    name, rows = read(text)
    assert name == "imdb"
    expected = ("tt0120737", "Ringenes herre", original_title, 2001, 18, "2017-06-14", None)
    assert [brief(row) for row in rows] == [expected]


def test_what_a_list_has_unrated_is_skipped(read):
    _, rows = read(
        LIST + "1,tt0120737,2016-01-01,,,Emma,Movie,8.9,1996,,\n2,tt2,2016-01-01,,,Ran,Movie,8.9,1985,9,\n"
    )
    assert rows[0] == SkippedRow(2, "Emma", 1996, "no_rating")
    # It was put on the list then, but who knows when it was rated.
    assert brief(rows[1]) == ("tt0000002", "Ran", None, 1985, 18, None, None)


OTHER_KINDS = (
    "tvEpisode|TV Episode|tvSeries|TV Mini Series|videoGame|Video Game|Podcast Series|Music Video|Serie TV|"
    "Episodio TV|Série télévisée|Épisode TV|TV-Serie|Videojuego"
)
MOVIES = "Movie|movie|Film|Feature Film|TV Movie|tvMovie|TV Special|Short|Video|Película||Cortometraggio|Kurzfilm|फ़िल्म"


@pytest.mark.parametrize(
    ("title_type", "kind"),
    [(name, name) for name in OTHER_KINDS.split("|")] + [(name, None) for name in MOVIES.split("|")],
)
def test_title_type_tells_series_and_games_from_movies_in_every_language(read, title_type, kind):
    _, rows = read(HEADER + f"tt0412142,9,2017-06-14,House,House,u,{title_type},8.9,2004\n")
    assert brief(rows[0])[-1] == kind


def test_series_with_an_unreadable_rating_keeps_its_title(read):
    _, rows = read(HEADER + "tt0412142,11,2017-06-14,House,House,u,tvSeries,8.9,2004\n")
    assert rows == [SkippedRow(2, "House", 2004, "not_a_movie", reason="it is not a movie (tvSeries)")]


def test_without_an_id_a_series_is_skipped_and_a_movie_goes_by_its_title(read):
    _, rows = read(
        HEADER + ",9,,House,,u,TV Series,8.9,2004\n,9,,Emma,,u,Movie,8.9,1996\n,9,,,,u,Movie,8.9,1996\n"
    )
    assert rows[0] == SkippedRow(2, "House", 2004, "not_a_movie", reason="it is not a movie (TV Series)")
    assert brief(rows[1]) == (None, "Emma", None, 1996, 18, None, None)
    assert isinstance(rows[2], RejectedRow)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("tt1,11,2017-06-14,Emma,,u,Movie,8.9,1996", "the rating '11'"),
        ("tt1,7.5,2017-06-14,Emma,,u,Movie,8.9,1996", "the rating '7.5'"),
        ("nm1,7,2017-06-14,Emma,,u,Movie,8.9,1996", "not an IMDb id"),
        (",7,2017-06-14,Emma,,u,Movie,8.9,19x6", "not a year"),
        ("tt1,7,2017-06-14,Emma, the film,,u,Movie,8.9,1996", "has 10 columns where the first line has 9"),
    ],
)
def test_one_bad_row_is_reported_and_the_next_is_read(read, row, reason):
    _, rows = read(HEADER + row + "\ntt2,7,2017-06-14,Ran,,u,Movie,8.9,1985\n")
    assert isinstance(rows[0], RejectedRow)
    assert reason in rows[0].reason
    assert brief(rows[1])[0] == "tt0000002"


def test_an_imdb_list_without_own_ratings_is_rejected(reject_reason):
    assert "Your Rating" in reject_reason(
        "Position,Const,Created,Title,IMDb Rating\n1,tt1,2016-01-01,Emma,8.9\n"
    )


def test_every_row_of_the_real_file_is_read(read, data_folder):
    name, rows = read((data_folder / "exports" / "imdb" / "2022_no_original_title.csv").read_bytes())
    assert name == "imdb"
    kinds = Counter(row.kind for row in rows if isinstance(row, RatedRow))
    assert kinds == {None: 170, "tvEpisode": 1485, "tvSeries": 77, "tvMiniSeries": 12}
    assert len(rows) == 1744
    fast = next(row for row in rows if isinstance(row, RatedRow) and row.imdb_id == "tt1013752")
    assert brief(fast) == ("tt1013752", "Fast & Furious", None, 2009, 8, "2022-05-20", None)
