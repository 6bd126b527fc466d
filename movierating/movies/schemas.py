"""The schemas of movies in requests and responses."""

import re
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
from webargs.fields import DelimitedList

from movierating.http.fields import (
    HalfPoints,
    QueryNumber,
    SingleLineString,
    StrictBoolean,
    StrictInteger,
    Timestamp,
    in_range,
)
from movierating.http.responses import PageQuerySchema
from movierating.movies.alternative_titles import MAX_SHOWN_TITLES
from movierating.movies.genres import GENRES
from movierating.movies.iso_codes import COUNTRIES, LANGUAGES
from movierating.movies.models import MAX_RUNTIME_MINUTES
from movierating.movies.search import SORTS
from movierating.rating_stats import MAX_HALF_POINTS

MIN_YEAR = 1870
MAX_YEARS_AHEAD = 10
MAX_TMDB_ID = 2**31 - 1
MAX_MOVIE_ID = 2**63 - 1
MAX_IDS = 100
_ANY_YEAR = in_range(1, 9999)
_ANY_RUNTIME = in_range(1, MAX_RUNTIME_MINUTES)

_COUNTRY = ma.validate.OneOf(COUNTRIES, error="Must be an ISO 3166-1 alpha-2 code such as FR, or SU, CS, YU.")
_LANGUAGE = ma.validate.OneOf(LANGUAGES, error="Must be an ISO 639-1 code, such as fr.")
IMDB_ID = ma.validate.Regexp(re.compile(r"tt[0-9]{7,10}\Z", re.ASCII), error="Must be tt and 7 to 10 digits.")
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
_WIKIDATA_ID = ma.validate.Regexp(
    re.compile(r"Q[1-9][0-9]{0,17}\Z", re.ASCII), error="Must be Q and a number."
)


def _get_last_year() -> int:
    return datetime.now(UTC).year + MAX_YEARS_AHEAD


def _check_year(year: int) -> None:
    last = _get_last_year()
    if not MIN_YEAR <= year <= last:
        raise ma.ValidationError(f"Must be from {MIN_YEAR} to {last}, not {year:.16g}.")


def _check_unique(values: list[Any]) -> None:
    if len(set(values)) != len(values):
        raise ma.ValidationError("Must be unique.")


_METADATA: dict[str, dict[str, Any]] = {
    "title": {"example": "The Secret of Kells"},
    "runtime_minutes": {"example": 75},
    "genres": {"example": ["Animation", "Family"], "uniqueItems": True},
    "directors": {"example": ["Tomm Moore", "Nora Twomey"], "uniqueItems": True},
    "language": {"example": "en", "description": "ISO 639-1."},
    "country": {"example": "IE", "description": "ISO 3166-1 alpha-2, or SU, CS, YU."},
    "imdb_id": {"example": "tt0485601"},
    "tmdb_id": {"example": 26963},
    "wikidata_id": {"example": "Q1212085"},
}
_YEAR = {"example": 2009, "minimum": MIN_YEAR, "maximum": _get_last_year()}


class CreateMovieSchema(ma.Schema):
    """The facts of a movie. Only title and year are required."""

    title = SingleLineString(required=True, max_length=500, metadata=_METADATA["title"])
    original_title = SingleLineString(allow_none=True, max_length=500, metadata=_METADATA["title"])
    year = StrictInteger(required=True, validate=_check_year, metadata=_YEAR)
    runtime_minutes = StrictInteger(
        allow_none=True, validate=_ANY_RUNTIME, metadata=_METADATA["runtime_minutes"]
    )
    genres = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(GENRES)),
        validate=[ma.validate.Length(max=len(GENRES)), _check_unique],
        metadata=_METADATA["genres"],
    )
    directors = ma.fields.List(
        SingleLineString(max_length=200),
        validate=[ma.validate.Length(max=50), _check_unique],
        metadata=_METADATA["directors"],
    )
    language = ma.fields.String(allow_none=True, validate=_LANGUAGE, metadata=_METADATA["language"])
    country = ma.fields.String(allow_none=True, validate=_COUNTRY, metadata=_METADATA["country"])
    imdb_id = ma.fields.String(allow_none=True, validate=IMDB_ID, metadata=_METADATA["imdb_id"])
    tmdb_id = StrictInteger(allow_none=True, validate=in_range(1, MAX_TMDB_ID), metadata=_METADATA["tmdb_id"])
    wikidata_id = ma.fields.String(allow_none=True, validate=_WIKIDATA_ID, metadata=_METADATA["wikidata_id"])


class UpdateMovieSchema(CreateMovieSchema):
    """The facts to change. Null removes an optional fact."""

    title = SingleLineString(max_length=500, metadata=_METADATA["title"])
    year = StrictInteger(validate=_check_year, metadata=_YEAR)


class RatingStatsSchema(ma.Schema):
    """Statistics of ratings."""

    count = ma.fields.Integer(required=True, metadata={"example": 2})
    mean = ma.fields.Float(required=True, allow_none=True, metadata={"example": 7.75})
    histogram = ma.fields.List(
        ma.fields.Integer(),
        required=True,
        validate=ma.validate.Length(equal=MAX_HALF_POINTS),
        metadata={
            "description": "The number of ratings of each value, from 0.5 to 10.",
            "example": [0] * 13 + [1, 0, 0, 1, 0, 0, 0],
        },
    )


class MovieRatingsSchema(RatingStatsSchema):
    """Statistics of a movie's ratings."""

    score = ma.fields.Float(
        required=True,
        metadata={
            "example": 178 / 27,
            "description": "The weighted mean that charts sort by: (25 * 6.5 + sum) / (25 + count).",
        },
    )


