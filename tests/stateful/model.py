"""The expected state: accounts with credentials and ratings, and movies. It computes aggregates independently."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

FOLDED_TITLES = {"Emma": "emma", "EMMA": "emma", "Élan": "elan", "Ronin, Emma": "ronin, emma", "Łódź": "lodz"}


@dataclass
class Rating:
    """A value in half points and a time in microseconds."""

    value: int
    rated_at: int


@dataclass(eq=False, repr=False)
class Movie:
    """`facts` are the fields that a request can change; `etags` those seen so far, the newest last.

    `alternative_titles` are folded; once an admin `removed_titles`, the catalogue adds none. `merged_ids` are the IMDb
    ids of movies that were merged into it.
    """

    id: int
    facts: dict[str, Any]
    exists: bool = True
    edit: int = 1
    etags: list[str] = field(default_factory=list)
    alternative_titles: list[str] = field(default_factory=list)
    removed_titles: bool = False
    merged_into: "Movie | None" = None
    merged_ids: set[str] = field(default_factory=set)

    def __repr__(self) -> str:
        return f"<movie {self.id}: {self.facts}>"

    @property
    def folded_title(self) -> str:
        return FOLDED_TITLES.get(self.facts["title"]) or self.facts["title"].lower()

    @property
    def has_emma(self) -> bool:
        """Return True if the movie is found by the word Emma."""
        return any("emma" in title for title in (self.folded_title, *self.alternative_titles))

    def add_title(self, title: str) -> bool:
        """Add an alternative title; return False if the movie has it."""
        if title.lower() in (self.folded_title, *self.alternative_titles):
            return False
        self.alternative_titles.append(title.lower())
        return True

    def accepts_titles(self, titles: list[str]) -> bool:
        """Return True if these can be its alternative titles: its own title only if it is one of them already."""
        return self.folded_title in self.alternative_titles or self.folded_title not in map(str.lower, titles)

    def replace_titles(self, titles: list[str]) -> None:
        """Replace the alternative titles."""
        folded = list(map(str.lower, titles))
        self.removed_titles |= not set(self.alternative_titles) <= set(folded)
        self.alternative_titles = folded

    @property
    def survivor(self) -> "Movie":
        """The movie into which this one was merged, itself if it was not."""
        return self.merged_into.survivor if self.merged_into else self

    def has_imdb_id(self, imdb_id: str | None) -> bool:
        return imdb_id is not None and imdb_id in {self.facts["imdb_id"], *self.merged_ids}

    def absorb(self, movie: "Movie") -> None:
        """Take the id, the genres and the titles of a movie that is merged into this one."""
        movie.exists, movie.merged_into = False, self
        self.edit += 1
        self.merged_ids |= {*movie.merged_ids, movie.facts["imdb_id"]} - {None}
        for name in ("imdb_id", "genres"):
            self.facts = {**self.facts, name: self.facts.get(name) or movie.facts.get(name)}
        self.removed_titles |= movie.removed_titles
        for title in (movie.folded_title, *movie.alternative_titles):
            self.add_title(title)

    def conflicts_with(self, facts: dict[str, Any]) -> bool:
        """Return True if a movie with these facts would be a duplicate of this one."""
        imdb_ids = {self.facts["imdb_id"], facts["imdb_id"]}
        same_id = self.has_imdb_id(facts["imdb_id"])
        same_title = self.folded_title == Movie(0, facts).folded_title and self.facts["year"] == facts["year"]
        return same_id or (same_title and None in imdb_ids)


@dataclass(eq=False, repr=False)
class Account:
    id: int
    username: str
    password: str
    role: str = "member"
    active: bool = True
    exists: bool = True
    ratings: dict[Movie, Rating] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<account {self.id}: {self.username}, {self.role}>"

    @property
    def is_visible(self) -> bool:
        """True if the account has a profile and can log in."""
        return self.exists and self.active


@dataclass(eq=False, repr=False)
class Credential:
    """A session (with a refresh token) or a personal access token (with an id)."""

    account: Account
    bearer: str
    refresh: str = ""
    id: int | None = None
    scope: str = "write"
    spent: list[str] = field(default_factory=list)
    created_at: float = field(default_factory=time.monotonic)
    rotated_at: float = field(default_factory=time.monotonic)
    revoked: bool = False

    def __repr__(self) -> str:
        return f"<{'session' if self.id is None else self.scope + ' token'} of {self.account}>"

    @property
    def is_valid(self) -> bool:
        return self.account.is_visible and not self.revoked

    def error(self, *, writes: bool = True, session: bool = False, admin: bool = False) -> int | None:
        """Return the status with which a request that requires these is rejected, None if it is accepted."""
        if not self.is_valid:
            return 401
        lacks_scope = (writes and self.scope == "read") or (session and self.id is not None)
        return 403 if lacks_scope or (admin and self.account.role != "admin") else None


class Model:
    """All accounts, credentials and movies."""

    def __init__(self) -> None:
        self.accounts: list[Account] = []
        self.credentials: list[Credential] = []
        self.movies: list[Movie] = []

    def find_account(self, username: str) -> Account | None:
        return _find(self.accounts, lambda account: account.exists and account.username == username)

    def find_movie(self, imdb_id: str) -> Movie | None:
        return _find(self.movies, lambda movie: movie.exists and movie.has_imdb_id(imdb_id))

    def is_deleted(self, imdb_id: str) -> bool:
        """Return True if a movie with this id was deleted, so that imports do not add it again."""
        return any(
            not movie.exists and movie.merged_into is None and movie.has_imdb_id(imdb_id)
            for movie in self.movies
        )

    def has_conflict(self, facts: dict[str, Any], own: Movie | None = None) -> bool:
        """Return True if a movie with these facts would be rejected as a duplicate of one other than `own`."""
        others = (movie for movie in self.movies if movie.exists and movie is not own)
        return any(movie.conflicts_with(facts) for movie in others)

    def merge(self, movie: Movie, survivor: Movie) -> list[Account]:
        """Merge a movie; of two ratings of one account the newer stays. Return the accounts that rated it."""
        raters = [account for account, _ in self.ratings_of(movie)]
        for account in raters:
            rating, other = account.ratings.pop(movie), account.ratings.get(survivor)
            if other is None or rating.rated_at > other.rated_at:
                account.ratings[survivor] = rating
        survivor.absorb(movie)
        return raters

    def ratings_of(self, movie: Movie) -> list[tuple[Account, Rating]]:
        return [(account, account.ratings[movie]) for account in self.accounts if movie in account.ratings]

    def values_of(self, movie: Movie) -> list[int]:
        return [rating.value for _, rating in self.ratings_of(movie)]

    def is_last_admin(self, account: Account) -> bool:
        admins = [each for each in self.accounts if each.is_visible and each.role == "admin"]
        return admins == [account]

    def revoke_all(self, account: Account) -> None:
        """Revoke the account's sessions and personal access tokens."""
        for credential in self.credentials:
            credential.revoked |= credential.account is account


def _find(items: Iterable[Any], matches: Callable[[Any], bool]) -> Any:
    return next(filter(matches, items), None)


def aggregate(values: list[int]) -> dict[str, Any]:
    """Return the aggregate of ratings in half points, as a profile shows it."""
    mean = None
    if values:
        exact = Decimal(sum(values)) / (2 * len(values))
        mean = float(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))
    return {
        "count": len(values),
        "mean": mean,
        "histogram": [values.count(value) for value in range(1, 21)],
    }


def score(values: list[int]) -> float:
    """Return the mean of these ratings and 25 ratings of 6.5."""
    return float((Fraction(13, 2) * 25 + Fraction(sum(values), 2)) / (25 + len(values)))
