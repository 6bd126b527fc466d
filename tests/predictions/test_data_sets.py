"""The layouts of MovieLens' data sets that the benchmarks of predictions read."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

# A movie in the bundled catalogue, a video with an accent, and a movie without a year.
CSV = {
    "ratings.csv": "userId,movieId,rating,timestamp\n7,1,4.5,964982703\n9,2,0.5,964981247\n",
    "movies.csv": "movieId,title,genres\n1,Toy Story (1995),Adventure|Comedy\n2,Été (1996),Drama\n3,unknown,Drama\n",
    "links.csv": "movieId,imdbId,tmdbId\n1,0114709,862\n2,0000002,\n3,0000003,\n",
}
ML_1M = {
    "ratings.dat": "7::1::4::964982703\n9::2::1::964981247\n",
    "movies.dat": "1::Toy Story (1995)::Adventure|Comedy\n2::Été (1996)::Drama\n3::unknown::Drama\n",
}
ML_100K = {
    "u.data": "7\t1\t4\t964982703\n9\t2\t1\t964981247\n",
    "u.item": "1|Toy Story (1995)|01-Jan-1995||http://us.imdb.com/|0|0|1|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
    "2|Été (1996) (V)|01-Jan-1996||http://us.imdb.com/|0|0|0|0|0|0|0|0|1|0|0|0|0|0|0|0|0|0|0\n"
    "3|unknown||||0|0|0|0|0|0|0|0|1|0|0|0|0|0|0|0|0|0|0\n",
}


@pytest.mark.parametrize(
    ("files", "encoding", "points"),
    [(CSV, "utf-8", [9, 1]), (ML_1M, "latin-1", [8, 2]), (ML_100K, "latin-1", [8, 2])],
    ids=["csv", "ml-1m", "ml-100k"],
)
def test_data_sets_of_all_layouts_are_read(files, encoding, points, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from movielens import read_data_set

    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding=encoding)
    data = read_data_set(tmp_path)
    assert (data.users.tolist(), data.movies.tolist()) == ([7, 9], [1, 2])
    assert (data.points.tolist(), data.times.tolist()) == (points, [964982703, 964981247])
    assert [movie.genres for movie in data.features.values()] == [
        ("Adventure", "Comedy"),
        ("Drama",),
        ("Drama",),
    ]
    assert [movie.year for movie in data.features.values()] == [1995, 1996, None]
    # The catalogue knows more of a movie, by its IMDb id or its title and year.
    assert (data.features[1].language, data.features[1].directors) == ("en", ("John Lasseter",))
