"""Rules for lists: read page by page while rows change, and revalidated with ETags."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from stateful.machine import accounts, draw, movies, sessions
from stateful.model import Account, Credential, Movie, Rating, score
from stateful.rating_rules import RatingRules

# The rows of a list: sort key by id.
SortKeys = dict[int, tuple[Any, ...]]


@dataclass(eq=False, repr=False)
class Walk:
    """The pages of a list read so far.

    `get_rows` returns the current rows, or the status with which the list is rejected.
    `address` is that of the next page, None after the last.
    """

    path: str
    get_rows: Callable[[], SortKeys | int]
    by: Credential | None
    start: SortKeys
    address: str | None
    seen: list[int] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)

    def __repr__(self) -> str:
        return f"<{self.path}: seen {self.seen}, moved {self.moved}>"

    def record_moves(self, rows: SortKeys) -> None:
        """Record the rows whose position differs from the start."""
        self.moved |= {row for row in rows | self.start if rows.get(row) != self.start.get(row)}

    def check_order(self) -> None:
        """Assert that each row that did not move was returned once, in order."""
        steady = sorted(self.start.keys() - self.moved, key=self.start.__getitem__)
        assert [row for row in self.seen if row not in self.moved] == steady, self


walks = draw(lambda machine: machine.walks, lambda walk: walk.address is not None)

MOVIE_ORDERS: dict[str, Callable[[Movie, list[int]], tuple[Any, ...]]] = {
    "-score": lambda movie, values: (-score(values), -movie.id),
    "-mean": lambda movie, values: (-(sum(values) / (len(values) or 1)), -movie.id),
    "-count": lambda movie, values: (-len(values), -movie.id),
    "title": lambda movie, values: (movie.folded_title, movie.id),
    "year": lambda movie, values: (movie.facts["year"], movie.id),
    "-year": lambda movie, values: (-movie.facts["year"], -movie.id),
    "-created_at": lambda movie, values: (-movie.id,),
    "relevance&q=emma": lambda movie, values: (
        movie.folded_title != "emma",
        not movie.folded_title.startswith("emma"),
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
    "title": lambda movie, rating: (movie.folded_title, movie.id),
}
movie_orders, movie_filters = st.sampled_from(list(MOVIE_ORDERS)), st.sampled_from(list(MOVIE_FILTERS))
limits = st.integers(1, 2)


class ListRules(RatingRules):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.walks: list[Walk] = []
        self.cached: dict[str, tuple[str, bytes]] = {}

    def start_walk(
        self, path: str, get_rows: Callable[[], SortKeys | int], by: Credential | None = None
    ) -> None:
        """Read the first page of a list."""
        rows = get_rows()
        if isinstance(rows, int):
            self.send(by, "GET", path, rows)
        else:
            self.walks.append(Walk(path, get_rows, by, rows, path))
            self.read_page(self.walks[-1])

    @precondition(lambda self: any(walk.address for walk in self.walks))
    @rule()
    def read_next_pages(self) -> None:
        for walk in self.walks:
            if walk.address:
                self.read_page(walk)

    def read_page(self, walk: Walk) -> None:
        """Read the next page of a list that may have changed since the previous one."""
        rows = walk.get_rows()
        if isinstance(rows, int):
            self.send(walk.by, "GET", walk.address, rows)
            walk.address = None
            return
        walk.record_moves(rows)
        page = self.send(walk.by, "GET", walk.address)
        ids = [_get_id(item) for item in page.json["items"]]
        assert set(ids) <= rows.keys()
        walk.seen += ids
        walk.address = page.headers["Link"][1:].partition(">")[0] if page.json["next_cursor"] else None
        if walk.address is None:
            walk.check_order()

    @rule(order=movie_orders, filters=movie_filters, limit=limits)
    def walk_movies(self, order: str, filters: str, limit: int) -> None:
        def get_rows() -> SortKeys:
            rated = [(movie, self.model.values_of(movie)) for movie in self.model.movies if movie.exists]
            return {
                movie.id: MOVIE_ORDERS[order](movie, values)
                for movie, values in rated
                if MOVIE_FILTERS[filters](movie, values) and (movie.has_emma or "q=" not in order)
            }

        self.start_walk(f"/v1/movies?limit={limit}&sort={order}{filters}", get_rows)

    @rule(movie=movies, limit=limits)
    def walk_movie_ratings(self, movie: Movie, limit: int) -> None:
        def get_rows() -> SortKeys | int:
            ratings = [each for each in self.model.ratings_of(movie) if each[0].is_visible]
            keys = {account.id: (-rating.rated_at, -account.id) for account, rating in ratings}
            return keys if movie.exists else 404

        self.start_walk(f"/v1/movies/{movie.id}/ratings?limit={limit}", get_rows)

    @rule(account=accounts, order=st.sampled_from(list(RATING_ORDERS)), limit=limits)
    def walk_user_ratings(self, account: Account, order: str, limit: int) -> None:
        def get_rows() -> SortKeys | int:
            ratings = account.ratings.items()
            keys = {movie.id: RATING_ORDERS[order](movie, rating) for movie, rating in ratings}
            return keys if account.is_visible else 404

        self.start_walk(f"/v1/users/{account.id}/ratings?limit={limit}&sort={order}", get_rows)

    @rule(by=sessions, limit=limits)
    def walk_accounts(self, by: Credential, limit: int) -> None:
        def get_rows() -> SortKeys | int:
            keys = {account.id: (account.id,) for account in self.model.accounts if account.exists}
            return by.error(admin=True) or keys

        self.start_walk(f"/v1/users?limit={limit}", get_rows, by)

    @rule(by=sessions, limit=limits)
    def walk_tokens(self, by: Credential, limit: int) -> None:
        def get_rows() -> SortKeys | int:
            own = [each for each in self.model.credentials if each.account is by.account and not each.revoked]
            return by.error() or {token.id: (token.id,) for token in own if token.id is not None}

        self.start_walk(f"/v1/auth/tokens?limit={limit}", get_rows, by)

    @precondition(lambda self: self.walks)
    @rule(walk=walks)
    def revalidate_list(self, walk: Walk) -> None:
        if walk.by is None and isinstance(walk.get_rows(), dict):
            self.revalidate(walk.path)

    @rule(movie=movies)
    def revalidate_movie(self, movie: Movie) -> None:
        if movie.exists:
            self.revalidate(f"/v1/movies/{movie.id}")

    @rule(account=accounts)
    def revalidate_profile(self, account: Account) -> None:
        if account.is_visible:
            self.revalidate(f"/v1/users/{account.id}")

    def revalidate(self, path: str) -> None:
        """An ETag returns 304 only while the response is unchanged, from the cache and without it."""
        # Requests with a token do not use the response cache.
        uncached = {"Authorization": "Bearer invalid"}
        response, other = self.send(None, "GET", path), self.send(None, "GET", path, headers=uncached)
        etag = response.headers["ETag"]
        assert (response.data, etag) == (other.data, other.headers["ETag"])
        old_etag, old_body = self.cached.get(path, (etag, response.data))
        assert etag != old_etag or response.data == old_body
        for headers in ({}, uncached):
            status = 304 if etag == old_etag else 200
            self.send(None, "GET", path, status, headers={"If-None-Match": old_etag, **headers})
        self.cached[path] = (etag, response.data)

    def teardown(self) -> None:
        for walk in self.walks:
            while walk.address:
                self.read_page(walk)
        super().teardown()


def _get_id(item: dict[str, Any]) -> int:
    """Return the id of an item of any list."""
    return int((item.get("movie") or item.get("user") or item)["id"])
