"""Rules for lists: read page by page while rows change, and revalidated with ETags."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from stateful.model import Account, Credential, Movie, Rating, score
from stateful.opinions import Opinions
from stateful.service import accounts, drawn, movies, sessions

# The rows of a list: sort key by id.
Places = dict[int, tuple[Any, ...]]


@dataclass(eq=False, repr=False)
class Walk:
    """Pages of a list read so far. `places` returns the current rows, or the status with which the list is rejected."""

    path: str
    places: Callable[[], Places | int]
    by: Credential | None
    start: Places
    address: str | None
    seen: list[int] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)

    def __repr__(self) -> str:
        return f"<{self.path}: seen {self.seen}, moved {self.moved}>"

    def look(self, now: Places) -> None:
        """Record the rows whose position differs from the start."""
        both = now.keys() | self.start.keys()
        self.moved |= {row for row in both if now.get(row) != self.start.get(row)}

    def judge(self) -> None:
        """Assert that each row that did not move was returned once, in order."""
        steady = sorted(self.start.keys() - self.moved, key=self.start.__getitem__)
        assert [row for row in self.seen if row not in self.moved] == steady, self


walks = drawn(lambda machine: machine.walks, lambda walk: walk.address is not None)

MOVIE_ORDERS: dict[str, Callable[[Movie, list[int]], tuple[Any, ...]]] = {
    "-score": lambda movie, values: (-score(values), -movie.id),
    "-mean": lambda movie, values: (-(sum(values) / (len(values) or 1)), -movie.id),
    "-count": lambda movie, values: (-len(values), -movie.id),
    "title": lambda movie, values: (movie.key, movie.id),
    "year": lambda movie, values: (movie.facts["year"], movie.id),
    "-year": lambda movie, values: (-movie.facts["year"], -movie.id),
    "-created_at": lambda movie, values: (-movie.id,),
    "relevance&q=emma": lambda movie, values: (
        movie.key != "emma",
        not movie.key.startswith("emma"),
        -len(values),
        -movie.id,
    ),
}
MOVIE_FILTERS: dict[str, Callable[[Movie, list[int]], bool]] = {
    "": lambda movie, values: True,
    "&genre=Drama": lambda movie, values: "Drama" in movie.facts["genres"],
    "&year=1996": lambda movie, values: movie.facts["year"] == 1996,
    "&min_count=1": lambda movie, values: bool(values),
}
RATING_ORDERS: dict[str, Callable[[Movie, Rating], tuple[Any, ...]]] = {
    "-rated_at": lambda movie, rating: (-rating.rated_at, -movie.id),
    "rated_at": lambda movie, rating: (rating.rated_at, movie.id),
    "-value": lambda movie, rating: (-rating.value, -movie.id),
    "value": lambda movie, rating: (rating.value, movie.id),
    "title": lambda movie, rating: (movie.key, movie.id),
}
limits = st.integers(1, 2)


class Lists(Opinions):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.walks: list[Walk] = []
        self.copies: dict[str, tuple[str, bytes]] = {}

    def walk(self, path: str, places: Callable[[], Places | int], by: Credential | None = None) -> None:
        """Read the first page of a list."""
        now = places()
        if isinstance(now, int):
            self.send(by, "GET", path, now)
        else:
            self.walks.append(Walk(path, places, by, now, path))
            self.go_on(self.walks[-1])

    @precondition(lambda self: any(walk.address for walk in self.walks))
    @rule()
    def turn_pages(self) -> None:
        for walk in self.walks:
            if walk.address:
                self.go_on(walk)

    def go_on(self, walk: Walk) -> None:
        """Read the next page of a list that may have changed since the previous one."""
        now = walk.places()
        if isinstance(now, int):
            self.send(walk.by, "GET", walk.address, now)
            walk.address = None
            return
        walk.look(now)
        page = self.send(walk.by, "GET", walk.address)
        ids = [_id(item) for item in page.json["items"]]
        assert set(ids) <= now.keys()
        walk.seen += ids
        walk.address = page.headers["Link"][1:].partition(">")[0] if page.json["next_cursor"] else None
        if walk.address is None:
            walk.judge()

    @rule(
        order=st.sampled_from(list(MOVIE_ORDERS)),
        which=st.sampled_from(list(MOVIE_FILTERS)),
        limit=limits,
    )
    def walk_movies(self, order: str, which: str, limit: int) -> None:
        def places() -> Places:
            valued = [(movie, self.world.values(movie)) for movie in self.world.movies if movie.here]
            return {
                movie.id: MOVIE_ORDERS[order](movie, values)
                for movie, values in valued
                if MOVIE_FILTERS[which](movie, values) and ("emma" in movie.key or "q=" not in order)
            }

        self.walk(f"/v1/movies?limit={limit}&sort={order}{which}", places)

    @rule(movie=movies, limit=limits)
    def walk_ratings_of_a_movie(self, movie: Movie, limit: int) -> None:
        def places() -> Places | int:
            raters = [(account, rating) for account, rating in self.world.raters(movie) if account.shown]
            order = {account.id: (-rating.rated_at, -account.id) for account, rating in raters}
            return order if movie.here else 404

        self.walk(f"/v1/movies/{movie.id}/ratings?limit={limit}", places)

    @rule(account=accounts, order=st.sampled_from(list(RATING_ORDERS)), limit=limits)
    def walk_ratings_of_an_account(self, account: Account, order: str, limit: int) -> None:
        def places() -> Places | int:
            rated = account.ratings.items()
            order_of = {movie.id: RATING_ORDERS[order](movie, rating) for movie, rating in rated}
            return order_of if account.shown else 404

        self.walk(f"/v1/users/{account.id}/ratings?limit={limit}&sort={order}", places)

    @rule(by=sessions, limit=limits)
    def walk_accounts(self, by: Credential, limit: int) -> None:
        def places() -> Places | int:
            order = {account.id: (account.id,) for account in self.world.accounts if account.here}
            return by.refusal(admin=True) or order

        self.walk(f"/v1/users?limit={limit}", places, by)

    @rule(by=sessions, limit=limits)
    def walk_tokens(self, by: Credential, limit: int) -> None:
        def places() -> Places | int:
            own = [one for one in self.world.credentials if one.account is by.account and not one.ended]
            return by.refusal() or {one.id: (one.id,) for one in own if one.id is not None}

        self.walk(f"/v1/auth/tokens?limit={limit}", places, by)

    @precondition(lambda self: self.walks)
    @rule(walk=walks)
    def look_again(self, walk: Walk) -> None:
        if walk.by is None and isinstance(walk.places(), dict):
            self.revalidate(walk.path)

    @rule(movie=movies)
    def look_at_a_movie_again(self, movie: Movie) -> None:
        if movie.here:
            self.revalidate(f"/v1/movies/{movie.id}")

    @rule(account=accounts)
    def look_at_a_profile_again(self, account: Account) -> None:
        if account.shown:
            self.revalidate(f"/v1/users/{account.id}")

    def revalidate(self, path: str) -> None:
        """An ETag returns 304 only while the response is unchanged, from the cache and without it."""
        past_cache = {"Authorization": "Bearer nobody's"}
        answer, other = self.send(None, "GET", path), self.send(None, "GET", path, headers=past_cache)
        tag = answer.headers["ETag"]
        assert (answer.data, tag) == (other.data, other.headers["ETag"])
        old_tag, old_body = self.copies.get(path, (tag, answer.data))
        assert tag != old_tag or answer.data == old_body
        for headers in ({}, past_cache):
            status = 304 if tag == old_tag else 200
            self.send(None, "GET", path, status, headers={"If-None-Match": old_tag, **headers})
        self.copies[path] = (tag, answer.data)

    def teardown(self) -> None:
        for walk in self.walks:
            while walk.address:
                self.go_on(walk)
        super().teardown()


def _id(item: dict[str, Any]) -> int:
    """Return the id of an item of any list."""
    if "movie" in item or "user" in item:
        return int((item.get("movie") or item["user"])["id"])
    return int(item["id"])
