"""MovieLens' data sets: the real one, each generation of the format, other folders, and long files."""

import os
import tracemalloc
from pathlib import Path

import pytest

from movierating.ratings.formats.movielens import DatasetMovie, NotMovieLens, open_folder
from movierating.ratings.formats.table_reader import BLOCK_BYTES, MAX_LINE_BYTES
from ratings.formats.movielens_files import MOVIES, RATINGS, list_rejected, ratings_of

ROOT = Path(__file__).parents[3]
REAL = Path(os.environ.get("TEST_DATA", ROOT.parent / "shared" / "data")) / "ml-latest-small"


# The real set


@pytest.fixture(scope="module")
def real():
    if not REAL.is_dir():
        pytest.skip("MovieLens ml-latest-small is not here (TEST_DATA)")
    return open_folder(REAL)


def test_every_real_rating_is_read(real):
    ratings = ratings_of(real)
    assert len(ratings) == 100_836
    assert len({user for _, user, *_ in ratings}) == 610
    assert ratings[0] == (2, 1, 1, 16, 964982703)
    assert ratings[-1] == (100_837, 610, 170875, 12, 1493846415)
    assert list_rejected(real) == []


def test_every_real_movie_is_read(real):
    movies = [movie for movie in real.read_movies() if isinstance(movie, DatasetMovie)]
    assert len(movies) == len(list(real.read_movies())) == 9_742
    assert sum(movie.year is None for movie in movies) == 12
    assert sum(movie.imdb_id is None for movie in movies) == 0
    assert sum(movie.tmdb_id is None for movie in movies) == 8
    assert sum(movie.title.endswith((", The", ", A", ", An")) for movie in movies) == 0
    genres = ("Adventure", "Animation", "Family", "Comedy", "Fantasy")
    assert movies[0] == DatasetMovie(2, 1, "Toy Story", None, 1995, genres, "tt0114709", 862)


def test_progress_ends_at_the_size_of_the_file(real):
    read = [batch.bytes_read for batch in real.read_ratings()]
    assert read == sorted(set(read))
    assert read[-1] == real.size == (REAL / "ratings.csv").stat().st_size


# The generations


def test_csv_columns_are_found_by_name(folder):
    path = folder(
        ratings_csv="timestamp,rating,note,movieId,userId\n5,0.5,1,2,3\n6,4.5,x y,2,4\n",
        movies_csv='genres,movieId,title\n"IMAX|Sci-Fi|Children|Sci-Fi",7,"Boat, The (Boot, Das) (1981) "\n',
        links_csv="tmdbId,movieId,imdbId\n387,7,0082096\n",
    )
    assert ratings_of(open_folder(path)) == [(2, 3, 2, 2, 5), (3, 4, 2, 18, 6)]
    assert list(open_folder(path).read_movies()) == [
        DatasetMovie(2, 7, "The Boat", "Das Boot", 1981, ("Science Fiction", "Family"), "tt0082096", 387)
    ]


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends_make_no_difference(folder, bom, end):
    def as_bytes(text):
        return bom + text.replace("\n", end).encode()

    path = folder(ratings_csv=as_bytes(RATINGS + "1,1,4.0,9\n2,1,3,8"), movies_csv=as_bytes(MOVIES))
    assert ratings_of(open_folder(path)) == [(2, 1, 1, 16, 9), (3, 2, 1, 12, 8)]
    assert list(open_folder(path).read_movies()) == [
        DatasetMovie(2, 1, "Toy Story", None, 1995, ("Animation", "Family"))
    ]


def test_1m_is_read_by_its_colons_in_latin_1(folder):
    path = folder(
        ratings_dat="1::1193::5::978300760\n1::661::3::978302109\n",
        movies_dat="73::Misérables, Les (1995)::Drama|Children's\n".encode("latin-1"),
    )
    assert ratings_of(open_folder(path)) == [(1, 1, 1193, 20, 978300760), (2, 1, 661, 12, 978302109)]
    assert list(open_folder(path).read_movies()) == [
        DatasetMovie(1, 73, "Les Misérables", None, 1995, ("Drama", "Family"))
    ]


def test_10m_is_1m_in_utf_8_with_half_stars(folder):
    path = folder(ratings_dat="1::122::4.5::838985046\n", movies_dat="73::Misérables, Les (1995)::Drama\n")
    assert ratings_of(open_folder(path)) == [(1, 1, 122, 18, 838985046)]
    assert next(open_folder(path).read_movies())[2] == "Les Misérables"


