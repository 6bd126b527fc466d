"""TMDB's account export: `TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,Rating,Your Rating,
Date Rated`. `Rating` is everybody's, `Your Rating` 0.5 to 10 by halves."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from movierating.ratings.formats import field_parsers
from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.rows import RatedRow, Row, SkippedRow, check_row

_COLUMNS = (
    *("tmdb id", "imdb id", "type", "name", "release date", "season number", "episode number"),
    *("your rating", "date rated"),
)


def sniff(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is TMDB's."""
    return {"tmdb id", "your rating"} <= set(columns)


def parse(sheets: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the ratings; a series is a row with a `kind`; an episode, which carries its series's ids, is skipped."""
    for sheet in sheets:
        yield from sheet.rows(_COLUMNS, partial(_row, sheet.source.name))


def _row(file: str, line: int, row: Sequence[str]) -> Row:
    tmdb_id, imdb_id, kind, name, released, season, episode, rating, dated = row
    title = field_parsers.parse_title(name)
    year = field_parsers.parse_year(_year_of(released.strip()))
    if season.strip() or episode.strip():
        return SkippedRow(line, title, year, "it is no movie (an episode or season)", file)
    if not rating.strip():
        return SkippedRow(line, title, year, "it has no rating", file)
    other = None if kind.strip().lower() in ("movie", "") else kind.strip()[:100]
    # TMDB counts series apart: number 1396 is a movie as well.
    own_id = None if other else field_parsers.parse_tmdb_id(tmdb_id)
    value, rated_at = (
        field_parsers.parse_rating(field_parsers.HALVES_TO_TEN, rating),
        field_parsers.parse_time(dated),
    )
    return check_row(
        RatedRow(
            line,
            field_parsers.parse_imdb_id(imdb_id),
            own_id,
            title,
            None,
            year,
            value,
            rated_at,
            other,
            file,
        )
    )


def _year_of(released: str) -> str:
    # 1991-09-13, 1991-09 or 1991, and 9/13/1991 from a spreadsheet.
    return released.rpartition("/")[2] if "/" in released else released.split("-")[0]
