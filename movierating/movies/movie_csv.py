"""Read movies from a CSV with the columns of the bundled one."""

import csv
import io
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import resources
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import marshmallow as ma

from movierating.http.fields import SingleLineString, StrictInteger
from movierating.movies.imdb_files import InvalidFile, Progress
from movierating.movies.models import MAX_ALTERNATIVE_TITLES
from movierating.movies.schemas import CreateMovieSchema

MAX_PROMINENCE = 100
# Movies of this prominence and more are widely known; they are loaded before the service starts.
WELL_KNOWN_PROMINENCE = 40


class _MovieRowSchema(CreateMovieSchema):
    # A file may have more titles than are shown, also some with one match key.
    alternative_titles = ma.fields.List(
        SingleLineString(max_length=500), validate=ma.validate.Length(max=MAX_ALTERNATIVE_TITLES)
    )
    prominence = StrictInteger(validate=ma.validate.Range(0, MAX_PROMINENCE))


_schema = _MovieRowSchema()
COLUMNS = tuple(_schema.fields)
_OPTIONAL_COLUMNS = ("alternative_titles", "prominence")
_REQUIRED_COLUMNS = tuple(name for name in COLUMNS if name not in _OPTIONAL_COLUMNS)
_NUMBERS = ("year", "runtime_minutes", "tmdb_id", "prominence")
_LISTS = ("genres", "directors", "alternative_titles")


class MovieRow(NamedTuple):
    """A valid row: its line, its facts by column of the table of movies, and the alternative titles."""

    line: int
    facts: dict[str, Any]
    alternative_titles: list[str]


class InvalidRow(Exception):
    """A row is invalid; the message is one line, with the row's number."""


def get_bundled_csv() -> Path:
    """Return the path of the CSV that ships with the package, or lies beside it in a checkout."""
    return Path(str(resources.files("movierating.seed_data") / "movies.csv"))


def read_rows(
    path: Path,
    progress: Progress = lambda _bytes: None,
    choose_lines: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line and the text of each row, by column. Raise InvalidFile if the file is no CSV with the columns.

    The columns alternative_titles and prominence may be missing. `progress` is called with the number of bytes that are
    read. `choose_lines` is `shuffle` or `filter_well_known` for a file whose rows are lines.
    """
    try:
        with path.open("rb") as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as file:
            # csv.DictReader takes four times as long.
            reader = csv.reader(choose_lines(file), strict=True)
            columns = next(reader, [])
            if {*columns, *_OPTIONAL_COLUMNS} != {*COLUMNS} or len({*columns}) < len(columns):
                raise InvalidFile(
                    f"{path.name}: the first line must name the columns {', '.join(_REQUIRED_COLUMNS)}, "
                    f"and may name {' and '.join(_OPTIONAL_COLUMNS)}"
                )
            for values in filter(None, reader):
                yield reader.line_num, dict(zip_longest(columns, values))
                progress(raw.tell())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidFile(f"{path.name}: cannot be read as CSV in UTF-8") from error


def shuffle(lines: Iterable[str]) -> list[str]:
    """Return the lines in another order, the same each time; the first one stays."""
    header, *rows = lines
    random.Random(0).shuffle(rows)  # noqa: S311
    return [header, *rows]


def filter_well_known(lines: Iterable[str]) -> Iterator[str]:
    """Yield the first line and those of well-known movies; the last column must be the prominence."""
    # To parse all lines takes a tenth of a second of the first start.
    lines = iter(lines)
    yield from islice(lines, 1)
    for line in lines:
        if int(line.rpartition(",")[2].strip() or 0) >= WELL_KNOWN_PROMINENCE:
            yield line


def parse_row(line: int, row: Mapping[str, str], *, validated: bool = False) -> MovieRow:
    """Return a row. Raise InvalidRow; a row of a `validated` file is not checked again, which takes half as long."""
    try:
        facts = _parse_facts(row)
        if not validated:
            facts = _schema.load(facts)
    except ma.ValidationError as error:
        raise InvalidRow(f"line {line}: {describe_errors(error.messages_dict)}") from error
    return MovieRow(line, facts, facts.pop("alternative_titles"))


def _parse_facts(row: Mapping[str, str]) -> dict[str, Any]:
    # `read_rows` fills in None, as a name or a value, if a row has more or fewer fields than the first line.
    if None in row or None in row.values():
        raise ma.ValidationError({"row": ["must have as many fields as the first line"]})
    facts: dict[str, Any] = {name: text or None for name, text in row.items()}
    for name in _LISTS:
        facts[name] = row[name].split("|") if row.get(name) else []
    for name in _NUMBERS:
        text = row.get(name, "")
        facts[name] = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else text or None
    if facts["prominence"] is None:
        del facts["prominence"]
    return facts


def describe_errors(errors: Any) -> str:
    """Return the messages of a ValidationError in one line."""
    if isinstance(errors, dict):
        return "; ".join(f"{name}: {describe_errors(inner)}" for name, inner in errors.items())
    return " ".join(errors)
