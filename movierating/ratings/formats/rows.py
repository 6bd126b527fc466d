"""The rows that are read from and written to files, independent of their format."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, Self, TypeVar

from movierating.ratings.formats.dates import parse_time
from movierating.ratings.formats.field_parsers import (
    Scale,
    has_rating,
    normalize_text,
    parse_imdb_id,
    parse_rating,
    parse_title,
    parse_tmdb_id,
    parse_year,
)

_MAX_FILM_ID_LENGTH = 200

T = TypeVar("T")

SkipOutcome = Literal["older", "not_a_movie", "no_rating"]


class RejectedFile(Exception):
    """The file is rejected as a whole; the message is a sentence or two for the user."""


class InvalidColumn(RejectedFile):
    """The user's mapping of columns does not fit the file."""


class UnknownColumns(RejectedFile):
    """A CSV file whose columns or scale the user must name.

    `columns` are the names of the columns. `read_cells(max_rows)` returns the cells of the first rows.
    """

    def __init__(
        self, message: str, columns: Sequence[str], read_cells: Callable[[int], list[list[str]]]
    ) -> None:
        super().__init__(message)
        self.columns = columns
        self.read_cells = read_cells


class RatedRow(NamedTuple):
    """A rating in an uploaded file.

    `line` is where the row starts: in a CSV file its line (the header's is 1), in JSON its place among the items, from
    0. `file` is the file's name inside an uploaded ZIP, and empty without one. `value` counts half points, 1 to 20;
    `rated_at` microseconds since 1970, None where the file has no time.

    `kind` is None for a movie, or if the file does not state the kind. Otherwise it is the file's word for what was
    rated (`tvSeries`). Such a row is matched by its IMDb id alone, because catalogues disagree about what a movie is.
    If no movie has the id, the row is skipped. It never adds a movie.

    `film_id` is another service's id of the film, if the file has one for each film: rows of one title and year with
    different ids are different films. `note` tells the user how the row was read, if it could be read in another way.
    """

    line: int
    imdb_id: str | None
    tmdb_id: int | None
    title: str | None
    original_title: str | None
    year: int | None
    value: int
    rated_at: int | None
    kind: str | None = None
    file: str = ""
    film_id: str | None = None
    note: str | None = None

    def prepend_note(self, note: str) -> Self:
        """Return the row with a note before the one that it has."""
        return self._replace(note=f"{note}; {self.note}" if self.note else note)


class SkippedRow(NamedTuple):
    """A valid row that is not imported; `line` and `file` as in RatedRow. `reason` may add to the outcome."""

    line: int
    title: str | None
    year: int | None
    outcome: SkipOutcome
    file: str = ""
    reason: str | None = None


class RejectedRow(NamedTuple):
    """A row that can't be read or used: `file` and `line` as in RatedRow, and the reason for the user."""

    file: str
    line: int
    reason: str


class ExportRow(NamedTuple):
    """A rating to export: `value` in half points, `rated_at` in microseconds since 1970."""

    imdb_id: str | None
    tmdb_id: int | None
    title: str
    original_title: str | None
    year: int | None
    directors: Sequence[str]
    value: int
    rated_at: int


Row = RatedRow | SkippedRow | RejectedRow


def parse_row(
    file: str,
    line: int,
    scale: Scale,
    rating: object,
    *,
    rated_at: object = None,
    kind: str | None = None,
    film_id: object = None,
    allow_future: bool = False,
    **movie_cells: object,
) -> RatedRow | SkippedRow:
    """Return the row of these cells or JSON values; a SkippedRow if it has no rating or is not a movie.

    `rating` is on `scale`; `kind` and `film_id` are as in RatedRow, `movie_cells` as in `_parse_movie`. A time that
    can't be read, or lies in the future unless `allow_future`, is left out. Raise ValueError with a reason.
    """
    if kind is not None:
        # TMDB counts series apart: number 1396 is a movie as well.
        movie_cells["tmdb_id"] = None
    if not has_rating(scale, rating):
        return _skip(file, line, movie_cells, "no_rating")
    try:
        movie, half_points = _parse_movie(**movie_cells), parse_rating(scale, rating)
        if not movie.has_id() and (movie.title is None or kind is not None):
            raise ValueError("it has neither an id nor a title of a movie")
    except ValueError:
        if kind is None:
            raise
        return _skip(file, line, movie_cells, "not_a_movie", kind)
    at, note = _parse_time(rated_at, allow_future=allow_future)
    film = normalize_text(film_id)[:_MAX_FILM_ID_LENGTH] or None
    return RatedRow(line, *movie, half_points, at, kind, file, film, note)


def mark_episode(cells: dict[str, Any]) -> None:
    """Remove `season` and `episode`; if one is filled in, set the kind, and drop the IMDb id, which is the series's."""
    if cells.pop("season").strip() + cells.pop("episode").strip():
        cells |= {"kind": "an episode or season", "imdb_id": None}


def _skip(
    file: str, line: int, movie_cells: dict[str, Any], outcome: SkipOutcome, kind: str | None = None
) -> SkippedRow:
    """Return the row of a movie that is not imported, and so need not be valid; its valid title is kept."""
    try:
        movie = _parse_movie(**movie_cells)
    except ValueError:
        movie = _Movie()
    reason = None if kind is None else describe_kind(kind)
    return SkippedRow(line, movie.title, movie.year, outcome, file, reason)


def describe_kind(kind: str) -> str:
    """Return why a row with this `kind`, as in RatedRow, is not imported."""
    return f"it is not a movie ({kind})"


class _Movie(NamedTuple):
    """The fields of a RatedRow that name the movie, in their order."""

    imdb_id: str | None = None
    tmdb_id: int | None = None
    title: str | None = None
    original_title: str | None = None
    year: int | None = None

    def has_id(self) -> bool:
        """Return True if an id names the movie."""
        return self.imdb_id is not None or self.tmdb_id is not None


def _parse_movie(
    *,
    title: object,
    year: object,
    original_title: object = None,
    imdb_id: object = None,
    tmdb_id: object = None,
) -> _Movie:
    """Return the movie of these cells. Raise ValueError."""
    ids = parse_imdb_id(imdb_id), parse_tmdb_id(tmdb_id)
    titles = parse_title(title), parse_title(original_title)
    return _Movie(*ids, *titles, _parse_year(year, has_id=ids != (None, None)))


def parse_items(file: str, items: Iterable[T], parse: Callable[[str, int, T], Row]) -> Iterator[Row]:
    """Yield `parse(file, index, item)` of each item, or a RejectedRow if it raises ValueError. `file`: see RatedRow."""
    for index, item in enumerate(items):
        try:
            row = parse(file, index, item)
        except ValueError as error:
            row = RejectedRow(file, index, str(error))
        yield row


def add_note(rows: Iterable[Row], note: str) -> Iterator[Row]:
    """Yield the rows; add a note to the first that has a rating."""
    is_added = False
    for row in rows:
        if not is_added and isinstance(row, RatedRow):
            is_added = True
            row = row.prepend_note(note)
        yield row


def _parse_year(year: object, *, has_id: bool) -> int | None:
    try:
        return parse_year(year)
    except ValueError:
        if has_id:
            return None
        raise


def _parse_time(rated_at: object, *, allow_future: bool) -> tuple[int | None, str | None]:
    """Return the time, and a note if it can't be read."""
    try:
        return parse_time(rated_at, allow_future=allow_future), None
    except ValueError as error:
        return None, f"{error}; the rating is imported without it"
