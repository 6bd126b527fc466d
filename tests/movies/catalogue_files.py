"""Files for the tests of catalogue imports, and what is in the database after them."""

from sqlalchemy import select

from movierating.movies import movie_csv
from movierating.movies.models import Movie, MovieTitle
from movierating.storage.database import read

BASICS = (
    "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres",
    "tt0068646\tmovie\tThe Godfather\tThe Godfather\t0\t1972\t\\N\t175\tCrime,Drama",
    'tt0211915\tmovie\tAmelie "of" Montmartre\tLe fabuleux destin d\'Amélie Poulain\t0\t2001\t\\N\t122\tRomance,Sci-Fi',
    "tt0067023\ttvMovie\tDuel\tDuel\t0\t1971\t\\N\t0\t\\N",
    "tt0903747\ttvSeries\tBreaking Bad\tBreaking Bad\t0\t2008\t2013\t45\tCrime,Drama,Thriller",
    "tt0000001\tshort\tCarmencita\tCarmencita\t0\t1894\t\\N\t1\tDocumentary,Short",
    "tt0000009\tmovie\tUnreleased\tUnreleased\t0\t\\N\t\\N\t\\N\t\\N",
    "tt0000008\tmovie\tFor Adults\tFor Adults\t1\t1980\t\\N\t70\tAdult",
)
RATINGS = (
    "tconst\taverageRating\tnumVotes",
    "tt0068646\t9.2\t2000000",
    "tt0211915\t8.3\t800000",
    "tt0067023\t7.6\t99",
)
AKAS = (
    "titleId\tordering\ttitle\tregion\tlanguage\ttypes\tattributes\tisOriginalTitle",
    "tt0068646\t1\tThe Godfather\t\\N\t\\N\toriginal\t\\N\t1",
    'tt0068646\t2\tDer Pate "1"\tDE\t\\N\timdbDisplay\t\\N\t0',
    "tt0903747\t1\tV mreži zla\tSI\t\\N\timdbDisplay\t\\N\t0",
    "tt0068646\t3\tMario Puzo's Film\tUS\t\\N\tworking\t\\N\t0",
    "tt0068646\t4\tDER PATE: 1\tAT\t\\N\tdvd\x02imdbDisplay\t\\N\t0",
    "tt9999999\t1\tUnknown here\tUS\t\\N\t\\N\t\\N\t0",
)


def list_movies():
    columns = (
        Movie.title,
        Movie.original_title,
        Movie.year,
        Movie.runtime_minutes,
        Movie.genres,
        Movie.imdb_id,
    )
    return [tuple(row) for row in read().execute(select(*columns).order_by(Movie.id))]


def list_titles(imdb_id):
    statement = select(MovieTitle.title).join(Movie).where(Movie.imdb_id == imdb_id).order_by(MovieTitle.id)
    return read().scalars(statement).all()


GODFATHER = ("The Godfather", None, 1972, 175, '["Crime","Drama"]', "tt0068646")
AMELIE = (
    'Amelie "of" Montmartre', "Le fabuleux destin d'Amélie Poulain", 2001, 122, '["Romance","Science Fiction"]',
    "tt0211915",
)  # fmt: skip
DUEL = ("Duel", None, 1971, None, "[]", "tt0067023")


def make_csv_row(**facts):
    return ",".join(facts.get(name, "") for name in movie_csv.COLUMNS)
