"""Our own JSON, version 1, one rating a line: `{"format": "movierating", "version": 1, "ratings": [{…}, …]}`.

A rating is an object with `imdb_id`, `tmdb_id`, `title`, `original_title`, `year`, `value` and `rated_at`, in this
order, which mean what they do in our own CSV; what isn't known is null. Nothing is lost. Reading takes objects with
fewer or more members, and does without `format` and `version`; times in the future need a `version` before `ratings`.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import orjson

from movierating import clock
from movierating.ratings.formats import field_parsers
from movierating.ratings.formats.csv_reader import in_blocks
from movierating.ratings.formats.json_reader import JsonFile
from movierating.ratings.formats.rows import ExportRow, RatedRow, Row, SkippedRow, UnknownFormat, check_row

FORMAT, VERSION = "movierating", 1


def sniff(document: JsonFile) -> bool:
    """Return whether a JSON file is ours: an object with a list of ratings, and no format of another name."""
    return document.facts is not None and document.facts.get("format", FORMAT) == FORMAT


def parse(documents: Iterable[JsonFile]) -> Iterator[Row]:
    """Yield the ratings. Raises UnknownFormat for another version."""
    for document in documents:
        _refuse_other_versions(document)
        is_export = "version" in (document.facts or {})
        yield from document.rows(partial(_row, document.source.name, is_export))
        # The version may stand behind the ratings.
        _refuse_other_versions(document)


def _refuse_other_versions(document: JsonFile) -> None:
    facts = document.facts or {}
    if facts.get("format", FORMAT) != FORMAT or facts.get("version", VERSION) != VERSION:
        raise UnknownFormat(
            f"The JSON is of another format or version than movierating's, version {VERSION}."
        )


def _row(file: str, is_export: bool, index: int, item: Any) -> Row:
    if not isinstance(item, dict):
        raise ValueError("it is not an object")
    get = item.get
    name, year = field_parsers.parse_title(get("title")), field_parsers.parse_year(get("year"))
    if get("value") is None:
        return SkippedRow(index, name, year, "it has no rating", file)
    return check_row(
        RatedRow(
            index,
            field_parsers.parse_imdb_id(get("imdb_id")),
            field_parsers.parse_tmdb_id(get("tmdb_id")),
            name,
            field_parsers.parse_title(get("original_title")),
            year,
            field_parsers.parse_rating(field_parsers.HALVES_TO_TEN, get("value")),
            field_parsers.parse_time(get("rated_at"), allow_future=is_export),
            file=file,
        )
    )


def write(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield the file in blocks of some 64 KB."""
    return in_blocks(_lines(rows))


def _lines(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    yield b'{"format": "%s", "version": %d, "ratings": [' % (FORMAT.encode(), VERSION)
    separator = b"\n"
    for row in rows:
        yield separator + orjson.dumps(_item(row))
        separator = b",\n"
    yield b"\n]}\n"


def _item(row: ExportRow) -> dict[str, Any]:
    return {
        "imdb_id": row.imdb_id,
        "tmdb_id": row.tmdb_id,
        "title": row.title,
        "original_title": row.original_title,
        "year": row.year,
        "value": row.value / 2,
        "rated_at": clock.format_rfc3339(row.rated_at),
    }
