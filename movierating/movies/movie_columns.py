"""The facts of a movie as values of its table's columns."""

from collections.abc import Mapping
from typing import Any

import orjson

from movierating import clock
from movierating.movies.titles import fold

_OPTIONAL_COLUMNS = (
    *("original_title", "original_title_key", "year", "runtime_minutes", "language", "country"),
    *("imdb_id", "tmdb_id", "wikidata_id"),
)
_EMPTY_ROW = {**dict.fromkeys(_OPTIONAL_COLUMNS), "genres": "[]", "directors": "[]", "prominence": 0}


def make_row(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a new movie's columns, except its id."""
    now = clock.now()
    return {**_EMPTY_ROW, **to_columns(facts), "created_at": now, "updated_at": now}


def to_columns(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return some or all facts of a movie as values of its table's columns."""
    values = dict(facts)
    # They have a table of their own.
    values.pop("alternative_titles", None)
    for name in ("genres", "directors"):
        if name in values:
            values[name] = orjson.dumps(values[name]).decode()
    if "title" in values:
        values["title_key"] = fold(values["title"])
    if "original_title" in values:
        values["original_title_key"] = fold(values["original_title"]) if values["original_title"] else None
    return values
