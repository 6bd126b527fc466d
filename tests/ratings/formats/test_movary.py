from movierating.ratings.formats.rows import RatedRow, SkippedRow


def test_ratings_are_whole_numbers_without_times(read):
    name, rows = read("title,year,tmdbId,imdbId,userRating\nEmma,1996,12,tt0116191,9\nRan,1985,,,\n")
    assert name == "movary"
    assert rows == [
        RatedRow(2, "tt0116191", 12, "Emma", None, 1996, 18, None),
        SkippedRow(3, "Ran", 1985, "no_rating"),
    ]
