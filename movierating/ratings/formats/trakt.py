"""Trakt's ratings: the JSON files of its export (a ZIP), the answer of its API, and the CSV that subscribers get.

JSON: `[{"rated_at", "rating", "type", "movie": {"title", "year", "ids": {"trakt", "slug", "imdb", "tmdb"}}}]`, where
the API leaves out `type`; any id may be null. CSV: `rated_at,type,title,year,trakt_rating,trakt_id,imdb_id,tmdb_id,…,
rating`, where `trakt_rating` is everybody's. Ratings are whole, 1 to 10.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from movierating.ratings.formats import field_parsers
from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.json_reader import JsonFile
from movierating.ratings.formats.rows import RatedRow, Row, SkippedRow, check_row

# An episode's item names its show as well, so the order is from the most particular.
_KINDS = ("movie", "episode", "season", "show")
_COLUMNS = ("imdb_id", "tmdb_id", "title", "year", "rating", "rated_at", "type")


def sniff(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is Trakt's."""
    return {"rated_at", "rating", "type", "trakt_id"} <= set(columns)


def parse(sheets: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the ratings of CSV files."""
    for sheet in sheets:
        yield from sheet.rows(_COLUMNS, partial(_from_cells, sheet.source.name))


def sniff_document(document: JsonFile) -> bool:
    """Return whether a JSON file is a list of Trakt's ratings."""
    return document.facts is None and any(
        isinstance(item, dict) and "rating" in item and _kind(item) for item in document.sample
    )


def parse_documents(documents: Iterable[JsonFile]) -> Iterator[Row]:
    """Yield the ratings of JSON files."""
    for document in documents:
        yield from document.rows(partial(_from_item, document.source.name))


def _from_cells(file: str, line: int, row: Sequence[str]) -> Row:
    return _row(file, line, *row)


def _from_item(file: str, index: int, item: Any) -> Row:
    kind = _kind(item) if isinstance(item, dict) else None
    if kind is None:
        raise ValueError("it is not an object with a movie")
    rated = item[kind]
    ids = rated.get("ids")
    ids = ids if isinstance(ids, dict) else {}
    fields = ids.get("imdb"), ids.get("tmdb"), rated.get("title"), rated.get("year")
    return _row(file, index, *fields, item.get("rating"), item.get("rated_at"), kind)


def _kind(item: dict[str, Any]) -> str | None:
    return next((kind for kind in _KINDS if isinstance(item.get(kind), dict)), None)


def _row(
    file: str,
    line: int,
    imdb_id: Any,
    tmdb_id: Any,
    title: Any,
    year: Any,
    rating: Any,
    dated: Any,
    kind: str,
) -> Row:
    name, made_in = field_parsers.parse_title(title), field_parsers.parse_year(year)
    if rating in ("", None):
        return SkippedRow(line, name, made_in, "it has no rating", file)
    is_movie = kind.strip().lower() in ("movie", "")
    # Only movies have ids of TMDB's movies, and in the CSV an episode has those of its show.
    is_whole = is_movie or kind == "show"
    return check_row(
        RatedRow(
            line,
            field_parsers.parse_imdb_id(imdb_id) if is_whole else None,
            field_parsers.parse_tmdb_id(tmdb_id) if is_movie else None,
            name,
            None,
            made_in,
            field_parsers.parse_rating(field_parsers.WHOLE_TEN, rating),
            field_parsers.parse_time(dated),
            None if is_movie else kind.strip()[:100],
            file,
        )
    )
