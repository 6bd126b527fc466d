"""Requests and responses of batches, imports and exports."""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import marshmallow as ma
import orjson
from flask_smorest.fields import Upload
from werkzeug.datastructures import FileStorage

from movierating.http.fields import (
    HalfPoints,
    StrictBoolean,
    StrictInteger,
    Timestamp,
    in_range,
    require_past,
)
from movierating.movies.schemas import IMDB_ID, MAX_TMDB_ID
from movierating.ratings.batch import MOVIE_KEYS
from movierating.ratings.formats import own_json, upload_reader, writers
from movierating.ratings.row_matching import ALWAYS, NEW
from movierating.ratings.schemas import VALUE

MAX_RATINGS_PER_REQUEST = 1000
MAX_ID = 2**63 - 1
ON_CONFLICT = ("newer", "keep", "replace")
ROW_OUTCOMES = (
    *("created", "updated", "unchanged", "older", "not_a_movie", "no_rating"),
    *("unmatched", "unreadable"),
)


class MovieReferenceSchema(ma.Schema):
    """A movie, by exactly one of its ids."""

    movie_id = StrictInteger(validate=in_range(1, MAX_ID), metadata={"example": 17})
    imdb_id = ma.fields.String(validate=IMDB_ID, metadata={"example": "tt0485601"})
    tmdb_id = StrictInteger(validate=in_range(1, MAX_TMDB_ID), metadata={"example": 26963})

    @ma.validates_schema
    def require_one_id(self, data: dict[str, Any], **_: Any) -> None:
        """Raise ValidationError unless there is exactly one id: two might be of two movies."""
        if len(data.keys() & set(MOVIE_KEYS)) != 1:
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


def _make_count(example: int, **metadata: Any) -> ma.fields.Integer:
    return ma.fields.Integer(required=True, metadata={"example": example, **metadata})


class BatchRateReportSchema(ma.Schema):
    """Outcome of setting ratings."""

    created = _make_count(1)
    updated = _make_count(0)
    unchanged = _make_count(0)
    not_found = ma.fields.List(ma.fields.Nested(MovieReferenceSchema), required=True)


class BatchDeleteReportSchema(ma.Schema):
    """Outcome of deleting ratings."""

    deleted = _make_count(1)
    not_found = ma.fields.List(ma.fields.Nested(MovieReferenceSchema), required=True)


class UploadField(Upload):  # type: ignore[misc]  # flask-smorest ships no types
    """A file in a form; its stream."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> BinaryIO:
        # To the parser of forms, a part without a file name is text.
        if not isinstance(value, FileStorage):
            raise ma.ValidationError("Must be a file, with a file name.")
        return cast(BinaryIO, value.stream)


class CreateMissingField(StrictBoolean):
    """The word true, false or always."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return ALWAYS if value == ALWAYS else super()._deserialize(value, attr, data, **kwargs)


