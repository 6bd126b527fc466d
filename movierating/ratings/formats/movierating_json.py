"""Our JSON, version 1, one rating a line: `{"format": "movierating", "version": 1, "ratings": [{…}, …]}`.

A rating is an object with `imdb_id`, `tmdb_id`, `title`, `original_title`, `year`, `value` and `rated_at`, in this
order, with the meanings of our CSV; unknown values are null. Nothing is lost. Objects with fewer or more members
can be read, and files without `format` and `version`; times in the future need a `version` before `ratings`.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import orjson

from movierating import clock
from movierating.ratings.formats.csv_writer import join_into_blocks
from movierating.ratings.formats.field_parsers import HALVES_TO_TEN
from movierating.ratings.formats.json_reader import JsonFile
from movierating.ratings.formats.rows import ExportRow, RejectedFile, Row, parse_row

FORMAT, VERSION = "movierating", 1
_IDENTIFYING_KEYS = {"imdb_id", "tmdb_id", "title"}
_CELLS = ("imdb_id", "tmdb_id", "title", "original_title", "year", "rated_at")


def matches(file: JsonFile) -> bool:
    """Return True if the file is an object that names our format, or none, and one of its first items has our keys."""
    if file.facts is None:
        return False
    if "format" in file.facts:
        return bool(file.facts["format"] == FORMAT)
    return any(map(is_rating, file.sample))


def is_rating(item: object) -> bool:
    """Return True if an item has a value and names a movie."""
    return isinstance(item, dict) and "value" in item and not _IDENTIFYING_KEYS.isdisjoint(item)


def read(files: Iterable[JsonFile]) -> Iterator[Row]:
    """Yield the rows. Raise RejectedFile for another version."""
    for file in files:
        _check_version(file)
        is_export = "version" in (file.facts or {})
        yield from file.read_rows(partial(_parse, is_export))
        # The version may stand behind the ratings.
        _check_version(file)


def _check_version(file: JsonFile) -> None:
    facts = file.facts or {}
    if facts.get("format", FORMAT) != FORMAT or facts.get("version", VERSION) != VERSION:
        raise RejectedFile(f"The JSON has another format or version than movierating's, version {VERSION}.")


def _parse(is_export: bool, file: str, index: int, item: Any) -> Row:
    if not isinstance(item, dict):
        raise ValueError("it is not an object")
    cells = {name: item.get(name) for name in _CELLS}
    return parse_row(file, index, HALVES_TO_TEN, item.get("value"), **cells, allow_future=is_export)


def write(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield the file in blocks of some 64 KB."""
    return join_into_blocks(_lines(rows))


def _lines(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    yield b'{"format": "%s", "version": %d, "ratings": [' % (FORMAT.encode(), VERSION)
    separator = b"\n"
    for row in rows:
        yield separator + orjson.dumps(_to_item(row))
        separator = b",\n"
    yield b"\n]}\n"


def _to_item(row: ExportRow) -> dict[str, Any]:
    item = row._asdict()
    del item["directors"]
    return {**item, "value": row.value / 2, "rated_at": clock.format_rfc3339(row.rated_at)}
