from movierating.ratings.formats.rows import RatedRow, SkippedRow


def test_the_title_is_taken_apart_and_the_average_is_not_the_persons(read):
    name, rows = read(
        "movie_id,imdb_id,tmdb_id,rating,average_rating,title\n"
        '11,112346,9087,4.5,3.61,"American President, The (1995)"\n'
        '29,0112682,,0.5,3.9,"City of Lost Children, The (Cité des enfants perdus, La) (1995)"\n'
        "30,1,1,,3.9,Emma (1996)\n"
    )
    assert name == "movielens"
    assert rows == [
        RatedRow(2, "tt0112346", 9087, "The American President", None, 1995, 18, None),
        RatedRow(
            3, "tt0112682", None, "The City of Lost Children", "La Cité des enfants perdus", 1995, 2, None
        ),
        SkippedRow(4, "Emma", 1996, "no_rating"),
    ]


def test_the_data_set_of_many_people_is_rejected(reject_reason):
    assert "many people's" in reject_reason("userId,movieId,rating,timestamp\n1,1,4.0,964982703\n")
