from movierating import clock
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow

DAY = 1_707_436_800 * clock.SECOND
AT = DAY + (20 * 60 + 15) * 60 * clock.SECOND


def test_scores_become_the_nearest_half_point(read_file):
    name, rows = read_file("yamtrack.csv")
    assert name == "yamtrack"
    assert rows[0] == RatedRow(2, None, 1301, "The Silent Harbour", None, None, 17, AT)


def test_a_movie_has_an_id_of_tmdb_or_a_title(read_file):
    _, rows = read_file("yamtrack.csv")
    assert rows[1:4] == [
        RatedRow(3, None, 1302, None, None, None, 14, DAY),
        RatedRow(4, None, None, "Paper Boats", None, None, 18, None),
        RatedRow(5, None, None, "Home Video", None, None, 11, DAY),
    ]


def test_series_seasons_and_anime_are_not_movies(read_file):
    _, rows = read_file("yamtrack.csv")
    assert rows[4:7] == [
        SkippedRow(6, "Long Winter", None, "not_a_movie", reason="it is not a movie (tv)"),
        SkippedRow(7, "Long Winter", None, "not_a_movie", reason="it is not a movie (season)"),
        SkippedRow(8, "Sky Robots", None, "not_a_movie", reason="it is not a movie (anime)"),
    ]


def test_older_file_without_sources_has_ids_of_tmdb(read):
    name, rows = read(
        '"media_id","media_type","title","score","end_date"\n"1301","movie","Glass","7.0","2024-02-09"\n'
    )
    assert (name, rows) == ("yamtrack", [RatedRow(2, None, 1301, "Glass", None, None, 14, DAY)])


def test_unrated_and_invalid_rows_are_not_ratings(read_file):
    _, rows = read_file("yamtrack.csv")
    assert rows[7:9] == [
        SkippedRow(9, "Glass", None, "no_rating"),
        SkippedRow(10, "Stone", None, "no_rating"),
    ]
    assert isinstance(rows[9], RejectedRow)
    assert "'11'" in rows[9].reason


def test_a_file_without_scores_is_rejected(reject_reason):
    reason = reject_reason("media_id,source,media_type,title,status\n")
    assert reason == "The file is Yamtrack's, but has no column “score”."
