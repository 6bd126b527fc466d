"""Simkl's CSV: `SIMKL_ID,Title,Type,Year,Watchlist,LastEpWatched,WatchedDate,Rating,Memo,TVDB,TMDB,IMDB`, and the one
that it imports: `simkl_id,TVDB_ID,TMDB,IMDB_ID,MAL_ID,Type,Title,Year,LastEpWatched,Watchlist,WatchedDate,Rating,Memo`.

Its JSON: `{"movies": [{"user_rating", "user_rated_at", "movie": {"title", "year", "ids": {"simkl", "imdb", "tmdb"}}}],
"shows": […], "anime": […]}`, where these have `show` instead of `movie`, and anime an `anime_type`.

Ratings are whole, 1 to 10. Dates in CSV have the month first (https://simkl.com/apps/import/csv/).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from movierating import clock
from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.csv_writer import format_csv_lines, join_into_blocks
from movierating.ratings.formats.field_parsers import WHOLE_TEN, normalize_text, parse_kind
from movierating.ratings.formats.formulas import escape_formula, unescape_formula
from movierating.ratings.formats.json_reader import JsonFile, find_object, get_object
from movierating.ratings.formats.rows import ExportRow, Row, parse_row

_COLUMNS = {
    **{"film_id": "simkl_id", "title": "title", "kind": "type", "year": "year"},
    **{"rated_at": "watcheddate", "rating": "rating", "tmdb_id": "tmdb"},
}
_KINDS = ("movie", "show")
_HEADER = (
    *("simkl_id", "TVDB_ID", "TMDB", "IMDB_ID", "MAL_ID", "Type", "Title", "Year", "LastEpWatched"),
    *("Watchlist", "WatchedDate", "Rating", "Memo"),
)


def matches_csv(file: CsvFile) -> bool:
    """Return True if a CSV file has Simkl's columns; `simkl_id` may be missing, because its import does not need it."""
    columns = set(file.columns)
    return {"title", "type", "rating"} <= columns and not columns.isdisjoint({"simkl_id", "lastepwatched"})


def matches_json(file: JsonFile) -> bool:
    """Return True if the first items of a JSON file are Simkl's."""
    return any(
        isinstance(item, dict) and "user_rating" in item and find_object(item, _KINDS) for item in file.sample
    )


def read(files: Iterable[CsvFile | JsonFile]) -> Iterator[Row]:
    """Yield the rows of CSV and JSON files; a series or anime has a `kind`."""
    for file in files:
        if isinstance(file, JsonFile):
            yield from file.read_rows(_parse_item)
        else:
            columns = {**_COLUMNS, "imdb_id": "imdb" if "imdb" in file.columns else "imdb_id"}
            yield from file.read_rows(columns, _parse_cells, dates=["rated_at"], is_month_first=True)


def _parse_item(file: str, index: int, item: Any) -> Row:
    kind = find_object(item, _KINDS)
    if kind is None:
        raise ValueError("it is not an object with a movie")
    movie = item[kind]
    ids = get_object(movie, "ids")
    cells = {"film_id": ids.get("simkl"), "imdb_id": ids.get("imdb"), "tmdb_id": ids.get("tmdb")}
    cells |= {"title": movie.get("title"), "year": movie.get("year"), "kind": item.get("anime_type") or kind}
    return _parse(
        file, index, {**cells, "rating": item.get("user_rating"), "rated_at": item.get("user_rated_at")}
    )


def _parse_cells(file: str, line: int, cells: dict[str, Any]) -> Row:
    return _parse(file, line, {**cells, "title": unescape_formula(cells["title"])})


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    cells["kind"] = parse_kind(normalize_text(cells["kind"]))
    return parse_row(file, line, WHOLE_TEN, **cells)


def write(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield the CSV that Simkl imports: each movie is completed, and watched on the day of its rating.

    Simkl rates in whole numbers, so halves are rounded up, and dates have no time of day.
    """
    return join_into_blocks(format_csv_lines(_list_cells(rows)))


def _list_cells(rows: Iterable[ExportRow]) -> Iterator[Sequence[object]]:
    yield _HEADER
    for row in rows:
        year, month, day = clock.format_rfc3339(row.rated_at)[:10].split("-")
        watched = f"{int(month)}/{int(day)}/{year}"
        yield (
            *("", "", row.tmdb_id, row.imdb_id, "", "movie", escape_formula(row.title), row.year, ""),
            *("completed", watched, (row.value + 1) // 2, ""),
        )