class MovieFactsSchema(ma.Schema):
    """A movie without its ratings."""

    id = ma.fields.Integer(required=True, metadata={"example": 17})
    title = ma.fields.String(required=True, metadata=_METADATA["title"])
    original_title = ma.fields.String(required=True, allow_none=True, metadata=_METADATA["title"])
    year = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"example": 2009, "description": "null if an imported data set does not have it."},
    )
    runtime_minutes = ma.fields.Integer(required=True, allow_none=True, metadata=_METADATA["runtime_minutes"])
    genres = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(GENRES)), required=True, metadata=_METADATA["genres"]
    )
    directors = ma.fields.List(ma.fields.String(), required=True, metadata=_METADATA["directors"])
    language = ma.fields.String(required=True, allow_none=True, metadata=_METADATA["language"])
    country = ma.fields.String(required=True, allow_none=True, metadata=_METADATA["country"])
    imdb_id = ma.fields.String(required=True, allow_none=True, metadata=_METADATA["imdb_id"])
    tmdb_id = ma.fields.Integer(required=True, allow_none=True, metadata=_METADATA["tmdb_id"])
    wikidata_id = ma.fields.String(required=True, allow_none=True, metadata=_METADATA["wikidata_id"])
    prominence = ma.fields.Integer(
        required=True,
        metadata={
            "example": 62,
            "description": "How widely known a movie of the catalogue is, from 0 to 100. It breaks ties in charts.",
        },
    )
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class MyRatingSchema(ma.Schema):
    """The caller's rating of a movie."""

    value = HalfPoints(
        required=True, metadata={"example": 8.5, "minimum": 0.5, "maximum": 10, "multipleOf": 0.5}
    )
    rated_at = Timestamp(required=True)


def make_my_rating() -> ma.fields.Nested:
    """Return the field `my_rating` of a response, which is there only if the request includes it."""
    example = {"value": 8.5, "rated_at": "2024-01-15T10:30:00Z"}
    description = "Your rating of the movie, with `include=my_rating`; null if there is none."
    return ma.fields.Nested(
        MyRatingSchema, allow_none=True, metadata={"description": description, "example": example}
    )


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
    """What a response contains besides."""

    include = make_include()


class MovieSchema(MovieFactsSchema):
    """A movie and the statistics of its ratings."""

    ratings = ma.fields.Nested(MovieRatingsSchema, required=True)
    my_rating = make_my_rating()


class MovieDetailsSchema(MovieSchema):
    """A movie with its alternative titles and the statistics of its ratings."""

    alternative_titles = ma.fields.List(
        ma.fields.String(),
        required=True,
        validate=ma.validate.Length(max=MAX_SHOWN_TITLES),
        metadata={"example": ["Brendan et le Secret de Kells"], "description": "At most 50."},
    )


class ListMoviesQuerySchema(PageQuerySchema):
    """Filters, sort order and page of a list of movies."""

    include = make_include()

    q = SingleLineString(
        max_length=200,
        metadata={
            "description": "Words of original, alternative and other titles or directors. The last may be a prefix."
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
        StrictInteger(validate=in_range(1, MAX_MOVIE_ID), metadata={"from_query": True, "format": "int64"}),
        validate=ma.validate.Length(1, MAX_IDS, error="Must be 1 to {max} ids, separated by commas."),
        metadata={
            "description": "Ids of movies, such as `1,7,42`. The id of a merged movie selects the one that stayed; an "
            "unknown id selects none."
        },
    )
    year = StrictInteger(
        validate=_ANY_YEAR, metadata={"from_query": True, "description": "The year of release."}
    )
    year_from = StrictInteger(
        validate=_ANY_YEAR, metadata={"from_query": True, "description": "Released in this year or later."}
    )
    year_to = StrictInteger(
        validate=_ANY_YEAR, metadata={"from_query": True, "description": "Released in this year or earlier."}
    )
    language = ma.fields.String(validate=_LANGUAGE, metadata={"description": "ISO 639-1, such as `fr`."})
    country = ma.fields.String(
        validate=_COUNTRY, metadata={"description": "ISO 3166-1 alpha-2, such as `FR`, or SU, CS, YU."}
    )
    runtime_from = StrictInteger(
        validate=_ANY_RUNTIME,
        metadata={"from_query": True, "description": "Runs for this many minutes or more, such as `90`."},
    )
    runtime_to = StrictInteger(
        validate=_ANY_RUNTIME,
        metadata={"from_query": True, "description": "Runs for this many minutes or less, such as `120`."},
    )
    director = SingleLineString(
        max_length=200, metadata={"description": "The full name. Case and accents are ignored."}
    )
    min_count = StrictInteger(
        validate=in_range(0, 2**31 - 1),
        metadata={"from_query": True, "description": "The minimum number of ratings."},
    )
    min_score = QueryNumber(
        validate=in_range(0, 10),
        metadata={"from_query": True, "description": "The minimum `ratings.score`, such as `7.5`."},
    )
    rated = StrictBoolean(
        metadata={
            "from_query": True,
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


class GenreSchema(ma.Schema):
    """A genre and its number of movies."""

    name = ma.fields.String(required=True, metadata={"example": "Drama"})
    count = ma.fields.Integer(required=True, metadata={"example": 3020})


class GenresSchema(ma.Schema):
    """All genres."""

    items = ma.fields.List(ma.fields.Nested(GenreSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True, metadata={"example": None})