class ChoicesField(ma.fields.Field[Any]):
    """A JSON object of movie ids, or NEW, by `file:line`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, int | str]:
        try:
            choices = orjson.loads(value)
        except (ValueError, TypeError) as error:
            raise ma.ValidationError("Must be a JSON object.") from error
        if not isinstance(choices, dict) or not all(map(_is_choice, choices.values())):
            raise ma.ValidationError("Must be a JSON object of movie ids, or new, by file and line.")
        return {place.removeprefix(":"): choice for place, choice in choices.items()}


def _is_choice(choice: object) -> bool:
    return choice == NEW or (type(choice) is int and 1 <= choice <= MAX_ID)


class ImportQuerySchema(ma.Schema):
    """Options of an import."""

    format = ma.fields.String(
        validate=ma.validate.OneOf(upload_reader.FORMATS),
        metadata={"description": "Reject the file if it has another format; detected by default."},
    )
    dry_run = StrictBoolean(
        metadata={"from_query": True, "example": True, "description": "Report only; write nothing."}
    )
    create_missing = CreateMissingField(
        metadata={
            "from_query": True,
            "type": "string",
            "enum": ["true", "false", ALWAYS],
            "example": "true",
            "description": "Add a movie for each row that matches none and has no candidates; `always` adds one for "
            "rows with candidates, too.",
        }
    )
    choices = ChoicesField(
        metadata={
            "type": "string",
            "example": '{"ratings.csv:7": 2711, "ratings.csv:9": "new"}',
            "description": "A JSON object that settles single rows: by `file:line`, or the line outside a ZIP, the id "
            "of the movie, or `new` to add one.",
        }
    )
    on_conflict = ma.fields.String(
        validate=ma.validate.OneOf(ON_CONFLICT),
        metadata={
            "description": "Which rating to keep if you have already rated the movie: the one with the `newer` "
            "`rated_at` (default), the stored one (`keep`), or the file's (`replace`)."
        },
    )
    details = StrictBoolean(
        metadata={"from_query": True, "example": False, "description": "List every row in the report."}
    )


class UploadSchema(ImportQuerySchema):
    """A file of ratings, and options, which override those of the query."""

    file = UploadField(
        required=True, metadata={"description": "At most 16 MiB, unless the operator set another limit."}
    )


class FileRowSchema(ma.Schema):
    """The place of a row."""

    file = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"example": "ratings.csv", "description": "The file's name inside a ZIP."},
    )
    line = _make_count(7, description="The line where the row starts; in JSON the index of the item.")


class FilmRowSchema(FileRowSchema):
    """A row with the film that it names."""

    title = ma.fields.String(required=True, allow_none=True, metadata={"example": "Emma"})
    year = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 1996})


class UnmatchedRowSchema(FilmRowSchema):
    """A row that matches no movie, or several. Of a film in several files of a ZIP, one row is listed."""

    reason = ma.fields.String(
        required=True, metadata={"example": "more than one movie has this title and year"}
    )
    candidates = ma.fields.List(
        ma.fields.Integer(),
        required=True,
        metadata={"example": [2711, 2712], "description": "Ids of possible movies, at most 20."},
    )


class UnreadableRowSchema(FileRowSchema):
    """An invalid row."""

    reason = ma.fields.String(
        required=True, metadata={"example": "the rating '11' is not a whole number from 1 to 10"}
    )


class NoteSchema(FileRowSchema):
    """How a row was read or matched, if it could have been otherwise."""

    reason = ma.fields.String(
        required=True, metadata={"example": "the movie was not in the catalogue and is added"}
    )


class ImportedRowSchema(FilmRowSchema):
    """A row as it was read, and what became of it."""

    value = HalfPoints(required=True, allow_none=True, metadata=VALUE)
    rated_at = Timestamp(required=True, allow_none=True)
    outcome = ma.fields.String(required=True, validate=ma.validate.OneOf(ROW_OUTCOMES))
    movie_id = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 2711})
    reason = ma.fields.String(required=True, allow_none=True, metadata={"example": None})


class SkippedRowsSchema(ma.Schema):
    """Numbers of rows that are not imported, by reason."""

    older = _make_count(0, description="You, or a later row, have a newer rating of the movie.")
    not_a_movie = _make_count(0, description="Series, episodes and the like.")
    no_rating = _make_count(0)


def _list_rows(schema: type[ma.Schema], **options: Any) -> Any:
    return ma.fields.List(ma.fields.Nested(schema), required=True, **options)


class ImportReportSchema(ma.Schema):
    """Outcome of an import; each row counts once."""

    format = ma.fields.String(required=True, metadata={"example": "letterboxd"})
    dry_run = ma.fields.Boolean(required=True, metadata={"example": True})
    created = _make_count(1)
    updated = _make_count(0)
    unchanged = _make_count(0)
    skipped = ma.fields.Nested(SkippedRowsSchema, required=True)
    unmatched = _list_rows(UnmatchedRowSchema)
    errors = _list_rows(UnreadableRowSchema)
    notes = _list_rows(NoteSchema)
    details = _list_rows(
        ImportedRowSchema, allow_none=True, metadata={"description": "All rows, with `details=true`."}
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
