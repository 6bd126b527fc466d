"""The options of an import, from the forms of its pages."""

from dataclasses import dataclass
from typing import Any

import orjson
from flask import request
from werkzeug.datastructures import MultiDict

from movierating.pages.forms import load_text
from movierating.ratings import import_schemas
from movierating.ratings.formats.custom_csv import ColumnMapping
from movierating.ratings.import_schemas import ON_CONFLICT, ImportQuerySchema

# The name of a list of candidates begins with it; the place of the row follows.
CHOICE_PREFIX = "choice:"
# The names of services are not translated.
FORMAT_NAMES = {
    "criticker": "Criticker",
    "csv": "movierating",
    "filmaffinity": "FilmAffinity",
    "filmtipset": "Filmtipset",
    "filmweb": "Filmweb",
    "flixster": "Flixster",
    "imdb": "IMDb",
    "json": "movierating",
    "kinopoisk": "Kinopoisk",
    "kinorium": "Kinorium",
    "letterboxd": "Letterboxd",
    "movary": "Movary",
    "movielens": "MovieLens",
    "ryot": "Ryot",
    "senscritique": "SensCritique",
    "simkl": "Simkl",
    "tmdb": "TMDB",
    "trakt": "Trakt",
    "tvtime": "TV Time",
    "yamtrack": "Yamtrack",
}

_schema = ImportQuerySchema(exclude=("format", "dry_run", "details"))


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of `import_file`, as they were loaded."""

    values: dict[str, Any]

    @property
    def mapping(self) -> ColumnMapping | None:
        """Return how to read a CSV, or None."""
        mapping: ColumnMapping | None = self.values["mapping"]
        return mapping

    @property
    def on_conflict(self) -> str:
        """Return which of two ratings stays."""
        return str(self.values.get("on_conflict", ON_CONFLICT[0]))

    @property
    def create_missing(self) -> str:
        """Return whether movies are added, as the text of the form."""
        return str(self.values.get("create_missing", False)).lower()

    @property
    def choices(self) -> str:
        """Return the choices for single rows as the text of the form."""
        return orjson.dumps(self.values.get("choices", {})).decode()

    @property
    def choice_count(self) -> int:
        """Return the number of rows that are settled by choices."""
        return len(self.values.get("choices", {}))


def load_options() -> ImportOptions:
    """Return the options in the request's form or query, loaded with the API's schema. Raise InvalidRequest."""
    source = MultiDict(request.values)
    source["choices"] = "" if "forget" in source else _collect_choices(source)
    values = load_text(_schema, source, "form")
    values["mapping"] = import_schemas.take_mapping(values)
    return ImportOptions(values)


def _collect_choices(source: MultiDict[str, str]) -> str:
    """Return the JSON of `choices`: those of earlier checks, and those of the lists on the page."""
    text = source.get("choices", "")
    chosen = {
        name.removeprefix(CHOICE_PREFIX): int(value) if value.isdecimal() and len(value) <= 18 else value
        for name, value in source.items()
        if name.startswith(CHOICE_PREFIX) and value
    }
    if not chosen:
        return text
    try:
        earlier = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return text  # the schema rejects it
    return orjson.dumps({**earlier, **chosen}).decode() if isinstance(earlier, dict) else text
