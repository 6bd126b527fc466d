import json

import pytest

from movierating import clock
from movierating.ratings.formats import simkl
from movierating.ratings.formats.rows import ExportRow, RatedRow, RejectedRow, SkippedRow

AT = 1_709_596_800 * clock.SECOND


def test_ratings_up_to_5_are_not_stars_and_dates_have_the_month_first(read_file):
    name, rows = read_file("simkl.csv")
    assert name == "simkl"
    assert rows[0] == RatedRow(2, "tt7000001", 1301, "The Silent Harbour", None, 1998, 8, AT, film_id="101")
    assert (rows[1].line, rows[1].title, rows[1].value) == (4, "Summer, Again", 20)
    assert clock.format_rfc3339(rows[1].rated_at) == "2023-12-31T00:00:00Z"


def test_series_and_anime_have_no_tmdb_id_of_a_movie(read_file):
    _, rows = read_file("simkl.csv")
    assert (rows[2].kind, rows[2].imdb_id, rows[2].tmdb_id) == ("tv", "tt7000003", None)
    assert rows[3] == SkippedRow(6, "Sky Robots", 2015, "not_a_movie", reason="it is not a movie (anime)")


def test_unrated_and_invalid_rows_are_not_ratings_and_an_invalid_date_costs_the_date(read_file):
    _, rows = read_file("simkl.csv")
    assert rows[4] == SkippedRow(7, "Paper Boats", 2010, "no_rating")
    assert (rows[5].title, rows[5].value, rows[5].rated_at) == ("Glass", 10, None)
    assert isinstance(rows[6], RejectedRow)
    assert "'7.5'" in rows[6].reason


def test_what_simkl_imports_is_read_too(read_file):
    name, rows = read_file("simkl-import.csv")
    assert name == "simkl"
    assert rows == [
        RatedRow(2, "tt7000001", 1301, "The Silent Harbour", None, 1998, 8, AT),
        SkippedRow(3, "Sky Robots", 2015, "not_a_movie", reason="it is not a movie (anime)"),
    ]


@pytest.mark.parametrize(
    "header", ["Title,Type,LastEpWatched,WatchedDate,Rating", "simkl_id,Title,Type,Rating"]
)
def test_some_of_the_columns_suffice(read, header):
    assert read(header + "\n")[0] == "simkl"


def test_a_file_without_ratings_is_rejected(reject_reason):
    reason = reject_reason("Type,Title,Year,TVDB_ID,IMDB_ID,Watchlist,LastEpWatched,WatchedDate\n")
    assert reason == "The file is Simkl's, but has no column “Rating”."


def test_json_has_movies_series_and_anime_in_lists_of_their_own(read_file):
    name, rows = read_file("simkl.json")
    assert name == "simkl"
    assert [row.line for row in rows] == list(range(8))
    assert rows[3] == RatedRow(3, "tt7000001", 1301, "The Silent Harbour", None, 1998, 8, AT, film_id="101")
    assert rows[4] == SkippedRow(4, "Paper Boats", 2010, "no_rating")
    assert rows[5] == RatedRow(5, None, None, "Summer, Again", None, None, 20, None, film_id="102")
    assert [row.reason for row in rows[6:]] == [
        "the rating 11 is not a whole number from 1 to 10",
        "it is not an object with a movie",
    ]


def test_an_anime_may_be_a_movie(read_file):
    _, rows = read_file("simkl.json")
    assert (rows[0].kind, rows[0].imdb_id, rows[0].tmdb_id) == ("show", "tt7000003", None)
    assert rows[1] == SkippedRow(1, "Sky Robots", 2015, "not_a_movie", reason="it is not a movie (tv)")
    assert (rows[2].kind, rows[2].tmdb_id, rows[2].value) == (None, 1308, 14)


def test_a_series_may_have_thousands_of_episodes(read):
    episodes = [{"number": number, "watched_at": "2024-02-01T10:00:00Z"} for number in range(2_000)]
    show = {"user_rating": None, "show": {"title": "Long"}, "seasons": [{"number": 1, "episodes": episodes}]}
    movie = {"user_rating": 9, "movie": {"title": "Emma", "year": 1996, "ids": {}}}
    _, rows = read(json.dumps({"shows": [show], "anime": None, "movies": [movie]}, indent=2))
    assert [type(row) for row in rows] == [SkippedRow, RatedRow]


def test_json_of_another_service_with_movies_is_rejected(reject_reason):
    reason = reject_reason('{"movies": [{"title": "Emma", "user_rating": 7.8}]}')
    assert "the first has title, user_rating." in reason


def test_file_for_simkl_has_the_columns_and_dates_that_it_imports():
    row = ExportRow("tt7000001", 1301, "The Silent Harbour", None, 1998, (), 7, AT + 3600 * clock.SECOND)
    assert b"".join(simkl.write([row])).decode().splitlines() == [
        "simkl_id,TVDB_ID,TMDB,IMDB_ID,MAL_ID,Type,Title,Year,LastEpWatched,Watchlist,WatchedDate,Rating,Memo",
        ",,1301,tt7000001,,movie,The Silent Harbour,1998,,completed,3/5/2024,4,",
    ]
