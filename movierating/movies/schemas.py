"""The schemas of movies in requests and responses."""

import re
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from movierating.http.fields import (
    HalfPoints,
    SingleLineString,
    StrictInteger,
    Timestamp,
    in_range,
)
from movierating.movies.alternative_titles import MAX_SHOWN_TITLES
from movierating.movies.genres import GENRES
from movierating.movies.iso_codes import COUNTRIES, LANGUAGES
from movierating.movies.models import MAX_RUNTIME_MINUTES
from movierating.rating_stats import MAX_HALF_POINTS

MIN_YEAR = 1870
MAX_YEARS_AHEAD = 10
MAX_MOVIE_ID = 2**63 - 1
MAX_TMDB_ID = 2**31 - 1
ANY_RUNTIME = in_range(1, MAX_RUNTIME_MINUTES)

COUNTRY = ma.validate.OneOf(COUNTRIES, error="Must be an ISO 3166-1 alpha-2 code such as FR, or SU, CS, YU.")
LANGUAGE = ma.validate.OneOf(LANGUAGES, error="Must be an ISO 639-1 code, such as fr.")
IMDB_ID = ma.validate.Regexp(re.compile(r"tt[0-9]{7,10}\Z", re.ASCII), error="Must be tt and 7 to 10 digits.")
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
    "alternative_titles": {"example": ["Brendan et le Secret de Kells"], "uniqueItems": True},
}
_YEAR = {"example": 2009, "minimum": MIN_YEAR, "maximum": _get_last_year()}


class CreateMovieSchema(ma.Schema):
    """The facts of a movie. Only title and year are required."""

    title = SingleLineString(required=True, max_length=500, metadata=_METADATA["title"])
    original_title = SingleLineString(allow_none=True, max_length=500, metadata=_METADATA["title"])
    year = StrictInteger(required=True, validate=_check_year, metadata=_YEAR)
    runtime_minutes = StrictInteger(
        allow_none=True, validate=ANY_RUNTIME, metadata=_METADATA["runtime_minutes"]
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
    language = ma.fields.String(allow_none=True, validate=LANGUAGE, metadata=_METADATA["language"])
    country = ma.fields.String(allow_none=True, validate=COUNTRY, metadata=_METADATA["country"])
    imdb_id = ma.fields.String(allow_none=True, validate=IMDB_ID, metadata=_METADATA["imdb_id"])
    tmdb_id = StrictInteger(allow_none=True, validate=in_range(1, MAX_TMDB_ID), metadata=_METADATA["tmdb_id"])
    wikidata_id = ma.fields.String(allow_none=True, validate=_WIKIDATA_ID, metadata=_METADATA["wikidata_id"])
    alternative_titles = ma.fields.List(
        SingleLineString(max_length=500),
        validate=[ma.validate.Length(max=MAX_SHOWN_TITLES), _check_unique],
        metadata={
            **_METADATA["alternative_titles"],
            "description": "For admins. Each must differ from the movie's other titles in a letter or digit.",
        },
    )


class UpdateMovieSchema(CreateMovieSchema):
    """The facts to change. Null removes an optional fact, and a list replaces the one that the movie has."""

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
        metadata={**_METADATA["alternative_titles"], "description": "The first 50."},
    )


class GenreSchema(ma.Schema):
    """A genre and its number of movies."""

    name = ma.fields.String(required=True, metadata={"example": "Drama"})
    count = ma.fields.Integer(required=True, metadata={"example": 3020})


class GenresSchema(ma.Schema):
    """All genres."""

    items = ma.fields.List(ma.fields.Nested(GenreSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True, metadata={"example": None})
