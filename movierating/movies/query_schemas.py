"""The schemas of queries and path parameters of movies."""

import marshmallow as ma
from webargs.fields import DelimitedList

from movierating.http.fields import QueryNumber, SingleLineString, StrictBoolean, StrictInteger, in_range
from movierating.http.responses import PageQuerySchema
from movierating.movies.genres import GENRES
from movierating.movies.schemas import ANY_RUNTIME, COUNTRY, LANGUAGE, MAX_MOVIE_ID
from movierating.movies.search import SORTS

MAX_IDS = 100
_ANY_YEAR = in_range(1, 9999)
IMDB_ID_IN_PATH = {
    "in": "path",
    "name": "imdb_id",
    "schema": {"type": "string", "pattern": "^tt[0-9]{7,10}$"},
    "description": "The movie's IMDb id, such as `tt0111161`.",
}
TMDB_ID_IN_PATH = {
    "in": "path",
    "name": "tmdb_id",
    "schema": {"type": "integer", "minimum": 1, "format": "int64"},
    "description": "The movie's TMDB id, such as `278`.",
}


def make_include() -> ma.fields.String:
    """Return the field `include` of a query."""
    return ma.fields.String(
        validate=ma.validate.OneOf(["my_rating"]),
        metadata={
            "description": "`my_rating` adds your rating of each movie, or null. Requires a token, for example "
            "`GET /v1/movies?include=my_rating`."
        },
    )


class IncludeQuerySchema(ma.Schema):
    """The query of one movie: what its response includes."""

    include = make_include()


class ListMoviesQuerySchema(PageQuerySchema):
    """Filters, sort order and page of a list of movies."""

    include = make_include()

    q = SingleLineString(
        max_length=200,
        metadata={
            "description": "Words from a title, an original or alternative title, or a director's name. "
            "The last word may be a prefix."
        },
    )
    genre = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(GENRES)),
        validate=ma.validate.Length(max=len(GENRES)),
        metadata={"description": "May be repeated. A movie must have all of them."},
    )
    exclude_genre = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(GENRES)),
        validate=ma.validate.Length(max=len(GENRES)),
        metadata={"description": "May be repeated. A movie must have none of them."},
    )
    ids = DelimitedList(
        StrictInteger(validate=in_range(1, MAX_MOVIE_ID), metadata={"format": "int64"}),
        validate=ma.validate.Length(1, MAX_IDS, error="Must be 1 to {max} ids, separated by commas."),
        metadata={
            "description": "Ids of movies, such as `1,7,42`. The id of a merged movie selects the one that stayed; an "
            "unknown id selects none."
        },
    )
    year = StrictInteger(validate=_ANY_YEAR, metadata={"description": "The year of release."})
    year_from = StrictInteger(validate=_ANY_YEAR, metadata={"description": "Released in this year or later."})
    year_to = StrictInteger(validate=_ANY_YEAR, metadata={"description": "Released in this year or earlier."})
    language = ma.fields.String(validate=LANGUAGE, metadata={"description": "ISO 639-1, such as `fr`."})
    country = ma.fields.String(
        validate=COUNTRY, metadata={"description": "ISO 3166-1 alpha-2, such as `FR`, or SU, CS, YU."}
    )
    runtime_from = StrictInteger(
        validate=ANY_RUNTIME,
        metadata={"description": "Runs for this many minutes or more, such as `90`."},
    )
    runtime_to = StrictInteger(
        validate=ANY_RUNTIME,
        metadata={"description": "Runs for this many minutes or less, such as `120`."},
    )
    director = SingleLineString(
        max_length=200, metadata={"description": "The full name. Case and accents are ignored."}
    )
    min_count = StrictInteger(
        validate=in_range(0, 2**31 - 1),
        metadata={"description": "The minimum number of ratings."},
    )
    min_score = QueryNumber(
        validate=in_range(0, 10),
        metadata={"description": "The minimum `ratings.score`, such as `7.5`."},
    )
    rated = StrictBoolean(
        metadata={
            "description": "`true`: only movies that you rated; `false`: only others. Requires a token, for example "
            "`GET /v1/movies?rated=false&genre=Drama`.",
        }
    )
    sort = ma.fields.String(
        validate=ma.validate.OneOf(SORTS),
        metadata={
            "description": "`-` sorts in descending order. `relevance` needs `q`. If not set, `relevance` with `q`, "
            "otherwise `-score`."
        },
    )
