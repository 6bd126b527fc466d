"""Rules for ratings: single, in a batch, from a file."""

import io
import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from movierating import clock
from stateful.catalogue import IMDB_IDS, Catalogue
from stateful.model import Account, Credential, Movie, Rating
from stateful.service import credentials, movies

values = st.integers(1, 20)
# The first day of a year; None is the time of the request.
moments = st.none() | st.sampled_from([1960, 2001, 2020]).map(
    lambda year: clock.from_datetime(datetime(year, 1, 1, tzinfo=UTC))
)
ROWS = st.lists(st.tuples(st.sampled_from(IMDB_IDS), values, moments), min_size=1, max_size=4)


class Opinions(Catalogue):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        for by in self.world.credentials:
            for movie in self.world.movies[:4]:
                self.rate(by, movie, value=10 + movie.id, rated_at=None)

    @rule(by=credentials, movie=movies, value=values, rated_at=moments)
    def rate(self, by: Credential, movie: Movie, value: int, rated_at: int | None) -> None:
        old = by.account.ratings.get(movie)
        status = by.refusal() or (404 if not movie.here else 200 if old else 201)
        body = {"value": value / 2, **_when(rated_at)}
        answer = self.send(by, "PUT", f"/v1/movies/{movie.id}/rating", status, json=body)
        if status < 300:
            self.give(by.account, movie, value, rated_at, "replace")
            self.compare_rating(by, movie)
            assert answer.json["ratings"] == self.sums_of(movie)

    def give(self, account: Account, movie: Movie, value: int, rated_at: int | None, on_conflict: str) -> str:
        """Rate a movie in the model; return the outcome as a report counts it."""
        self.changed |= {account, movie}
        old = account.ratings.get(movie)
        now = clock.now()
        if old is not None:
            if old.value == value and rated_at in (None, old.rated_at):
                return "unchanged"
            is_newer = rated_at is not None and rated_at > old.rated_at
            if on_conflict == "keep" or (on_conflict == "newer" and not is_newer):
                return "skipped"
        account.ratings[movie] = Rating(value, now if rated_at is None else rated_at)
        return "updated" if old else "created"

    def compare_rating(self, by: Credential, movie: Movie) -> None:
        """Compare a rating. A time chosen by the service must be recent; the model takes it over."""
        known = by.account.ratings[movie]
        shown = self.send(by, "GET", f"/v1/movies/{movie.id}/rating").json
        rated_at = clock.from_datetime(datetime.fromisoformat(shown["rated_at"]))
        assert shown["value"] == known.value / 2
        assert 0 <= known.rated_at - rated_at < 60 * clock.SECOND
        known.rated_at = rated_at

    @rule(by=credentials, movie=movies)
    def take_back(self, by: Credential, movie: Movie) -> None:
        status = by.refusal() or (204 if movie in by.account.ratings else 404)
        self.send(by, "DELETE", f"/v1/movies/{movie.id}/rating", status)
        if status == 204:
            del by.account.ratings[movie]
            self.changed |= {by.account, movie}

    @rule(by=credentials, given=st.lists(st.tuples(movies, values, moments), min_size=1, max_size=4))
    def rate_many(self, by: Credential, given: list[tuple[Movie, int, int | None]]) -> None:
        refused = by.refusal()
        rows = [{"movie_id": movie.id, "value": value / 2, **_when(at)} for movie, value, at in given]
        path = "/v1/users/me/ratings"
        report = self.send(by, "POST", path, refused or 200, json={"ratings": rows}).json
        if refused is None:
            here = [one for one in given if one[0].here]
            outcomes = Counter(self.give(by.account, *one, "replace") for one in here)
            names = [{"movie_id": movie.id} for movie, _, _ in given if not movie.here]
            wanted = {name: outcomes[name] for name in ("created", "updated", "unchanged")}
            assert report == {**wanted, "not_found": names}
            for movie, _, _ in here:
                self.compare_rating(by, movie)

    @rule(by=credentials, given=st.lists(movies, min_size=1, max_size=4))
    def take_many_back(self, by: Credential, given: list[Movie]) -> None:
        refused = by.refusal()
        path, rows = "/v1/users/me/ratings/delete", [{"movie_id": movie.id} for movie in given]
        report = self.send(by, "POST", path, refused or 200, json={"ratings": rows}).json
        if refused is None:
            gone = {movie for movie in given if movie in by.account.ratings}
            names = sorted(movie.id for movie in given if movie not in gone)
            assert report["deleted"] == len(gone)
            assert sorted(name["movie_id"] for name in report["not_found"]) == names
            for movie in gone:
                del by.account.ratings[movie]
            self.changed |= {by.account, *gone}

    @rule(
        by=credentials,
        rows=ROWS,
        on_conflict=st.sampled_from(["newer", "keep", "replace"]),
        create=st.booleans(),
        dry=st.booleans(),
    )
    def bring(
        self,
        by: Credential,
        rows: list[tuple[str, int, int | None]],
        on_conflict: str,
        create: bool,
        dry: bool,
    ) -> None:
        """Import a file whose rows name movies by IMDb id."""
        refused = by.refusal()
        query = f"?on_conflict={on_conflict}&create_missing={str(create).lower()}&dry_run={str(dry).lower()}"
        path, form = f"/v1/users/me/ratings/import{query}", {"file": (io.BytesIO(_csv(rows)), "mine.csv")}
        report = self.send(by, "POST", path, refused or 200, data=form).json
        if refused is None and dry:
            assert sum(_counts(report).values()) == len(rows)
            self.changed |= {*self.world.movies, *self.world.accounts}
        elif refused is None:
            for imdb_id in dict.fromkeys(row[0] for row in rows if create):
                self._made(imdb_id)
            assert _counts(report) == self._taken(by, rows, on_conflict)

    def _made(self, imdb_id: str) -> None:
        if not self.world.movie_of(imdb_id):
            found = self.send(None, "GET", f"/v1/movies/by-imdb/{imdb_id}").json
            facts = {**_facts(imdb_id), "genres": [], "imdb_id": imdb_id}
            self.now_there(Movie(found["id"], facts))

    def _taken(
        self, by: Credential, rows: list[tuple[str, int, int | None]], on_conflict: str
    ) -> Counter[str]:
        """Apply the rows to the model; return the counts that the report must have."""
        found = [(movie, *row[1:]) for row in rows if (movie := self.world.movie_of(row[0]))]
        newest: dict[Movie, tuple[int, int | None]] = {}
        for movie, value, rated_at in found:
            if movie not in newest or _moment(rated_at) >= _moment(newest[movie][1]):
                newest[movie] = (value, rated_at)
        outcomes = Counter(self.give(by.account, movie, *one, on_conflict) for movie, one in newest.items())
        for movie in newest:
            self.compare_rating(by, movie)
        outcomes["skipped"] += len(found) - len(newest)
        outcomes["unmatched"] = len(rows) - len(found)
        return +outcomes


def _when(rated_at: int | None) -> dict[str, str]:
    return {} if rated_at is None else {"rated_at": clock.format_rfc3339(rated_at)}


def _moment(rated_at: int | None) -> float:
    return -math.inf if rated_at is None else rated_at


def _facts(imdb_id: str) -> dict[str, Any]:
    """Return a unique title and year for a movie in a file."""
    return {"title": f"Imported {imdb_id}", "year": 1950}


def _csv(rows: list[tuple[str, int, int | None]]) -> bytes:
    lines = ["imdb_id,title,year,value,rated_at"]
    for imdb_id, value, rated_at in rows:
        facts = _facts(imdb_id)
        when = "" if rated_at is None else clock.format_rfc3339(rated_at)
        lines.append(f"{imdb_id},{facts['title']},{facts['year']},{value / 2:g},{when}")
    return "\n".join(lines).encode()


def _counts(report: dict[str, Any]) -> Counter[str]:
    counts = {name: report[name] for name in ("created", "updated", "unchanged", "skipped")}
    return +Counter({**counts, **{name: len(report[name]) for name in ("unmatched", "errors")}})
