from movierating import clock
from movierating.ratings.formats.rows import RatedRow, SkippedRow

HEADER = "TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,Rating,Your Rating,Date Rated\n"
AT = 1_705_314_600 * clock.SECOND


def test_movies_are_rated_by_halves_and_series_keep_no_tmdb_id(read):
    name, rows = read(
        HEADER + "12,tt0116191,movie,Emma,1996-08-02,,,6.5,8.5,2024-01-15T10:30:00Z\n"
        "13,,movie,Ran,1985,,,8.1,10,\n14,,movie,Ran,6/1/1985,,,8.1,0.5,\n"
        "1396,tt0903747,tv,Breaking Bad,2008-01-20,,,8.9,9,\n"
        "1396,tt0903747,tv,Breaking Bad,2008-01-20,1,2,8.9,9,\n"
        "12,tt0116191,movie,Emma,,,,6.5,,\n"
    )
    assert name == "tmdb"
    assert rows == [
        RatedRow(2, "tt0116191", 12, "Emma", None, 1996, 17, AT),
        RatedRow(3, None, 13, "Ran", None, 1985, 20, None),
        RatedRow(4, None, 14, "Ran", None, 1985, 1, None),
        RatedRow(5, "tt0903747", None, "Breaking Bad", None, 2008, 18, None, "tv"),
        SkippedRow(6, "Breaking Bad", 2008, "not_a_movie", reason="it is not a movie (an episode or season)"),
        SkippedRow(7, "Emma", None, "no_rating"),
    ]
