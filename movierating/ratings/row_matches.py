"""The result of matching the rows of a file to movies, and the options for it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from movierating.movies.merged_movies import find_merged
from movierating.movies.movie_ids import find_current_ids
from movierating.movies.staged_movies import StagedMovies
from movierating.ratings.formats.rows import RatedRow, Row

NEW, ALWAYS = "new", "always"
CreateMissing = bool | Literal["always"]


class MatchOptions(NamedTuple):
    """How to match the rows of a file.

    With `create_missing` a movie is added for a row that matches none, unless there are candidates; with ALWAYS even
    then. `choices` has the id of a movie or NEW for single rows, by `file:line` or, outside a ZIP, by the line. While
    `is_catalogue_loading`, no movie is added.
    """

    create_missing: CreateMissing = False
    choices: Mapping[str, int | str] = {}
    is_catalogue_loading: bool = False

    def get_choice(self, row: RatedRow) -> int | str | None:
        """Return what was chosen for a row, or None."""
        if not self.choices:
            return None
        return self.choices.get(format_place(row))

    def find_chosen_movies(self, connection: Connection) -> dict[int, int]:
        """Return the ids of the chosen movies that exist, by the chosen id, which may be that of a merged movie."""
        ids = [choice for choice in self.choices.values() if isinstance(choice, int)]
        return find_current_ids(connection, ids) if ids else {}


def format_place(row: Row) -> str:
    """Return the `file:line` of a row, or outside a ZIP the line, as the keys of `choices` have it."""
    return f"{row.file}:{row.line}" if row.file else str(row.line)


class UnmatchedRow(NamedTuple):
    """A row whose movie is unknown, the reason for the user, and the ids of movies that it may be."""

    row: RatedRow
    reason: str
    candidates: Sequence[int] = ()


@dataclass(slots=True)
class RowMatches:
    """The newest row of each movie, by the movie's id, and what became of the other rows.

    `older` holds the other rows of these movies, with the movie's id; `not_movies` rows of series and the like. `notes`
    are for the user. `identified` holds the rows that an id or a choice matched to a movie of the database, with the
    movie's id. `staged` are the movies to add; until they are inserted, their ids are provisional.
    """

    newest: dict[int, RatedRow] = field(default_factory=dict)
    older: list[tuple[int, RatedRow]] = field(default_factory=list)
    not_movies: list[RatedRow] = field(default_factory=list)
    unmatched: list[UnmatchedRow] = field(default_factory=list)
    notes: list[tuple[RatedRow, str]] = field(default_factory=list)
    identified: list[tuple[int, RatedRow]] = field(default_factory=list)
    staged: StagedMovies = field(default_factory=StagedMovies)

    def add(self, movie_id: int, row: RatedRow) -> None:
        """Add a row; of several rows of a movie the newest counts, and of two with the same time the later one."""
        other = self.newest.setdefault(movie_id, row)
        if other is row:
            return
        if _sort_time(row) >= _sort_time(other):
            self.newest[movie_id], row = row, other
        self.older.append((movie_id, row))

    def has_other_film(self, movie_id: int, row: RatedRow) -> bool:
        """Return True if the movie has a row that is of another film than this one, by the file's ids of films."""
        other = self.newest.get(movie_id)
        return other is not None and None not in (other.film_id, row.film_id) and other.film_id != row.film_id

    def add_identified(self, movie_id: int, row: RatedRow) -> None:
        """Add a row that an id or a choice matched to a movie of the database."""
        self.add(movie_id, row)
        self.identified.append((movie_id, row))

    def list_identified_titles(self) -> list[tuple[int, str]]:
        """Return the titles of the rows in `identified`, by the movie's id."""
        return [
            (movie_id, title)
            for movie_id, row in self.identified
            for title in (row.title, row.original_title)
            if title
        ]

    def mark_unmatched(self, row: RatedRow, reason: str, candidates: Sequence[int] = ()) -> None:
        """Report that the row's movie is unknown, with a reason for the user and the ids of movies it may be."""
        self.unmatched.append(UnmatchedRow(row, reason, candidates))

    def follow_merges(self, connection: Connection) -> None:
        """Replace each movie that is being merged by the one that stays."""
        merged = find_merged(connection, self.newest)
        if not merged:
            return
        self.older = [(merged.get(movie_id, movie_id), row) for movie_id, row in self.older]
        self.identified = [(merged.get(movie_id, movie_id), row) for movie_id, row in self.identified]
        for former_id, movie_id in merged.items():
            self.add(movie_id, self.newest.pop(former_id))

    def insert_staged(self, connection: Connection) -> "RowMatches":
        """Insert the staged movies inside the caller's transaction; return the matches with their final ids.

        Raise CatalogueChanged.
        """
        id_offset = self.staged.insert(connection)
        return self._renumber(id_offset) if self.staged.first_id else self

    def _renumber(self, id_offset: int) -> "RowMatches":
        """Return the matches with final ids, without `identified` and `staged`, which are no longer needed."""
        first = self.staged.first_id

        def renumber(movie_id: int) -> int:
            return movie_id + id_offset if movie_id >= first else movie_id

        return RowMatches(
            {renumber(movie_id): row for movie_id, row in self.newest.items()},
            [(renumber(movie_id), row) for movie_id, row in self.older],
            self.not_movies,
            [entry._replace(candidates=list(map(renumber, entry.candidates))) for entry in self.unmatched],
            self.notes,
        )


def _sort_time(row: RatedRow) -> float:
    # A row without a time is older than any other, even one from before 1970.
    return -math.inf if row.rated_at is None else row.rated_at
