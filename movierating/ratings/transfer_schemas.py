"""Requests and responses of batches, imports and exports."""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import marshmallow as ma
from flask_smorest.fields import Upload
from werkzeug.datastructures import FileStorage

from movierating.http.fields import HalfPoints, StrictBoolean, StrictInteger, Timestamp, require_past
from movierating.movies.schemas import IMDB_ID, MAX_TMDB_ID
from movierating.ratings.batch import MOVIE_KEYS
from movierating.ratings.formats import own_json, upload_reader, writers
from movierating.ratings.schemas import RATED_AT, VALUE

MAX_RATINGS_PER_REQUEST = 1000
MAX_ID = 2**63 - 1
ON_CONFLICT = ("newer", "keep", "replace")


class MovieReferenceSchema(ma.Schema):
    """A movie, by exactly one of its ids."""

    movie_id = StrictInteger(validate=ma.validate.Range(1, MAX_ID), metadata={"example": 17})
    imdb_id = ma.fields.String(validate=IMDB_ID, metadata={"example": "tt0485601"})
    tmdb_id = StrictInteger(validate=ma.validate.Range(1, MAX_TMDB_ID), metadata={"example": 26963})

    @ma.validates_schema
    def one_name(self, data: dict[str, Any], **_: Any) -> None:
        """Two ids might name two movies."""
        if len(data.keys() & set(MOVIE_KEYS)) != 1:
            raise ma.ValidationError("Must hold exactly one of movie_id, imdb_id and tmdb_id.")


class BatchRatingSchema(MovieReferenceSchema):
    """A rating to set."""

    value = HalfPoints(required=True, metadata=VALUE)
    rated_at = Timestamp(load_default=None, validate=require_past, metadata=RATED_AT)


class BatchRateSchema(ma.Schema):
    """Ratings to set."""

    ratings = ma.fields.List(
        ma.fields.Nested(BatchRatingSchema),
        required=True,
        validate=ma.validate.Length(1, MAX_RATINGS_PER_REQUEST),
    )


class BatchDeleteSchema(ma.Schema):
    """Ratings to delete."""

    ratings = ma.fields.List(
        ma.fields.Nested(MovieReferenceSchema),
        required=True,
        validate=ma.validate.Length(1, MAX_RATINGS_PER_REQUEST),
    )


class BatchRateReportSchema(ma.Schema):
    """Outcome of setting ratings."""

    created = ma.fields.Integer(required=True, metadata={"example": 1})
    updated = ma.fields.Integer(required=True, metadata={"example": 0})
    unchanged = ma.fields.Integer(required=True, metadata={"example": 0})
    not_found = ma.fields.List(ma.fields.Nested(MovieReferenceSchema), required=True)


class BatchDeleteReportSchema(ma.Schema):
    """Outcome of deleting ratings."""

    deleted = ma.fields.Integer(required=True, metadata={"example": 1})
    not_found = ma.fields.List(ma.fields.Nested(MovieReferenceSchema), required=True)


class UploadedFile(Upload):  # type: ignore[misc]  # flask-smorest ships no types
    """A file in a form; its stream."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> BinaryIO:
        # A part of the form without a file name is text to the parser of forms.
        if not isinstance(value, FileStorage):
            raise ma.ValidationError("Must be a file, with a file name.")
        return cast(BinaryIO, value.stream)


class ImportQuerySchema(ma.Schema):
    """Options of an import."""

    format = ma.fields.String(
        validate=ma.validate.OneOf(upload_reader.FORMATS),
        metadata={"description": "Refuse the file if it is anything else; without this its content tells."},
    )
    dry_run = StrictBoolean(
        metadata={
            "from_query": True,
            "example": True,
            "description": "Only report; write nothing.",
        }
    )
    create_missing = StrictBoolean(
        metadata={
            "from_query": True,
            "example": False,
            "description": "Add the movies that are not there.",
        }
    )
    on_conflict = ma.fields.String(
        validate=ma.validate.OneOf(ON_CONFLICT),
        metadata={
            "description": "Where you rated the movie already: `newer` (default) by rated time, `keep`, `replace`."
        },
    )


class UploadSchema(ImportQuerySchema):
    """A file of ratings; the options may stand here or in the query."""

    file = UploadedFile(
        required=True, metadata={"description": "At most 16 MiB, unless the operator set another limit."}
    )


class UnmatchedRowSchema(ma.Schema):
    """A row whose movie is unknown."""

    line = ma.fields.Integer(required=True, metadata={"example": 7})
    title = ma.fields.String(required=True, allow_none=True, metadata={"example": "Emma"})
    year = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 1996})
    reason = ma.fields.String(
        required=True, metadata={"example": "more than one movie has this title and year"}
    )
    candidates = ma.fields.List(
        ma.fields.Integer(),
        required=True,
        metadata={"example": [2711, 2712], "description": "Ids of movies it may be, at most 20."},
    )


class UnreadableRowSchema(ma.Schema):
    """A row that could not be read."""

    line = ma.fields.Integer(required=True, metadata={"example": 7})
    reason = ma.fields.String(
        required=True, metadata={"example": "the rating '11' is not a whole number from 1 to 10"}
    )


class ImportReportSchema(ma.Schema):
    """Outcome of an import; each row counts once."""

    format = ma.fields.String(required=True, metadata={"example": "letterboxd"})
    dry_run = ma.fields.Boolean(required=True, metadata={"example": True})
    created = ma.fields.Integer(required=True, metadata={"example": 1})
    updated = ma.fields.Integer(required=True, metadata={"example": 0})
    unchanged = ma.fields.Integer(required=True, metadata={"example": 0})
    skipped = ma.fields.Integer(
        required=True, metadata={"example": 0, "description": "No movie, no rating, or an older one."}
    )
    unmatched = ma.fields.List(ma.fields.Nested(UnmatchedRowSchema), required=True)
    errors = ma.fields.List(ma.fields.Nested(UnreadableRowSchema), required=True)


class ExportQuerySchema(ma.Schema):
    """Options of an export."""

    format = ma.fields.String(
        load_default="csv",
        validate=ma.validate.OneOf(writers.FORMATS),
        metadata={"description": "Which kind of file."},
    )


class ExportedRatingSchema(ma.Schema):
    """A rating in a file."""

    imdb_id = ma.fields.String(required=True, allow_none=True, metadata={"example": "tt0485601"})
    tmdb_id = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 26963})
    title = ma.fields.String(required=True, metadata={"example": "The Secret of Kells"})
    original_title = ma.fields.String(required=True, allow_none=True, metadata={"example": None})
    year = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 2009})
    value = HalfPoints(required=True, metadata=VALUE)
    rated_at = Timestamp(required=True, metadata=RATED_AT)


class ExportSchema(ma.Schema):
    """A user's ratings as a JSON file."""

    format = ma.fields.String(required=True, validate=ma.validate.OneOf([own_json.FORMAT]))
    version = ma.fields.Integer(required=True, validate=ma.validate.OneOf([own_json.VERSION]))
    ratings = ma.fields.List(ma.fields.Nested(ExportedRatingSchema), required=True)
