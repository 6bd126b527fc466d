"""Requests of imports: the options and the file."""

import io
from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import marshmallow as ma
import orjson
from flask_smorest.fields import Upload
from werkzeug.datastructures import FileStorage

from movierating.http.fields import QUERY_BOOLEANS, StrictBoolean, StrictInteger
from movierating.movies.schemas import MAX_MOVIE_ID
from movierating.ratings.formats import custom_csv, upload_reader
from movierating.ratings.formats.custom_csv import ColumnMapping
from movierating.ratings.import_report import AS_CSV
from movierating.ratings.row_matches import ALWAYS, NEW

ON_CONFLICT = ("newer", "keep", "replace")

CSV = "imdb_id,value\ntt0111161,9.5\n"


class UploadField(Upload):  # type: ignore[misc]  # flask-smorest ships no types
    """A file in a form; its stream."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> BinaryIO:
        if isinstance(value, FileStorage):
            return cast(BinaryIO, value.stream)
        # The form parser treats a part without a file name as text and replaces invalid UTF-8.
        if not isinstance(value, str) or "\ufffd" in value:
            raise ma.ValidationError("Must be a file, with a file name unless it is text in UTF-8.")
        return io.BytesIO(value.encode())


class BooleanOrWord(StrictBoolean):
    """A boolean in a query, or a word."""

    def __init__(self, word: str, **options: Any) -> None:
        """Accept `word` as well."""
        message = f"Must be true, false or {word}, not {{input}}."
        super().__init__(error_messages={"invalid": message}, **options)
        self._word = word
        # With an enum of both `true` and `True`, some generated clients would have two members of one name.
        pattern = f"^({'|'.join([*QUERY_BOOLEANS, word])})$"
        self.metadata = {"type": "string", "pattern": pattern, **self.metadata}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return self._word if value == self._word else super()._deserialize(value, attr, data, **kwargs)


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
    return choice == NEW or (type(choice) is int and 1 <= choice <= MAX_MOVIE_ID)


class ColumnsField(ma.fields.List[Any]):
    """Texts such as `title=Film`, loaded as the names of columns by field."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        try:
            return custom_csv.parse_columns(map(str, super()._deserialize(value, attr, data, **kwargs)))
        except ValueError as error:
            raise ma.ValidationError(list(error.args)) from error


class PreviewQuerySchema(ma.Schema):
    """Options that tell how to read a file."""

    format = ma.fields.String(
        validate=ma.validate.OneOf(upload_reader.FORMATS),
        metadata={"description": "Reject the file if it has another format; detected by default."},
    )
    column = ColumnsField(
        ma.fields.String(metadata={"pattern": rf"^\s*({'|'.join(custom_csv.FIELDS)})\s*="}),
        metadata={
            "maxItems": len(custom_csv.FIELDS),
            "description": "For any CSV: the name of the column of one of "
            + ", ".join(custom_csv.FIELDS)
            + ". "
            "Repeatable; a field that is not listed is read from the column of its own name, or of its name in files "
            "for Letterboxd's importer, and a field with an empty name (`year=`) is not read.",
        },
    )
    scale = StrictInteger(
        validate=ma.validate.OneOf(tuple(custom_csv.SCALES), error="Must be one of: {choices}."),
        metadata={
            "description": "For any CSV: the highest rating; derived from the ratings by default.",
        },
    )


class ImportQuerySchema(PreviewQuerySchema):
    """Options of an import."""

    dry_run = StrictBoolean(metadata={"description": "Report only; write nothing."})
    create_missing = BooleanOrWord(
        ALWAYS,
        metadata={
            "description": "`true`, `false` or `always`. Add a movie for each row that matches none and has no "
            "candidates; `always` adds one for rows with candidates, too.",
        },
    )
    choices = ChoicesField(
        metadata={
            "type": "string",
            "pattern": r"^\s*\{[\s\S]*\}\s*$",
            "description": "A JSON object with the movies of single rows: by `file:line`, or the line outside a ZIP, "
            'the id of the movie, or `new` to add one, such as `{"7": 2711, "9": "new"}`.',
        }
    )
    on_conflict = ma.fields.String(
        validate=ma.validate.OneOf(ON_CONFLICT),
        metadata={
            "description": "Which rating to keep if you have already rated the movie: the one with the `newer` "
            "`rated_at` (default), the stored one (`keep`), or the file's (`replace`)."
        },
    )
    details = BooleanOrWord(
        AS_CSV,
        metadata={
            "description": "`true`, `false` or `csv`. List every row in the report: in `details`, or with `csv` in "
            "`details_csv`.",
        },
    )


def _make_file() -> UploadField:
    description = "At most 16 MiB, unless the operator set another limit."
    return UploadField(required=True, metadata={"description": description})


class UploadSchema(ImportQuerySchema):
    """A file of ratings, and options, which override those of the query."""

    file = _make_file()


class PreviewUploadSchema(PreviewQuerySchema):
    """A file of ratings to preview, and options, which override those of the query."""

    file = _make_file()


def take_mapping(options: dict[str, Any]) -> ColumnMapping | None:
    """Remove `column` and `scale` from the options, and return them; None if there is neither."""
    return custom_csv.make_mapping(options.pop("column", {}), options.pop("scale", None))
