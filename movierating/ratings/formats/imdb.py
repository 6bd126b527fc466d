"""IMDb's ratings export in all its generations, and its lists, which are CSV files with the same columns and more.

- The oldest, up to 2017: `position,const,created,modified,description,Title,Title type,…,You rated,…`.
- `Const,Your Rating,Date Rated,Title,URL,Title Type,…,Year,…`; later with `Original Title` behind `Title`.
- A list: `Position,Const,Created,Modified,Description,Title,…,Your Rating,Date Rated`; what isn't rated is skipped.

`IMDb Rating` is everybody's. `Title Type` is in the language of the account, the names of columns never are.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial

from movierating import clock
from movierating.movies.titles import fold
from movierating.ratings.formats import field_parsers
from movierating.ratings.formats.csv_reader import CsvFile, csv_lines, in_blocks
from movierating.ratings.formats.rows import ExportRow, RatedRow, Row, SkippedRow, check_row

# In the words for series, episodes, games, podcasts and music videos of IMDb's languages, folded.
_OTHER_KINDS = (
    *("serie", "episod", "folge", "game", "videospiel", "gioco", "juego", "jeu", "podcast", "music", "musik"),
    *(fold(word) for word in ("सीरीज़", "शृंखला", "एपिसोड", "गेम", "पॉडकास्ट")),
)

_COLUMNS = ("const", "title", "original title", "title type", "year")
_HEADER = (
    *("Const", "Your Rating", "Date Rated", "Title", "Original Title", "URL", "Title Type", "IMDb Rating"),
    *("Runtime (mins)", "Year", "Genres", "Num Votes", "Release Date", "Directors"),
)


def sniff(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is IMDb's."""
    return "const" in columns and ("your rating" in columns or "you rated" in columns)


def parse(sheets: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the ratings; a series or game is a row with a `kind`."""
    for sheet in sheets:
        rating = "your rating" if "your rating" in sheet.columns else "you rated"
        dated = "date rated" if "date rated" in sheet.columns else "created"
        yield from sheet.rows((*_COLUMNS, rating, dated), partial(_row, sheet.source.name))


def _row(file: str, line: int, row: Sequence[str]) -> Row:
    const, title, original_title, title_type, year, rating, dated = row
    name = field_parsers.parse_title(field_parsers.unescape_formula(title))
    made_in = field_parsers.parse_year(year)
    if not rating.strip():
        return SkippedRow(line, name, made_in, "it has no rating", file)
    return check_row(
        RatedRow(
            line,
            field_parsers.parse_imdb_id(const),
            None,
            name,
            field_parsers.parse_title(field_parsers.unescape_formula(original_title)),
            made_in,
            field_parsers.parse_rating(field_parsers.WHOLE_TEN, rating),
            field_parsers.parse_time(dated),
            _other_kind(title_type),
            file,
        )
    )


@lru_cache(256)
def _other_kind(title_type: str) -> str | None:
    folded = fold(title_type[:100])
    return title_type.strip()[:100] if any(word in folded for word in _OTHER_KINDS) else None


def write(rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield the newest generation's format, which other services import; unknown values stay empty.

    IMDb rates in whole numbers, so halves are rounded up, and dates have no time of day.
    """
    return in_blocks(csv_lines(_cells(rows)))


def _cells(rows: Iterable[ExportRow]) -> Iterator[Sequence[object]]:
    yield _HEADER
    for row in rows:
        url = f"https://www.imdb.com/title/{row.imdb_id}/" if row.imdb_id else ""
        title, original_title = (
            field_parsers.escape_formula(row.title),
            field_parsers.escape_formula(row.original_title or row.title),
        )
        directors = field_parsers.escape_formula(", ".join(row.directors))
        rated = clock.format_rfc3339(row.rated_at)[:10]
        yield (
            *(row.imdb_id, (row.value + 1) // 2, rated, title, original_title, url, "Movie", ""),
            *("", row.year, "", "", "", directors),
        )
