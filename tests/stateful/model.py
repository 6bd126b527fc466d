"""The expected state: accounts with credentials and ratings, and movies. It computes aggregates independently."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

TITLES = {"Emma": "emma", "EMMA": "emma", "Élan": "elan", "Ronin, Emma": "ronin, emma", "Łódź": "lodz"}


@dataclass
class Rating:
    """A value in half points and a time in microseconds."""

    value: int
    rated_at: int


@dataclass(eq=False, repr=False)
class Movie:
    """`facts` are the fields that a request can change; `tags` the ETags seen so far, the newest last."""

    id: int
    facts: dict[str, Any]
    here: bool = True
    edit: int = 1
    tags: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<movie {self.id}: {self.facts}>"

    @property
    def key(self) -> str:
        """The folded title."""
        return TITLES.get(self.facts["title"]) or self.facts["title"].lower()

    def is_namesake(self, facts: dict[str, Any]) -> bool:
        """Return whether a movie with these facts would be a duplicate."""
        ids = {self.facts["imdb_id"], facts["imdb_id"]}
        same = (self.key, self.facts["year"]) == (Movie(0, facts).key, facts["year"])
        return same and (None in ids or len(ids) == 1)


@dataclass(eq=False, repr=False)
class Account:
    id: int
    username: str
    password: str
    role: str = "member"
    active: bool = True
    here: bool = True
    ratings: dict[Movie, Rating] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<account {self.id}: {self.username}, {self.role}>"

    @property
    def shown(self) -> bool:
        """True if the account has a profile and can log in."""
        return self.here and self.active


@dataclass(eq=False, repr=False)
class Credential:
    """A session (with a refresh token) or a personal access token (with an id)."""

    account: Account
    bearer: str
    refresh: str = ""
    id: int | None = None
    scope: str = "write"
    spent: list[str] = field(default_factory=list)
    made_at: float = field(default_factory=time.monotonic)
    rotated_at: float = field(default_factory=time.monotonic)
    ended: bool = False

    def __repr__(self) -> str:
        return f"<{'session' if self.id is None else self.scope + ' token'} of {self.account}>"

    @property
    def works(self) -> bool:
        return self.account.shown and not self.ended

    def refusal(self, *, writes: bool = True, in_person: bool = False, admin: bool = False) -> int | None:
        """Return the status with which a request is rejected, None if it is accepted."""
        if not self.works:
            return 401
        outside = (writes and self.scope == "read") or (in_person and self.id is not None)
        return 403 if outside or (admin and self.account.role != "admin") else None


class World:
    """All accounts, credentials and movies."""

    def __init__(self) -> None:
        self.accounts: list[Account] = []
        self.credentials: list[Credential] = []
        self.movies: list[Movie] = []

    def called(self, username: str) -> Account | None:
        return _one(self.accounts, lambda account: account.here and account.username == username)

    def movie_of(self, imdb_id: str) -> Movie | None:
        return _one(self.movies, lambda movie: movie.here and movie.facts["imdb_id"] == imdb_id)

    def conflicts(self, facts: dict[str, Any], own: Movie | None = None) -> bool:
        """Return whether a movie with these facts would be rejected as a duplicate."""
        imdb_id = facts["imdb_id"]
        return any(
            movie.is_namesake(facts) or (imdb_id is not None and movie.facts["imdb_id"] == imdb_id)
            for movie in self.movies
            if movie.here and movie is not own
        )

    def raters(self, movie: Movie) -> list[tuple[Account, Rating]]:
        return [(account, account.ratings[movie]) for account in self.accounts if movie in account.ratings]

    def values(self, movie: Movie) -> list[int]:
        return [rating.value for _, rating in self.raters(movie)]

    def is_last_admin(self, account: Account) -> bool:
        return [one for one in self.accounts if one.shown and one.role == "admin"] == [account]

    def end_all(self, account: Account) -> None:
        """Revoke the account's sessions and personal access tokens."""
        for credential in self.credentials:
            credential.ended |= credential.account is account


def _one(things: Iterable[Any], fits: Callable[[Any], bool]) -> Any:
    return next(filter(fits, things), None)


def sums(values: list[int]) -> dict[str, Any]:
    """Return the aggregate of ratings in half points, as a profile shows it."""
    mean = None
    if values:
        exact = Decimal(sum(values)) / (2 * len(values))
        mean = float(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))
    return {
        "count": len(values),
        "mean": mean,
        "histogram": [values.count(step) for step in range(1, 21)],
    }


def score(values: list[int]) -> float:
    """Return the weighted mean of 25 ratings of 6.5 and these."""
    return float((Fraction(13, 2) * 25 + Fraction(sum(values), 2)) / (25 + len(values)))
