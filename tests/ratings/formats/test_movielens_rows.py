"""Rows of MovieLens files: other spellings are read, and rejected ones reported while the rest goes on."""

import pytest

from movierating.ratings.formats.movielens import DatasetMovie, open_folder
from movierating.ratings.formats.rows import RejectedRow
from movierating.ratings.formats.table_reader import MAX_LINE_BYTES
from ratings.formats.movielens_files import LINKS, MOVIES, RATINGS, list_rejected, ratings_of

# Rows that are reported while the rest goes on


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1,2,3.0", "has 3 instead of 4 columns"),
        (b"1,2,3.0,4,5", "has 5 instead of 4 columns"),
        (b"hello", "has 1 instead of 4 columns"),
        (b"\xd9\xa1,2,3.0,4", "the user id"),
        (b"1_0,2,3.0,4", "the user id '1_0'"),
        (b" 1,2,3.0,4", "the user id ' 1'"),
        (b"-1,2,3.0,4", "the user id '-1'"),
        (b",2,3.0,4", "the user id ''"),
        (b"1.0,2,3.0,4", "the user id '1.0'"),
        (b"1,9223372036854775808,3.0,4", "the movie id"),
        (b"1," + b"9" * 5000 + b",3.0,4", "the movie id"),
        (b"1,2,nan,4", "the rating 'nan'"),
        (b"1,2,0,4", "the rating '0'"),
        (b"1,2,0.0,4", "the rating '0.0'"),
        (b"1,2,5.5,4", "the rating '5.5'"),
        (b"1,2,4.25,4", "the rating '4.25'"),
        (b"1,2,-4,4", "the rating '-4'"),
        (b"1,2,,4", "the rating ''"),
        (b"1,2,3.0,-4", "dated before 1970"),
        (b"1,2,3.0,4.5", "the timestamp '4.5'"),
        (b"1,2,3.0,4102444800", "lies in the future"),
        (b"1,2,3.0," + b"9" * 30, "the timestamp"),
        (b"1,2,3.0,4\0", "has a NUL byte"),
        (b"1,2,3.0,\xff", "is not UTF-8"),
        (b'"1,2,3.0,4', "a quotation mark"),
        (b"1\r,2,3.0,4", "the user id"),
        (b"1,2,3.0," + b"4" * MAX_LINE_BYTES, f"is longer than {MAX_LINE_BYTES} bytes"),
    ],
)
def test_bad_rating_is_reported_with_its_line(folder, row, reason):
    text = RATINGS.encode() + b"1,1,4.0,9\n" + row + b"\n2,1,3.5,8\n"
    dataset = open_folder(folder(ratings_csv=text, movies_csv=MOVIES))
    assert ratings_of(dataset) == [(2, 1, 1, 16, 9), (4, 2, 1, 14, 8)]
    [bad] = list_rejected(dataset)
    assert (bad.file, bad.line) == ("ratings.csv", 3)
    assert reason in bad.reason
    assert bad.reason.isprintable()


def test_short_row_beside_a_long_one_makes_two_bad_rows(folder):
    dataset = open_folder(folder(ratings_csv=RATINGS + "1,2,4.0\n5,6,7,4.0,99\n", movies_csv=MOVIES))
    assert ratings_of(dataset) == []
    assert [bad.line for bad in list_rejected(dataset)] == [2, 3]


def test_blank_lines_are_counted_and_passed_over(folder):
    dataset = open_folder(folder(ratings_csv=RATINGS + "\n1,2,4.0,9\n \n\n3,4,5.0,9\n\n", movies_csv=MOVIES))
    assert [line for line, *_ in ratings_of(dataset)] == [3, 6]
    assert list_rejected(dataset) == []


@pytest.mark.parametrize("row", ['"1","2","4.0","9"', "1,2,4,9", "1,2,4.00,9", "01,002,4.0,09"])
def test_other_spellings_of_a_rating_are_read(folder, row):
    dataset = open_folder(folder(ratings_csv=RATINGS + row, movies_csv=MOVIES))
    assert ratings_of(dataset) == [(2, 1, 2, 16, 9)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"x,Toy Story (1995),Drama", "the movie id 'x'"),
        (b"5, ,Drama", "it has no title"),
        (b"5," + b"x" * 501 + b",Drama", "a title is longer than 500 characters"),
        (b"5,To\x07y (1995),Drama", "control characters"),
        (b"5,To\0y (1995),Drama", "has a NUL byte"),
        (b"5,Caf\xe9 (1995),Drama", "is not UTF-8"),
        (b"5,Good, the Bad (1995),Drama", "has 4 instead of 3 columns"),
        (b'5,"Toy Story (1995),Drama', "a quotation mark"),
    ],
)
def test_bad_movie_is_reported_with_its_line(folder, row, reason):
    text = b"movieId,title,genres\n" + row + b"\n1,Toy Story (1995),Drama\n"
    bad, good = open_folder(folder(ratings_csv=RATINGS, movies_csv=text)).read_movies()
    assert isinstance(bad, RejectedRow)
    assert (bad.file, bad.line) == ("movies.csv", 2)
    assert reason in bad.reason
    assert good == DatasetMovie(3, 1, "Toy Story", None, 1995, ("Drama",))


@pytest.mark.parametrize(
    ("link", "ids"),
    [
        ("1,0114709,862", ("tt0114709", 862)),
        ("1,114709,862.0", ("tt0114709", 862)),
        ("1,tt12345678,", ("tt12345678", None)),
        ("1,,", (None, None)),
        ("2,0114709,862", (None, None)),
    ],
)
def test_links_give_a_movie_its_ids(folder, link, ids):
    [movie] = open_folder(
        folder(ratings_csv=RATINGS, movies_csv=MOVIES, links_csv=LINKS + link)
    ).read_movies()
    assert isinstance(movie, DatasetMovie)
    assert (movie.imdb_id, movie.tmdb_id) == ids


@pytest.mark.parametrize("link", ["1,12345678901,", "1,x,862", "1,0114709,8_6", "1,0114709"])
def test_bad_link_is_reported_and_its_movie_has_no_ids(folder, link):
    path = folder(ratings_csv=RATINGS, movies_csv=MOVIES, links_csv=LINKS + link)
    bad, movie = open_folder(path).read_movies()
    assert bad[:2] == ("links.csv", 2)
    assert movie[-2:] == (None, None)
