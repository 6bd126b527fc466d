"""Requests and responses of batches of ratings."""

from typing import Any

import marshmallow as ma

from movierating.http.fields import HalfPoints, StrictInteger, Timestamp, in_range, require_past
from movierating.movies.schemas import IMDB_ID, MAX_MOVIE_ID, MAX_TMDB_ID
from movierating.ratings.batch import MOVIE_ID_FIELDS
from movierating.ratings.schemas import VALUE, make_count

MAX_RATINGS_PER_REQUEST = 1000


class MovieReferenceSchema(ma.Schema):
    """A movie, by exactly one of its ids."""

    movie_id = StrictInteger(validate=in_range(1, MAX_MOVIE_ID), metadata={"example": 17})
    imdb_id = ma.fields.String(validate=IMDB_ID, metadata={"example": "tt0485601"})
    tmdb_id = StrictInteger(validate=in_range(1, MAX_TMDB_ID), metadata={"example": 26963})

    @ma.validates_schema
    def require_one_id(self, data: dict[str, Any], **_: Any) -> None:
        """Raise ValidationError unless there is exactly one id: two might be of two movies."""
        if len(data.keys() & set(MOVIE_ID_FIELDS)) != 1:
            raise ma.ValidationError("Must hold exactly one of movie_id, imdb_id and tmdb_id.")


class BatchRatingSchema(MovieReferenceSchema):
    """A rating to set."""

    value = HalfPoints(required=True, metadata=VALUE)
    rated_at = Timestamp(load_default=None, validate=require_past)


def _make_batch(schema: type[ma.Schema]) -> Any:
    length = ma.validate.Length(1, MAX_RATINGS_PER_REQUEST)
    return ma.fields.List(ma.fields.Nested(schema), required=True, validate=length)


class BatchRateSchema(ma.Schema):
    """Ratings to set."""

    ratings = _make_batch(BatchRatingSchema)


class BatchDeleteSchema(ma.Schema):
    """Ratings to delete."""

    ratings = _make_batch(MovieReferenceSchema)


class BatchRateReportSchema(ma.Schema):
    """Outcome of setting ratings."""

    created = make_count(1)
    updated = make_count(0)
    unchanged = make_count(0)
    not_found = ma.fields.List(ma.fields.Nested(MovieReferenceSchema), required=True)


class BatchDeleteReportSchema(ma.Schema):
    """Outcome of deleting ratings."""

    deleted = make_count(1)
    not_found = ma.fields.List(ma.fields.Nested(MovieReferenceSchema), required=True)
