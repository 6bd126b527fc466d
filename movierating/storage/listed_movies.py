"""Describe a cached page of a list of movies, and decide whether later ratings change it.

A rating changes the page if its movie is on it or moves onto it. `cache_versions` has a log of the latest ratings.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

# A change of a movie's ratings: its id, and the number of its ratings and their sum in half points after it.
MovieChange = tuple[int, int, int]
FIELDS_PER_CHANGE = 3
# In place of the number and the sum if they are unknown: the movie may have moved anywhere.
UNKNOWN_RATINGS = (-1, 0)


@dataclass(slots=True)
class _Contents:
    ids: "array[int]"
    rank: Callable[[int, int], float] | None
    min_rank: float


class ListedMovies:
    """A page of a list of movies. Until `describe` is called, any change of ratings changes it.

    The page is known to be valid up to `position` in the log of ratings; None before the page is read.
    """

    __slots__ = ("_contents", "position")

    def __init__(self) -> None:
        self.position: int | None = None
        self._contents: _Contents | None = None

    def describe(
        self, ids: Iterable[int], rank: Callable[[int, int], float] | None = None, min_rank: float = 0
    ) -> None:
        """Record which movies are on the page. Others come onto it only if their rank becomes `min_rank` or more.

        `rank` gets the number of a movie's ratings and their sum in half points. Without it, no rating moves a movie
        onto the page.
        """
        self._contents = _Contents(array("q", ids), rank, min_rank)

    def is_changed_by(self, changes: Sequence[int]) -> bool:
        """Return True if these MovieChanges, given as one flat sequence, may change the page."""
        contents = self._contents
        if contents is None or not changes:
            return bool(changes)
        if not set(changes[::FIELDS_PER_CHANGE]).isdisjoint(contents.ids):
            return True
        rank = contents.rank
        ratings = zip(changes[1::FIELDS_PER_CHANGE], changes[2::FIELDS_PER_CHANGE], strict=True)
        return rank is not None and any(
            count < 0 or rank(count, total) >= contents.min_rank for count, total in ratings
        )
