"""What the benchmarks ask for: lists of requests, drawn by a seed from what an instance holds."""

import json
import random
import secrets
from collections.abc import Callable, Sequence
from itertools import accumulate, product
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from load import Request
from service import Service, rows

# A genre with fewer movies has no pages to speak of.
_LEAST_OF_GENRE = 500
_PEOPLE = 16
_USERS_SORTS = ("-rated_at", "rated_at", "-value", "value")
_EVENING = {"movie": 60, "list": 15, "profile": 10, "search": 5, "rating": 10}

T = TypeVar("T")


def get(path: str, credentials: str = "") -> Request:
    """A GET below /v1."""
    return Request("GET", f"/v1{path}", credentials)


class Catalogue:
    """What is in an instance: ids of `movies` and `users`, those with the most ratings first, and genres, and words.

    Its tokens are those of accounts that were opened for it, and good for a quarter of an hour.
    """

    def __init__(self, instance: Path, service: Service) -> None:
        self._service = service
        self._chance = random.Random(4)
        self.movies: list[int] = rows(instance, "SELECT id FROM movie ORDER BY rating_count DESC, id")
        self.imdb_ids: list[str] = rows(instance, "SELECT imdb_id FROM movie WHERE imdb_id IS NOT NULL")
        self.users: list[int] = rows(
            instance, "SELECT id FROM user WHERE rating_count > 0 ORDER BY rating_count DESC, id"
        )
        titles = rows(instance, "SELECT title FROM movie ORDER BY rating_count DESC, id LIMIT 5000")
        self.words = list(dict.fromkeys(word for title in titles for word in title.split() if word.isalpha()))
        self.genres = [
            genre["name"] for genre in service.get("/genres")["items"] if genre["count"] >= _LEAST_OF_GENRE
        ]
        names = [f"person{secrets.token_hex(6)}" for _ in range(_PEOPLE)]
        self.tokens = [f"Bearer {service.sign_up(name)[1]}" for name in names]

    def shuffled(self, requests: Sequence[Request]) -> list[Request]:
        """In random order."""
        return self._chance.sample(requests, len(requests))

    def by_zipf(self, ranked: Sequence[T], number: int) -> list[T]:
        """So many draws, the first twice as often as the second, three times as often as the third."""
        weights = list(accumulate(1 / rank for rank in range(1, len(ranked) + 1)))
        return self._chance.choices(ranked, cum_weights=weights, k=number)

    def cursors(self, path: str, limit: int) -> list[str]:
        """The cursors met when a list is read to its end in pages of this size."""
        found: list[str] = []
        joint = "&" if "?" in path else "?"
        page = self._service.get(f"{path}{joint}limit={limit}")
        while page["next_cursor"]:
            found.append(page["next_cursor"])
            page = self._service.get(f"{path}{joint}limit={limit}&cursor={found[-1]}")
        return found

    def unread_pages(self) -> list[Request]:
        """Pages of 20 of charts, all and under a genre, from many places, and as many of people's ratings."""
        cursors = self.cursors("/movies", 50)
        # Near the end there would be fewer than 20.
        places = cursors[: len(cursors) * 9 // 10]
        filters = ["", *(f"&genre={quote(genre)}" for genre in self.genres)]
        charts = [get(f"/movies?cursor={place}{one}") for place, one in product(places, filters)]
        profiles = [get(f"/users/{user}/ratings?sort={by}") for user, by in product(self.users, _USERS_SORTS)]
        number = min(len(charts), len(profiles))
        return self.shuffled(self.shuffled(charts)[:number] + self.shuffled(profiles)[:number])

    def charts(self) -> list[Request]:
        """First pages of the movies, in the orders and under the filters that people choose, as they rank here."""
        filters = [
            "",
            *(f"&genre={quote(genre)}" for genre in self.genres),
            "&year_from=2010",
            "&min_count=20",
        ]
        return [get(f"/movies?sort={by}{one}") for by, one in product(("-score", "-count", "-year"), filters)]

    def ratings(self, movies: Sequence[int]) -> list[Request]:
        """Ratings of these movies, one each, of random values by the people in turn."""
        return [
            Request(
                "PUT",
                f"/v1/movies/{movie}/rating",
                self.tokens[at % _PEOPLE],
                body=json.dumps({"value": self._chance.randint(1, 20) / 2}),
            )
            for at, movie in enumerate(movies)
        ]

    def some_movies(self, number: int) -> list[int]:
        """So many draws, each movie as often as the other, and never the one with the most ratings."""
        return self._chance.choices(self.movies[1:], k=number)

    def evening(self, number: int) -> list[Request]:
        """So many requests as they come in an evening; nobody rates the movie with the most ratings."""
        made: dict[str, Callable[[int], list[Request]]] = {
            "movie": lambda k: [get(f"/movies/{movie}") for movie in self.by_zipf(self.movies, k)],
            "list": lambda k: self.by_zipf(self.charts(), k),
            "profile": lambda k: [get(f"/users/{user}/ratings") for user in self.by_zipf(self.users, k)],
            "search": lambda k: [get(f"/movies?q={quote(word)}") for word in self.by_zipf(self.words, k)],
            "rating": lambda k: self.ratings(self.by_zipf(self.movies[1:], k)),
        }
        share = number // sum(_EVENING.values())
        return self.shuffled([one for kind, make in made.items() for one in make(_EVENING[kind] * share)])
