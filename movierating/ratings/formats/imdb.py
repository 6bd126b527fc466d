"""IMDb's ratings export in all its generations, and its lists, which are CSV files with the same columns and more.

- The oldest, up to 2017: `position,const,created,modified,description,Title,Title type,…,You rated,…`.
- `Const,Your Rating,Date Rated,Title,URL,Title Type,…,Year,…`; later with `Original Title` behind `Title`.
- A list: `Position,Const,Created,Modified,Description,Title,…,Your Rating,Date Rated`; unrated rows are skipped.

`IMDb Rating` is of all users. `Title Type` is in the language of the account, the names of columns never are.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from movierating import clock
from movierating.movies.titles import fold
from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.csv_writer import format_csv_lines, join_into_blocks
from movierating.ratings.formats.field_parsers import WHOLE_TEN
from movierating.ratings.formats.formulas import escape_formula, unescape_formula
from movierating.ratings.formats.rows import ExportRow, Row, parse_row

# Parts of the words for series, episodes, games, podcasts and music videos in IMDb's languages, folded.
_OTHER_KINDS = (
    *("serie", "episod", "folge", "game", "videospiel", "gioco", "juego", "jeu", "podcast", "music", "musik"),
    *(fold(word) for word in ("सीरीज़", "शृंखला", "एपिसोड", "गेम", "पॉडकास्ट")),
)

_COLUMNS = {
    **{"imdb_id": "const", "title": "title", "original_title": "original title", "kind": "title type"},
    "year": "year",
}
# It was called `Date Added` from November 2017 to December 2018.
_RATED_AT = ("date rated", "date added", "created")
_ENGLISH_KINDS = {
    *("movie", "feature film", "tv movie", "tvmovie", "short", "short film", "video", "documentary"),
    *("tv series", "tvseries", "tv mini series", "tvminiseries", "tv episode", "tvepisode"),
    *("tv special", "tvspecial", "tv short", "tvshort", "video game", "videogame", "music video"),
    *("podcast series", "podcast episode"),
}
_HEADER = (
    *("Const", "Your Rating", "Date Rated", "Title", "Original Title", "URL", "Title Type", "IMDb Rating"),
    *("Runtime (mins)", "Year", "Genres", "Num Votes", "Release Date", "Directors"),
)


def matches(file: CsvFile) -> bool:
    """Return True if the file has IMDb's columns and one of ratings."""
    return "const" in file.columns and ("your rating" in file.columns or "you rated" in file.columns)


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows; a series or game has a `kind`."""
    for file in files:
        rating = "your rating" if "your rating" in file.columns else "you rated"
        rated_at = next((name for name in _RATED_AT if name in file.columns), "date rated")
        # A spreadsheet writes dates in the language of its user, which is probably that of the account.
        is_english = next(file.read_column("title type"), "").strip().lower() in _ENGLISH_KINDS
        columns = {**_COLUMNS, "rating": rating, "rated_at": rated_at}
        yield from file.read_rows(columns, _parse, dates=["rated_at"], is_month_first=is_english)


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    for name in ("title", "original_title"):
        cells[name] = unescape_formula(cells[name])
    cells["kind"] = _parse_kind(cells["kind"])
    return parse_row(file, line, WHOLE_TEN, **cells)


@lru_cache(256)
def _parse_kind(title_type: str) -> str | None:
    folded = fold(title_type[:100])
    return title_type.strip()[:100] if any(word in folded for word in _OTHER_KINDS) else None


def write(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield the newest generation's format, which other services import; unknown values stay empty.

    IMDb rates in whole numbers, so halves are rounded up, and dates have no time of day.
    """
    return join_into_blocks(format_csv_lines(_list_cells(rows)))


def _list_cells(rows: Iterable[ExportRow]) -> Iterator[Sequence[object]]:
    yield _HEADER
    for row in rows:
        url = f"https://www.imdb.com/title/{row.imdb_id}/" if row.imdb_id else ""
        titles = row.title, row.original_title or row.title, ", ".join(row.directors)
        title, original_title, directors = map(escape_formula, titles)
        rated = clock.format_rfc3339(row.rated_at)[:10]
        yield (
            *(row.imdb_id, (row.value + 1) // 2, rated, title, original_title, url, "Movie", ""),
            *("", row.year, "", "", "", directors),
        )
