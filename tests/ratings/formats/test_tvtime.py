from movierating import clock
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow

AT = 1_685_620_800 * clock.SECOND


def test_movies_have_imdb_ids_and_no_year(read_file):
    name, rows = read_file("tvtime.csv")
    assert name == "tvtime"
    assert rows[0] == RatedRow(2, "tt7000001", None, "Harbour, The Silent", None, None, 18, AT)
    assert rows[1][3:7] == ("Paper Boats", None, None, 15)


def test_an_episode_is_not_its_series(read_file):
    _, rows = read_file("tvtime.csv")
    assert (rows[2].imdb_id, rows[2].kind) == ("tt7000003", "show")
    assert rows[3:5] == [
        SkippedRow(5, "Long Winter", None, "not_a_movie", reason="it is not a movie (an episode or season)"),
        SkippedRow(6, "Long Winter", None, "no_rating"),
    ]


def test_unrated_and_invalid_rows_are_not_ratings_and_an_invalid_date_costs_the_date(read_file):
    _, rows = read_file("tvtime.csv")
    assert rows[5].outcome == "no_rating"
    assert (rows[6].title, rows[6].value, rows[6].rated_at) == ("Iron", 12, None)
    assert isinstance(rows[7], RejectedRow)
    assert "'10.5'" in rows[7].reason


def test_an_older_file_without_ratings_is_rejected(reject_reason):
    reason = reject_reason(
        "imdb_id,tvdb_id,type,title,season,episode,is_special,is_watched,watched_at,status,is_watchlisted\n"
    )
    assert reason == "The file is TV Time's, but has no column “rating”."


def test_votes_in_the_export_of_personal_data_are_rejected(reject_reason, zipped):
    votes = "vote_key,episode_id,user_id,uuid,movie_name\n4c1d-77-29,0,77,4c1d,Glass\n"
    reason = reject_reason(zipped({"gdpr-data/ratings-live-votes.csv": votes}))
    assert reason == "ratings-live-votes.csv: The file is TV Time's, but has no column “rating”."
