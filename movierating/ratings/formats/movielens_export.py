"""What movielens.org gives a user: `movie_id,imdb_id,tmdb_id,rating,average_rating,title`, in stars, without dates.

`movie_id` is MovieLens's own, `average_rating` everybody's, and the title has the year in brackets and its article
last. The data sets for research are in `movielens`.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from movierating.movies.titles import parse_movielens_title
from movierating.ratings.formats import field_parsers
from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.rows import RatedRow, Row, SkippedRow, check_row


def sniff(columns: Sequence[str]) -> bool:
    """Return whether a CSV file with these columns is a user's export from MovieLens."""
    return {"movie_id", "rating", "average_rating"} <= set(columns)


def parse(sheets: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the ratings, none with a time."""
    for sheet in sheets:
        yield from sheet.rows(("imdb_id", "tmdb_id", "rating", "title"), partial(_row, sheet.source.name))


def _row(file: str, line: int, row: Sequence[str]) -> Row:
    imdb_id, tmdb_id, rating, name = row
    title, alternative, year = parse_movielens_title(field_parsers.parse_title(name) or "")
    if not rating.strip():
        return SkippedRow(line, title or None, year, "it has no rating", file)
    ids = field_parsers.parse_imdb_id(imdb_id), field_parsers.parse_tmdb_id(tmdb_id)
    value = field_parsers.parse_rating(field_parsers.STARS, rating)
    return check_row(RatedRow(line, *ids, title or None, alternative, year, value, None, file=file))
