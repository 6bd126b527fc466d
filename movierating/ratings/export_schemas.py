"""Requests and responses of exports."""

import marshmallow as ma

from movierating.http.fields import HalfPoints, Timestamp
from movierating.ratings.formats import own_json, writers
from movierating.ratings.schemas import VALUE

CSV = (
    "imdb_id,tmdb_id,title,original_title,year,value,rated_at,version\r\n"
    "tt0485601,26963,The Secret of Kells,,2009,8.5,2024-01-15T10:30:00Z,1\r\n"
)


class ExportQuerySchema(ma.Schema):
    """Options of an export."""

    format = ma.fields.String(
        load_default="csv",
        validate=ma.validate.OneOf(writers.FORMATS),
        metadata={"description": "The file format."},
    )


class ExportedRatingSchema(ma.Schema):
    """A rating in a file."""

    imdb_id = ma.fields.String(required=True, allow_none=True, metadata={"example": "tt0485601"})
    tmdb_id = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 26963})
    title = ma.fields.String(required=True, metadata={"example": "The Secret of Kells"})
    original_title = ma.fields.String(required=True, allow_none=True, metadata={"example": None})
    year = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 2009})
    value = HalfPoints(required=True, metadata=VALUE)
    rated_at = Timestamp(required=True)


class ExportSchema(ma.Schema):
    """A user's ratings as a JSON file."""

    format = ma.fields.String(required=True, validate=ma.validate.OneOf([own_json.FORMAT]))
    version = ma.fields.Integer(required=True, validate=ma.validate.OneOf([own_json.VERSION]))
    ratings = ma.fields.List(ma.fields.Nested(ExportedRatingSchema), required=True)
