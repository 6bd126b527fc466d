"""Load the bundled movies, or a CSV with the same columns. Existing movies are never changed."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection, insert, select

from movierating import clock
from movierating.movies.matching import AmbiguousMovie, Catalogue
from movierating.movies.models import DataMigration, Movie
from movierating.movies.movie_index import MovieQuery
from movierating.movies.schemas import CreateMovieSchema
from movierating.storage.database import read, write

_schema = CreateMovieSchema()
COLUMNS = tuple(_schema.fields)
_NUMBERS = ("year", "runtime_minutes", "tmdb_id")
_LISTS = ("genres", "directors")
_SEEDED = "seeded"


class InvalidMovieCsv(Exception):
    """The file is not a CSV with COLUMNS; the message is one line."""


@dataclass(slots=True)
class SeedReport:
    """The number of movies added and already present, and a line for each rejected row."""

    added: int = 0
    present: int = 0
    rejected: list[str] = field(default_factory=list)


def get_bundled_csv() -> Path:
    """Return the path of the CSV that ships with the package, or lies beside it in a checkout."""
    return Path(str(resources.files("movierating.seed_data") / "movies.csv"))


def seed_new_database() -> None:
    """Load the bundled movies into a database that has never had them. Only one process may call it at a time."""

    def job(connection: Connection) -> None:
        _load(connection, get_bundled_csv())
        connection.execute(insert(DataMigration).values(name=_SEEDED, reached_at=clock.now()))

    if read().scalar(select(DataMigration.name).where(DataMigration.name == _SEEDED)) is None:
        write(job)


def seed_from_csv(path: Path) -> SeedReport:
    """Add the movies of a CSV that do not exist yet. Raise InvalidMovieCsv before anything is written."""
    return write(lambda connection: _load(connection, path))


def _load(connection: Connection, path: Path) -> SeedReport:
    report, catalogue = SeedReport(), Catalogue(connection)
    known_to_wikidata = set(
        connection.scalars(select(Movie.wikidata_id).where(Movie.wikidata_id.is_not(None)))
    )
    for line, facts in _rows(path, report):
        titles = (facts["title"], facts["original_title"])
        try:
            movie_id = catalogue.find(MovieQuery(facts["imdb_id"], facts["tmdb_id"], titles, facts["year"]))
        except AmbiguousMovie as error:
            report.rejected.append(f"line {line}: {error}")
            continue
        if movie_id is not None or facts["wikidata_id"] in known_to_wikidata:
            report.present += 1
        else:
            catalogue.add(facts)
            report.added += 1
    catalogue.flush()
    return report


def _rows(path: Path, report: SeedReport) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each valid row's line and facts; report the other rows. Raise InvalidMovieCsv."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if sorted(reader.fieldnames or ()) != sorted(COLUMNS):
                raise InvalidMovieCsv(
                    f"{path.name}: the first line must name the columns {', '.join(COLUMNS)}"
                )
            for row in reader:
                try:
                    yield reader.line_num, _schema.load(_parse_facts(row))
                except ValidationError as error:
                    report.rejected.append(f"line {reader.line_num}: {_in_words(error.messages_dict)}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidMovieCsv(f"{path.name}: cannot be read as CSV in UTF-8") from error


def _parse_facts(row: dict[str, str]) -> dict[str, Any]:
    # The reader marks a row that is longer or shorter than the first line with None.
    if None in row or None in row.values():
        raise ValidationError({"row": ["must have as many fields as the first line"]})
    facts: dict[str, Any] = {name: row[name] or None for name in COLUMNS}
    for name in _LISTS:
        facts[name] = row[name].split("|") if row[name] else []
    for name in _NUMBERS:
        text = row[name]
        facts[name] = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else text or None
    return facts


def _in_words(errors: Any) -> str:
    if isinstance(errors, dict):
        return "; ".join(f"{name}: {_in_words(inner)}" for name, inner in errors.items())
    return " ".join(errors)
