"""Match the rows of an uploaded file to movies, by an id or by title and year.

A film and its remake, or a short and the film made from it, are often a year apart. So a row that matches no movie is
reported with those that it may mean, and a movie is added for it only if there are none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection

from movierating.movies.matching import AmbiguousMovie, Catalogue, find_ids_by_imdb_id
from movierating.movies.movie_index import MovieQuery
from movierating.movies.schemas import CreateMovieSchema
from movierating.movies.staged_movies import StagedMovies
from movierating.ratings.formats.rows import RatedRow

# Other writers wait while an import adds movies.
MAX_MOVIES_ADDED = 5_000


class UnmatchedRow(NamedTuple):
    """A row whose movie is unknown, the reason for the user, and the ids of movies that it may be."""

    row: RatedRow
    reason: str
    candidates: Sequence[int] = ()


@dataclass(slots=True)
class RowMatches:
    """The newest row of each movie, by the movie's id, and what became of the other rows.

    `older` holds the other rows of these movies, with the movie's id; `not_movies` rows of series and the like. `notes`
    are for the user. `staged` are the movies to add; until they are inserted, their ids are provisional.
    """

    newest: dict[int, RatedRow] = field(default_factory=dict)
    older: list[tuple[int, RatedRow]] = field(default_factory=list)
    not_movies: list[RatedRow] = field(default_factory=list)
    unmatched: list[UnmatchedRow] = field(default_factory=list)
    notes: list[tuple[RatedRow, str]] = field(default_factory=list)
    staged: StagedMovies = field(default_factory=lambda: StagedMovies((), set()))
    _ids: dict[int, tuple[str | int | None, ...]] = field(default_factory=dict)

    def add(self, movie_id: int, row: RatedRow) -> None:
        """Add a row; of several rows of a movie the newest counts, and of two with the same time the later one."""
        other = self.newest.setdefault(movie_id, row)
        if other is row:
            return
        if _sort_time(row) >= _sort_time(other):
            self.newest[movie_id], row = row, other
        self.older.append((movie_id, row))

    def add_by_title(self, movie_id: int, row: RatedRow) -> None:
        """Add a row matched by title, unless another row with other ids already means this movie."""
        ids: tuple[str | int | None, ...] = self._ids.get(movie_id, (None, None, None))
        row_ids = (row.imdb_id, row.tmdb_id, row.film_id)
        if any(map(_differ, ids, row_ids)):
            self.mark_unmatched(row, "another row of the file, with another id, means this movie", [movie_id])
        else:
            self._ids[movie_id] = tuple(known or new for known, new in zip(ids, row_ids, strict=True))
            self.add(movie_id, row)

    def mark_unmatched(self, row: RatedRow, reason: str, candidates: Sequence[int] = ()) -> None:
        """Report that the row's movie is unknown, with a reason for the user and the ids of movies it may be."""
        self.unmatched.append(UnmatchedRow(row, reason, candidates))

    def insert_staged(self, connection: Connection) -> "RowMatches":
        """Insert the staged movies inside the caller's transaction; return the matches with their final ids.

        Raise CatalogueChanged.
        """
        moved = self.staged.insert(connection)
        return self._renumber(moved)

    def _renumber(self, moved: int) -> "RowMatches":
        first = self.staged.first_id

        def renumber(movie_id: int) -> int:
            return movie_id + moved if movie_id >= first else movie_id

        return RowMatches(
            {renumber(movie_id): row for movie_id, row in self.newest.items()},
            [(renumber(movie_id), row) for movie_id, row in self.older],
            self.not_movies,
            [entry._replace(candidates=list(map(renumber, entry.candidates))) for entry in self.unmatched],
            self.notes,
        )


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def _sort_time(row: RatedRow) -> float:
    # A row without a time is older than any other, even one from before 1970.
    return -math.inf if row.rated_at is None else row.rated_at


def match_rows(connection: Connection, rows: Sequence[RatedRow], *, create_missing: bool) -> RowMatches:
    """Match each row to a movie; if `create_missing`, stage the movies of rows that match none.

    Writes nothing; any connection will do.
    """
    matches = RowMatches()
    ids_by_imdb_id = find_ids_by_imdb_id(connection, {row.imdb_id for row in rows if row.imdb_id})
    others = []
    for row in rows:
        if (movie_id := ids_by_imdb_id.get(row.imdb_id or "")) is not None:
            matches.add(movie_id, row)
        else:
            others.append((row, _make_query(row)))
    catalogue = Catalogue(connection, [query for _, query in others], dry_run=True)
    missing = [(row, query) for row, query in others if not _match(catalogue, row, query, matches)]
    catalogue.load_candidates([query for _, query in missing])
    for row, query in missing:
        # An earlier row may have added the movie.
        if not (catalogue.changes and _match(catalogue, row, query, matches)):
            _match_missing(catalogue, row, query, matches, create_missing)
    matches.staged = catalogue.stage()
    return matches


def _match(catalogue: Catalogue, row: RatedRow, query: MovieQuery, matches: RowMatches) -> bool:
    """Add the row to `matches` if it names one movie or several; return False if it names none."""
    try:
        movie_id = catalogue.find(query)
    except AmbiguousMovie as error:
        matches.mark_unmatched(row, str(error), error.movie_ids)
        return True
    if movie_id is not None:
        matches.add_by_title(movie_id, row)
    return movie_id is not None


def _match_missing(
    catalogue: Catalogue, row: RatedRow, query: MovieQuery, matches: RowMatches, create_missing: bool
) -> None:
    if row.kind is not None:
        matches.not_movies.append(row)
    elif candidates := catalogue.list_candidates(query):
        matches.mark_unmatched(row, "there is no such movie, but there are similar ones", candidates)
    elif reason := _explain_rejection(row, catalogue, create_missing):
        matches.mark_unmatched(row, reason)
    else:
        matches.add_by_title(catalogue.add(_list_facts(row)), row)
        matches.notes.append((row, "the movie was not in the catalogue and is added"))


def _explain_rejection(row: RatedRow, catalogue: Catalogue, create_missing: bool) -> str | None:
    """Return why no movie is added for the row, or None if one may be."""
    if not create_missing:
        has_key = row.year is not None or row.imdb_id is not None or row.tmdb_id is not None
        return (
            "there is no such movie"
            if has_key
            else "a title without a year or an id does not identify a movie"
        )
    if catalogue.changes >= MAX_MOVIES_ADDED:
        return f"a file adds {MAX_MOVIES_ADDED:,} movies at most; import it again for the others"
    errors = _schema.validate(_list_facts(row))
    reasons = "; ".join(f"{name}: {' '.join(map(str, messages))}" for name, messages in errors.items())
    return f"there is no such movie, and it can't be added: {reasons}" if reasons else None


def _make_query(row: RatedRow) -> MovieQuery:
    titles = (row.title, row.original_title) if row.kind is None else ()
    return MovieQuery(row.imdb_id, row.tmdb_id, titles, row.year)


_schema = CreateMovieSchema()
FACTS = ("title", "original_title", "year", "imdb_id", "tmdb_id")


def _list_facts(row: RatedRow) -> dict[str, Any]:
    return {name: value for name in FACTS if (value := getattr(row, name)) is not None}
