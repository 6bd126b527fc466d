"""Lists of requests for the benchmarks, drawn with a fixed seed from the data of an instance."""

import json
import random
import secrets
from collections.abc import Callable, Sequence
from itertools import accumulate, product
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from instances import fetch_rows
from load import Request
from service import Service

# A genre with fewer movies has too few pages.
_MIN_MOVIES_PER_GENRE = 500
_PEOPLE = 16
# 20 on average. A page of another size is another request to the cache.
_UNREAD_PAGE_LIMITS = range(15, 26)
_SORTS = ("-rated_at", "rated_at", "-value", "value")
_EVENING = {"movie": 60, "list": 15, "profile": 10, "search": 5, "rating": 10}

T = TypeVar("T")


def get(path: str, authorization: str = "") -> Request:
    """Return a GET request below /v1."""
    return Request("GET", f"/v1{path}", authorization)


class Catalogue:
    """The data of an instance: ids of `movies` and `users`, by number of ratings, genres and words of titles.

    `tokens` belong to new accounts and are valid for 15 minutes.
    """

    def __init__(self, instance: Path, service: Service) -> None:
        self._service = service
        self._rng = random.Random(4)
        self.movies: list[int] = fetch_rows(instance, "SELECT id FROM movie ORDER BY rating_count DESC, id")
        self.imdb_ids: list[str] = fetch_rows(instance, "SELECT imdb_id FROM movie WHERE imdb_id IS NOT NULL")
        self.users: list[int] = fetch_rows(
            instance, "SELECT id FROM user WHERE rating_count > 0 ORDER BY rating_count DESC, id"
        )
        titles = fetch_rows(instance, "SELECT title FROM movie ORDER BY rating_count DESC, id LIMIT 5000")
        self.words = list(dict.fromkeys(word for title in titles for word in title.split() if word.isalpha()))
        self.genres = [
            genre["name"]
            for genre in service.get("/genres")["items"]
            if genre["count"] >= _MIN_MOVIES_PER_GENRE
        ]
        names = [f"person{secrets.token_hex(6)}" for _ in range(_PEOPLE)]
        self.tokens = [f"Bearer {service.sign_up(name)[1]}" for name in names]

    def shuffle(self, requests: Sequence[Request]) -> list[Request]:
        """Return the requests in random order."""
        return self._rng.sample(requests, len(requests))

    def draw_by_zipf(self, ranked: Sequence[T], number: int) -> list[T]:
        """Draw with Zipf's law: the first is drawn twice as often as the second, three times as often as the third."""
        weights = list(accumulate(1 / rank for rank in range(1, len(ranked) + 1)))
        return self._rng.choices(ranked, cum_weights=weights, k=number)

    def list_cursors(self, path: str, limit: int) -> list[str]:
        """Read a list to its end in pages of this size; return the cursors."""
        cursors: list[str] = []
        address = f"{path}{'&' if '?' in path else '?'}limit={limit}"
        page = self._service.get(address)
        while page["next_cursor"]:
            cursors.append(page["next_cursor"])
            page = self._service.get(f"{address}&cursor={cursors[-1]}")
        return cursors

    def list_unread_pages(self) -> list[Request]:
        """Return as many pages of charts, overall and by genre, as of people's ratings, from many positions."""
        filters = ["", *(f"&genre={quote(genre)}" for genre in self.genres)]
        pages: list[str] = []
        for path in (f"/movies?sort=-score{query}" for query in filters):
            cursors = self.list_cursors(path, 50)
            # The last pages may have fewer movies.
            pages += [f"{path}&cursor={cursor}" for cursor in cursors[: len(cursors) * 9 // 10]]
        charts = [get(f"{page}&limit={limit}") for page, limit in product(pages, _UNREAD_PAGE_LIMITS)]
        profiles = [get(f"/users/{user}/ratings?sort={sort}") for user, sort in product(self.users, _SORTS)]
        number = min(len(charts), len(profiles))
        return self.shuffle(self.shuffle(charts)[:number] + self.shuffle(profiles)[:number])

    def list_charts(self) -> list[Request]:
        """Return the first pages of charts with common sort orders and filters, the most popular first."""
        filters = [
            "",
            *(f"&genre={quote(genre)}" for genre in self.genres),
            "&year_from=2010",
            "&min_count=20",
        ]
        return [
            get(f"/movies?sort={sort}{query}")
            for sort, query in product(("-score", "-count", "-year"), filters)
        ]

    def make_ratings(self, movies: Sequence[int]) -> list[Request]:
        """Return one rating of each movie, with random values, by the people in turn."""
        return [
            Request(
                "PUT",
                f"/v1/movies/{movie}/rating",
                self.tokens[number % _PEOPLE],
                body=json.dumps({"value": self._rng.randint(1, 20) / 2}),
            )
            for number, movie in enumerate(movies)
        ]

    def draw_movies(self, number: int) -> list[int]:
        """Draw movies with equal probability, except the one with the most ratings."""
        return self._rng.choices(self.movies[1:], k=number)

    def make_evening(self, number: int) -> list[Request]:
        """Return the requests of an evening; the movie with the most ratings is not rated."""
        make_requests: dict[str, Callable[[int], list[Request]]] = {
            "movie": lambda k: [get(f"/movies/{movie}") for movie in self.draw_by_zipf(self.movies, k)],
            "list": lambda k: self.draw_by_zipf(self.list_charts(), k),
            "profile": lambda k: [get(f"/users/{user}/ratings") for user in self.draw_by_zipf(self.users, k)],
            "search": lambda k: [
                get(f"/movies?q={quote(word)}") for word in self.draw_by_zipf(self.words, k)
            ],
            "rating": lambda k: self.make_ratings(self.draw_by_zipf(self.movies[1:], k)),
        }
        share = number // sum(_EVENING.values())
        return self.shuffle(
            [request for kind, make in make_requests.items() for request in make(_EVENING[kind] * share)]
        )
