"""A user's export from movielens.org: `movie_id,imdb_id,tmdb_id,rating,average_rating,title`, in stars, without dates.

`movie_id` is MovieLens's own, `average_rating` that of all users, and the title has the year in brackets and its
article last. The data sets for research are in `movielens`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.field_parsers import STARS, parse_title
from movierating.ratings.formats.rows import Row, parse_row
from movierating.ratings.formats.title_parts import parse_movielens_title

_COLUMNS = {name: name for name in ("imdb_id", "tmdb_id", "rating", "title")}


def matches(file: CsvFile) -> bool:
    """Return True if the file has the columns of a user's export from MovieLens."""
    return {"movie_id", "rating", "average_rating"} <= set(file.columns)


def read(files: Iterable[CsvFile]) -> Iterator[Row]:
    """Yield the rows, none with a time."""
    for file in files:
        yield from file.read_rows(_COLUMNS, _parse)


def _parse(file: str, line: int, cells: dict[str, Any]) -> Row:
    title, alternative, year = parse_movielens_title(parse_title(cells["title"]) or "")
    cells |= {"title": title, "original_title": alternative, "year": year}
    return parse_row(file, line, STARS, **cells)
