"""Responses of imports: the report and the preview."""

from typing import Any

import marshmallow as ma

from movierating.http.fields import HalfPoints, Timestamp
from movierating.ratings.schemas import VALUE, make_count

ROW_OUTCOMES = (
    *("created", "updated", "unchanged", "older", "not_a_movie", "no_rating"),
    *("unmatched", "unreadable"),
)


class FileRowSchema(ma.Schema):
    """The place of a row."""

    file = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"example": "ratings.csv", "description": "The file's name inside a ZIP."},
    )
    line = make_count(7, description="The line where the row starts; in JSON the index of the item.")


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
        ma.fields.Integer(metadata={"format": "int64"}),
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
    """A row as it was read, and what became of it. `reason` tells why, and contains its notes."""

    value = HalfPoints(required=True, allow_none=True, metadata=VALUE)
    rated_at = Timestamp(required=True, allow_none=True)
    outcome = ma.fields.String(required=True, validate=ma.validate.OneOf(ROW_OUTCOMES))
    movie_id = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 2711})
    reason = ma.fields.String(required=True, allow_none=True, metadata={"example": None})


class SkippedRowsSchema(ma.Schema):
    """Numbers of rows that are not imported, by reason."""

    older = make_count(0, description="Another rating of the movie stays: yours, or that of another row.")
    not_a_movie = make_count(0, description="Series, episodes and the like.")
    no_rating = make_count(0)


def _list_rows(schema: type[ma.Schema], **options: Any) -> Any:
    return ma.fields.List(ma.fields.Nested(schema), required=True, **options)


class ImportReportSchema(ma.Schema):
    """Outcome of an import.

    Each row counts once, except that a film that several files of a ZIP name is listed as unmatched once.
    """

    format = ma.fields.String(required=True, metadata={"example": "letterboxd"})
    dry_run = ma.fields.Boolean(required=True, metadata={"example": True})
    catalogue = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "example": None,
            "description": "`loading` if the first start was still adding the bundled movies: no movie is added for a "
            "row, and the same file may match more movies later. Otherwise null.",
        },
    )
    read = make_count(1, description="Valid rows of the file.")
    created = make_count(1)
    updated = make_count(0)
    unchanged = make_count(0)
    skipped = ma.fields.Nested(SkippedRowsSchema, required=True)
    unmatched = _list_rows(UnmatchedRowSchema)
    errors = _list_rows(UnreadableRowSchema)
    notes = _list_rows(NoteSchema)
    unread_files = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={
            "example": ["watchlist.csv"],
            "description": "Files of a ZIP that are ignored, such as those without ratings; at most 100.",
        },
    )
    details = _list_rows(
        ImportedRowSchema, allow_none=True, metadata={"description": "All rows, with `details=true`."}
    )
    details_csv = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "example": None,
            "description": "All rows as CSV with the columns of `details`, with `details=csv`.",
        },
    )
    replaced_csv = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "example": None,
            "description": "Your ratings that the import replaced, as movierating's CSV; null if there are none, "
            "or if their titles have more than 16 million characters. Import it with `on_conflict=replace` to restore "
            "them.",
        },
    )


class PreviewRowSchema(FilmRowSchema):
    """A row as an import would read it. `reason` tells why there is no rating, or how it was read."""

    original_title = ma.fields.String(required=True, allow_none=True, metadata={"example": None})
    imdb_id = ma.fields.String(required=True, allow_none=True, metadata={"example": "tt0118308"})
    tmdb_id = ma.fields.Integer(required=True, allow_none=True, metadata={"example": None})
    value = HalfPoints(required=True, allow_none=True, metadata=VALUE)
    rated_at = Timestamp(required=True, allow_none=True)
    reason = ma.fields.String(required=True, allow_none=True, metadata={"example": None})


class ImportPreviewSchema(ma.Schema):
    """The first rows of a file."""

    format = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "example": "csv",
            "description": "null if the columns must be named with `column`; `message` tells why.",
        },
    )
    columns = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={
            "example": ["Film", "Year", "My stars"],
            "description": "The columns of a CSV, at most 100.",
        },
    )
    message = ma.fields.String(required=True, allow_none=True, metadata={"example": None})
    rows = _list_rows(PreviewRowSchema, metadata={"description": "At most 5."})
    cells = ma.fields.List(
        ma.fields.List(ma.fields.String()),
        required=True,
        metadata={
            "example": [],
            "description": "If the columns must be named: the cells of at most 5 rows, each cut to 100 characters.",
        },
    )
