"""Movary's export of ratings: `title,year,tmdbId,imdbId,userRating`, whole numbers from 1 to 10, no dates."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from movierating.ratings.formats import field_parsers
from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.rows import RatedRow, Row, SkippedRow, check_row


def sniff(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is Movary's."""
    return {"title", "userrating"} <= set(columns)


def parse(sheets: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the ratings, none with a time."""
    for sheet in sheets:
        yield from sheet.rows(
            ("title", "year", "tmdbid", "imdbid", "userrating"), partial(_row, sheet.source.name)
        )


def _row(file: str, line: int, row: Sequence[str]) -> Row:
    name, made_in, tmdb_id, imdb_id, rating = row
    title, year = field_parsers.parse_title(name), field_parsers.parse_year(made_in)
    if not rating.strip():
        return SkippedRow(line, title, year, "it has no rating", file)
    ids = field_parsers.parse_imdb_id(imdb_id), field_parsers.parse_tmdb_id(tmdb_id)
    value = field_parsers.parse_rating(field_parsers.WHOLE_TEN, rating)
    return check_row(RatedRow(line, *ids, title, None, year, value, None, file=file))
