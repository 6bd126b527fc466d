from movierating import clock
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow

AT = 1_587_837_123_456 * clock.SECOND // 1000


def test_movies_have_polish_and_original_titles_and_times_to_the_millisecond(read_file):
    name, rows = read_file("filmweb.csv")
    assert name == "filmweb"
    titles = "Cicha przystań", "The Silent Harbour"
    assert rows[0] == RatedRow(2, None, None, *titles, 1998, 18, AT, film_id="628")
    assert rows[1][3:7] == ("Pociąg do Łodzi", None, 1974, 15)


def test_the_date_is_used_without_a_timestamp(read_file):
    _, rows = read_file("filmweb.csv")
    assert clock.format_rfc3339(rows[2].rated_at) == "2019-07-04T00:00:00Z"


def test_the_old_layout_has_its_time_in_iso_date(read_file):
    name, rows = read_file("filmweb-old.csv")
    assert name == "filmweb"
    at = AT - AT % clock.SECOND
    assert rows == [
        RatedRow(2, None, None, "Cicha przystań", "The Silent Harbour", 1998, 18, at),
        SkippedRow(3, "Długa zima", 2011, "not_a_movie", reason="it is not a movie (serial)"),
    ]


def test_series_unrated_and_invalid_rows_are_not_ratings(read_file):
    _, rows = read_file("filmweb.csv")
    assert rows[3:5] == [
        SkippedRow(5, "Długa zima", 2011, "not_a_movie", reason="it is not a movie (serial)"),
        SkippedRow(6, "Papierowe łódki", 2010, "no_rating"),
    ]
    assert isinstance(rows[5], RejectedRow)
    assert "'11'" in rows[5].reason


def test_a_list_of_movies_to_watch_is_rejected(reject_reason):
    reason = reject_reason("timestamp,global_rating,original_title,pl_title,year,movie_id,url\n")
    assert reason == "The file is Filmweb's, but has no column “user_rating”."
