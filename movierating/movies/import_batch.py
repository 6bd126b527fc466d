"""Write a batch of an import of movies: match its rows, complete the movies that exist, and add the others."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, update

from movierating import clock
from movierating.movies import alternative_titles
from movierating.movies.matching import AmbiguousMovie, Catalogue
from movierating.movies.models import Movie
from movierating.movies.movie_index import MovieQuery
from movierating.movies.retired_movies import RetiredMovies
from movierating.storage.dialect import in_many

_MAX_REASONS = 50

_movie = Movie.__table__.c


@dataclass(slots=True)
class ImportReport:
    """Counts of the rows of an import.

    `completed` movies got an id, `titled` ones alternative titles. `skipped` rows are of no movie, of a movie without a
    year, of one with too few votes, or of one that was deleted. `rejected` counts invalid rows; `reasons` has a line
    for each of the first.
    """

    added: int = 0
    present: int = 0
    completed: int = 0
    titled: int = 0
    skipped: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def reject(self, place: str, reason: object) -> None:
        """Count an invalid row."""
        self.rejected += 1
        if len(self.reasons) < _MAX_REASONS:
            self.reasons.append(f"{place}: {reason}")

    def include(self, part: "ImportReport") -> None:
        """Add the counts of a batch."""
        for count in fields(self)[:-1]:
            setattr(self, count.name, getattr(self, count.name) + getattr(part, count.name))
        self.reasons += part.reasons[: _MAX_REASONS - len(self.reasons)]


class ImportRow(NamedTuple):
    """A valid row: its file and line, the facts, the titles, and whether a movie that does not exist is added."""

    place: str
    facts: dict[str, Any]
    titles: Sequence[str]
    is_added: bool = True


def load_batch(rows: Sequence[ImportRow], connection: Connection) -> ImportReport:
    """Match, complete and add the movies of some rows inside a transaction; report these alone."""
    report = ImportReport()
    queries = [_make_query(row) for row in rows]
    catalogue = Catalogue(connection, queries)
    retired = RetiredMovies(connection, [row.facts for row in rows])
    added, titles, wikidata_ids = set[int](), defaultdict[int, list[str]](list), dict[int, str]()
    for row, query in zip(rows, queries, strict=True):
        changes = catalogue.changes
        try:
            movie_id = catalogue.find_and_complete(query)
        except AmbiguousMovie as error:
            report.reject(row.place, error)
            continue
        if movie_id is None and row.facts in retired:
            movie_id = retired.find_survivor(row.facts)
            if movie_id is None:
                report.skipped += 1
                continue
        if movie_id is not None:
            report.present += 1
            report.completed += catalogue.changes - changes
            wikidata_ids[movie_id] = row.facts["wikidata_id"]
        elif row.is_added:
            movie_id = catalogue.add(row.facts)
            added.add(movie_id)
        else:
            report.skipped += 1
            continue
        titles[movie_id] += row.titles
    catalogue.flush()
    report.added = len(added)
    report.titled = add_titles(connection, titles, added)
    _complete_wikidata_ids(connection, wikidata_ids)
    return report


def _make_query(row: ImportRow) -> MovieQuery:
    facts = row.facts
    # A movie with few votes is not what another row means that has its title and year only.
    titles = (facts["title"], facts["original_title"]) if row.is_added else ()
    return MovieQuery(facts["imdb_id"], facts["tmdb_id"], titles, facts["year"])


def add_titles(
    connection: Connection,
    titles: Mapping[int, Sequence[str]],
    added: frozenset[int] | set[int] = frozenset(),
) -> int:
    """Add alternative titles by the movie's id; return how many movies got some. `added` are new movies."""
    titled = alternative_titles.add_titles(connection, titles, alternative_titles.CATALOGUE)
    changed = in_many(_movie.id, sorted(titled - added))
    edit = {"edit": _movie.edit + 1, "updated_at": clock.now()}
    connection.execute(update(Movie).where(changed).values(edit))
    return len(titled)


def _complete_wikidata_ids(connection: Connection, wikidata_ids: Mapping[int, str | None]) -> None:
    rows = [{"key": movie_id, "value": value} for movie_id, value in wikidata_ids.items() if value]
    if rows:
        lacks_id = (_movie.id == bindparam("key")) & _movie.wikidata_id.is_(None)
        edit = {"wikidata_id": bindparam("value"), "edit": _movie.edit + 1, "updated_at": clock.now()}
        connection.execute(update(Movie).where(lacks_id).values(edit), rows)
