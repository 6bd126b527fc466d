"""Ratings in requests and responses."""

from typing import Any

import marshmallow as ma

from movierating.http.fields import (
    HalfPoints,
    StrictBoolean,
    StrictInteger,
    Timestamp,
    in_range,
    require_past,
)
from movierating.http.responses import PageQuerySchema
from movierating.movies.query_schemas import make_include
from movierating.movies.schemas import MAX_MOVIE_ID, MovieRatingsSchema, make_my_rating

VALUE = {
    "example": 8.5,
    "minimum": 0.5,
    "maximum": 10,
    "multipleOf": 0.5,
    "description": "How good the movie is, in steps of 0.5.",
}


def make_count(example: int, **metadata: Any) -> ma.fields.Integer:
    """Return the field of a count in a response."""
    return ma.fields.Integer(required=True, metadata={"example": example, **metadata})


class NewRatingSchema(ma.Schema):
    """A rating to set."""

    value = HalfPoints(required=True, metadata=VALUE)
    rated_at = Timestamp(
        load_default=None,
        validate=require_past,
        metadata={"description": "When the movie was rated; now by default, and never in the future."},
    )


class RatingSchema(ma.Schema):
    """A rating."""

    value = HalfPoints(required=True, metadata=VALUE)
    rated_at = Timestamp(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class RatingResultSchema(RatingSchema):
    """A stored rating, with the movie's new aggregates."""

    ratings = ma.fields.Nested(MovieRatingsSchema, required=True)


class UserSummarySchema(ma.Schema):
    """The id and the names of a user."""

    id = ma.fields.Integer(required=True, metadata={"example": 3})
    username = ma.fields.String(required=True, metadata={"example": "ada"})
    display_name = ma.fields.String(required=True, metadata={"example": "Ada L."})


class MovieRatingSchema(RatingSchema):
    """A movie's rating, with its user."""

    user = ma.fields.Nested(UserSummarySchema, required=True)
    my_rating = make_my_rating()


class MovieRatingsQuerySchema(PageQuerySchema):
    """The page of a movie's ratings, and what its items include."""

    include = make_include()


class DeleteMovieQuerySchema(ma.Schema):
    """Options for deleting a movie."""

    with_ratings = StrictBoolean(load_default=False, metadata={"description": "Delete its ratings too."})


class MergeMovieSchema(ma.Schema):
    """The movie that stays."""

    into = StrictInteger(
        required=True,
        validate=in_range(1, MAX_MOVIE_ID),
        metadata={"example": 17, "format": "int64", "description": "The id of the movie that stays."},
    )
