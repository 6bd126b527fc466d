"""Trakt's ratings: the JSON files of its export (a ZIP), the response of its API, and the CSV that subscribers get.

- JSON: `[{"rated_at", "rating", "type", "movie": {"title", "year", "ids": {"trakt", "slug", "imdb", "tmdb"}}}]`, where
  the API leaves out `type`; any id may be null. The program traktexport writes an object with this list: `ratings`.
- CSV: `rated_at,type,title,year,trakt_rating,trakt_id,imdb_id,tmdb_id,…,rating`, where `trakt_rating` is of all users.
- What it imports: JSON or CSV with other names, `[{"imdb_id" or "tmdb_id", "type", "rating", "rated_at"}]`
  (https://app.trakt.tv/settings/data).

Ratings are whole, 1 to 10.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from movierating import clock
from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.csv_writer import join_into_blocks
from movierating.ratings.formats.field_parsers import WHOLE_TEN, parse_kind
from movierating.ratings.formats.json_reader import JsonFile, find_object, get_object
from movierating.ratings.formats.rows import ExportRow, Row, parse_row

# An episode's item names its show as well, so the order is from the most particular.
_KINDS = ("movie", "episode", "season", "show")
_COLUMNS = {name: name for name in ("imdb_id", "tmdb_id", "title", "year", "rating", "rated_at")} | {
    "kind": "type"
}


def matches_csv(file: CsvFile) -> bool:
    """Return True if a CSV file has Trakt's columns."""
    return {"rated_at", "rating", "type", "trakt_id"} <= set(file.columns)


def matches_json(file: JsonFile) -> bool:
    """Return True if a JSON file is a list of Trakt's ratings, or an object with dated ones that have ids of Trakt."""
    is_rating = _is_rating if file.facts is None else _is_exported
    return any(isinstance(item, dict) and "rating" in item and is_rating(item) for item in file.sample)


def _is_rating(item: dict[str, Any]) -> bool:
    return find_object(item, _KINDS) is not None or _is_import(item)


def _is_exported(item: dict[str, Any]) -> bool:
    kind = find_object(item, _KINDS)
    return kind is not None and "rated_at" in item and "trakt" in get_object(item[kind], "ids")


def read(files: Iterable[CsvFile | JsonFile]) -> Iterator[Row]:
    """Yield the rows of CSV and JSON files."""
    for file in files:
        yield from (
            file.read_rows(_COLUMNS, _parse, dates=["rated_at"])
            if isinstance(file, CsvFile)
            else file.read_rows(_parse_item)
        )


def _parse_item(file: str, index: int, item: Any) -> Row:
    kind = find_object(item, _KINDS)
    if kind is None and isinstance(item, dict) and _is_import(item):
        return _parse(file, index, {name: item.get(column) for name, column in _COLUMNS.items()})
    if kind is None:
        raise ValueError("it is not an object with a movie")
    movie = item[kind]
    ids = get_object(movie, "ids")
    cells = {"imdb_id": ids.get("imdb"), "tmdb_id": ids.get("tmdb"), "kind": kind}
    cells |= {name: movie.get(name) for name in ("title", "year")}
    cells |= {name: item.get(name) for name in ("rating", "rated_at")}
    return _parse(file, index, cells)


def _is_import(item: dict[str, Any]) -> bool:
    has_movie = not {"imdb_id", "tmdb_id", "title"}.isdisjoint(item)
    return has_movie and "rated_at" in item and isinstance(item.get("type"), str)


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    kind = cells["kind"] = parse_kind(cells["kind"])
    # In the CSV an episode has the ids of its show.
    if kind not in (None, "show"):
        cells["imdb_id"] = None
    return parse_row(file, line, WHOLE_TEN, **cells)


def write(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield JSON for Trakt's importer, one rating a line, in blocks of some 64 KB. Half points are rounded up.

    Trakt looks for the ids alone; the title and the year are for people and other programs.
    """
    return join_into_blocks(_list_lines(rows))


def _list_lines(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    separator = b"[\n"
    for row in rows:
        yield separator + orjson.dumps(_make_item(row))
        separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


def _make_item(row: ExportRow) -> dict[str, Any]:
    facts = {"imdb_id": row.imdb_id, "tmdb_id": row.tmdb_id, "title": row.title, "year": row.year}
    return {
        **{name: value for name, value in facts.items() if value is not None},
        "type": "movie",
        "rating": (row.value + 1) // 2,
        "rated_at": clock.format_rfc3339(row.rated_at),
    }