def test_100k_has_flags_for_genres_and_a_movie_without_a_year(folder):
    flags = {"Children's": 4, "Film-Noir": 10, "Western": 18}
    marked = "|".join("1" if place in flags.values() else "0" for place in range(19))
    path = folder(
        u_data="196\t242\t3\t881250949\n",
        u_item=f"266|Été (1996)|01-Jan-1996||http://x/|{marked}\n".encode("latin-1")
        + f"267|unknown||||1{'|0' * 18}\n".encode(),
    )
    assert ratings_of(open_folder(path)) == [(1, 196, 242, 12, 881250949)]
    assert list(open_folder(path).read_movies()) == [
        DatasetMovie(1, 266, "Été", None, 1996, ("Family", "Film Noir", "Western")),
        DatasetMovie(2, 267, "unknown", None, None, ()),
    ]


# What is rejected before a row is read


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "none of ratings.csv, ratings.dat, u.data"),
        ({"movies_csv": MOVIES}, "none of ratings.csv"),
        ({"ratings_csv": RATINGS}, "movies.csv can't be read: No such file"),
        ({"ratings_csv": "", "movies_csv": MOVIES}, "ratings.csv has no column userId, movieId, rating"),
        ({"ratings_csv": "Date,Name,Year,Letterboxd URI,Rating\n", "movies_csv": MOVIES}, "no column userId"),
        ({"ratings_csv": RATINGS.replace(",", ";"), "movies_csv": MOVIES}, "ratings.csv has no column"),
        ({"ratings_csv": RATINGS, "movies_csv": "1,Toy Story,Drama\n"}, "movies.csv has no column movieId"),
        ({"ratings_csv": RATINGS, "movies_csv": MOVIES, "links_csv": "x\n"}, "links.csv has no column"),
        (
            {"ratings_csv": b"\xff\xfe" + RATINGS.encode("utf-16-le"), "movies_csv": MOVIES},
            "ratings.csv: the",
        ),
        (
            {"ratings_csv": b"x" * (MAX_LINE_BYTES + 9), "movies_csv": MOVIES},
            "ratings.csv: the first line is",
        ),
        ({"ratings_dat": "1,2,3,4\n", "movies_dat": "1::X::Y\n"}, "ratings.dat doesn't begin"),
        ({"ratings_dat": "1::2::3::4\n", "movies_dat": "x::X::Y\n"}, "movies.dat doesn't begin"),
        ({"u_data": "1\t2\t3\t4\n", "u_item": "1|X\n"}, "u.item doesn't begin"),
        ({"u_data": "1\t2\t3\t4\n"}, "u.item can't be read"),
    ],
)
def test_other_folders_are_rejected_in_one_line(folder, files, reason):
    with pytest.raises(NotMovieLens) as error_info:
        open_folder(folder(**files))
    assert reason in str(error_info.value)
    assert str(error_info.value).isprintable()


@pytest.mark.parametrize("name", ["missing", "file", "nul\0"])
def test_path_that_is_not_a_folder_is_rejected(tmp_path, name):
    (tmp_path / "file").write_text(RATINGS)
    with pytest.raises(NotMovieLens):
        open_folder(tmp_path / name)


# Length


def test_rows_across_blocks_keep_their_lines(folder):
    count = 3 * BLOCK_BYTES // len("1,10000,4.0,9\n")
    rows = "".join(f"1,{movie},4.0,9\n" for movie in range(count))
    dataset = open_folder(folder(ratings_csv=RATINGS + rows + "bad\n", movies_csv=MOVIES))
    assert ratings_of(dataset) == [(movie + 2, 1, movie, 16, 9) for movie in range(count)]
    assert [bad.line for bad in list_rejected(dataset)] == [count + 2]


def test_line_end_split_between_blocks_is_one(folder):
    rows = "1,100000,4.0,10\r\n" + "1,100000,4.0,9\r\n" * (BLOCK_BYTES // 16)
    assert rows[BLOCK_BYTES - 1 : BLOCK_BYTES + 1] == "\r\n"
    dataset = open_folder(folder(ratings_csv=RATINGS + rows, movies_csv=MOVIES))
    assert [line for line, *_ in ratings_of(dataset)] == list(range(2, 3 + BLOCK_BYTES // 16))


def test_memory_stays_flat_over_a_line_without_end(folder, tmp_path):
    path = folder(ratings_csv=RATINGS + "1,1,4.0,9\n", movies_csv=MOVIES)
    with (tmp_path / "ratings.csv").open("ab") as file:
        for _ in range(100):
            file.write(b"1" * 1_000_000)
        file.write(b"\n2,1,4.0,9\n")
    dataset = open_folder(path)
    tracemalloc.start()
    try:
        assert [bad.line for bad in list_rejected(dataset)] == [3]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
    assert ratings_of(dataset) == [(2, 1, 1, 16, 9), (4, 2, 1, 16, 9)]
