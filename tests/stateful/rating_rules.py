"""Rules for ratings: single, in a batch, from a file."""

import io
import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from movierating import clock
from stateful.machine import credentials, movies
from stateful.model import Account, Credential, Movie, Rating
from stateful.movie_rules import IMDB_IDS, MovieRules

# A row of a file: IMDb id, value in half points, time.
Row = tuple[str, int, int | None]

values = st.integers(1, 20)
# The first day of a year; None is the time of the request.
times = st.none() | st.sampled_from([1960, 2001, 2020]).map(
    lambda year: clock.from_datetime(datetime(year, 1, 1, tzinfo=UTC))
)
ROWS = st.lists(st.tuples(st.sampled_from(IMDB_IDS), values, times), min_size=1, max_size=4)
IMPORT_OPTIONS = st.fixed_dictionaries(
    {
        "on_conflict": st.sampled_from(["newer", "keep", "replace"]),
        "create_missing": st.booleans(),
        "dry_run": st.booleans(),
    }
)


class RatingRules(MovieRules):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        for by in self.model.credentials:
            for movie in self.model.movies[:4]:
                self.rate(by, movie, value=10 + movie.id, rated_at=None)

    @rule(by=credentials, movie=movies, value=values, rated_at=times)
    def rate(self, by: Credential, movie: Movie, value: int, rated_at: int | None) -> None:
        is_new = movie not in by.account.ratings
        status = by.error() or (404 if not movie.exists else 201 if is_new else 200)
        body = {"value": value / 2, **_rated_at(rated_at)}
        response = self.send(by, "PUT", f"/v1/movies/{movie.id}/rating", status, json=body)
        if status < 300:
            self.set_rating(by.account, movie, value, rated_at, "replace")
            self.compare_rating(by, movie)
            assert response.json["ratings"] == self.aggregate_of(movie)

    def set_rating(
        self, account: Account, movie: Movie, value: int, rated_at: int | None, on_conflict: str
    ) -> str:
        """Set a rating in the model; return the outcome as a report counts it."""
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
        """Compare a rating. A time chosen by the service must be recent, and is copied to the model."""
        expected = by.account.ratings[movie]
        shown = self.send(by, "GET", f"/v1/movies/{movie.id}/rating").json
        rated_at = clock.from_datetime(datetime.fromisoformat(shown["rated_at"]))
        assert shown["value"] == expected.value / 2
        assert 0 <= expected.rated_at - rated_at < 60 * clock.SECOND
        expected.rated_at = rated_at

    @rule(by=credentials, movie=movies)
    def delete_rating(self, by: Credential, movie: Movie) -> None:
        status = by.error() or (204 if movie in by.account.ratings else 404)
        self.send(by, "DELETE", f"/v1/movies/{movie.id}/rating", status)
        if status == 204:
            del by.account.ratings[movie]
            self.changed |= {by.account, movie}

    @rule(by=credentials, ratings=st.lists(st.tuples(movies, values, times), min_size=1, max_size=4))
    def rate_many(self, by: Credential, ratings: list[tuple[Movie, int, int | None]]) -> None:
        error = by.error()
        body = [{"movie_id": movie.id, "value": value / 2, **_rated_at(at)} for movie, value, at in ratings]
        path = "/v1/users/me/ratings"
        report = self.send(by, "POST", path, error or 200, json={"ratings": body}).json
        if error is None:
            resolved = [(movie.survivor, value, at) for movie, value, at in ratings]
            existing = [rating for rating in resolved if rating[0].exists]
            outcomes = Counter(self.set_rating(by.account, *rating, "replace") for rating in existing)
            counts = {name: outcomes[name] for name in ("created", "updated", "unchanged")}
            not_found = [{"movie_id": movie.id} for movie, _, _ in ratings if not movie.survivor.exists]
            assert report == {**counts, "not_found": not_found}
            for movie, _, _ in existing:
                self.compare_rating(by, movie)

    @rule(by=credentials, chosen=st.lists(movies, min_size=1, max_size=4))
    def delete_many(self, by: Credential, chosen: list[Movie]) -> None:
        error = by.error()
        path, body = "/v1/users/me/ratings/delete", [{"movie_id": movie.id} for movie in chosen]
        report = self.send(by, "POST", path, error or 200, json={"ratings": body}).json
        if error is None:
            rated = {movie.survivor for movie in chosen if movie.survivor in by.account.ratings}
            not_found = sorted(movie.id for movie in chosen if movie.survivor not in rated)
            assert report["deleted"] == len(rated)
            assert sorted(item["movie_id"] for item in report["not_found"]) == not_found
            for movie in rated:
                del by.account.ratings[movie]
            self.changed |= {by.account, *rated}

    @rule(by=credentials, rows=ROWS, options=IMPORT_OPTIONS, restores=st.booleans())
    def import_file(
        self, by: Credential, rows: list[Row], options: dict[str, Any], *, restores: bool
    ) -> None:
        """Import a file whose rows name movies by IMDb id; restore the ratings that it replaced."""
        error = by.error()
        form = {"file": (io.BytesIO(_make_csv(rows)), "mine.csv")}
        query = "&".join(f"{name}={str(value).lower()}" for name, value in options.items())
        path = f"/v1/users/me/ratings/import?{query}"
        report = self.send(by, "POST", path, error or 200, data=form).json
        if error is None and options["dry_run"]:
            assert sum(_count(report).values()) == len(rows)
            self.changed |= {*self.model.movies, *self.model.accounts}
        elif error is None:
            former = dict(by.account.ratings)
            for imdb_id in dict.fromkeys(row[0] for row in rows if options["create_missing"]):
                self._add_imported_movie(imdb_id)
            assert _count(report) == self._apply_rows(by, rows, options["on_conflict"])
            assert (report["replaced_csv"] is None) == (report["updated"] == 0)
            if restores and report["updated"]:
                self._restore(by, former, report)

    def _restore(self, by: Credential, former: dict[Movie, Rating], report: dict[str, Any]) -> None:
        """Import the ratings that an import replaced; those that it created stay."""
        form = {"file": (io.BytesIO(report["replaced_csv"].encode()), "replaced.csv")}
        path = "/v1/users/me/ratings/import?on_conflict=replace"
        assert self.send(by, "POST", path, 200, data=form).json["updated"] == report["updated"]
        by.account.ratings |= former
        for movie in former:
            self.compare_rating(by, movie)

    def _add_imported_movie(self, imdb_id: str) -> None:
        if not self.model.find_movie(imdb_id) and not self.model.is_deleted(imdb_id):
            shown = self.send(None, "GET", f"/v1/movies/by-imdb/{imdb_id}").json
            self.add_movie(shown["id"], {**_facts(imdb_id), "genres": [], "imdb_id": imdb_id})

    def _apply_rows(self, by: Credential, rows: list[Row], on_conflict: str) -> Counter[str]:
        """Apply the rows to the model; return the counts that the report must have."""
        matched = [(movie, *row[1:]) for row in rows if (movie := self.model.find_movie(row[0]))]
        newest: dict[Movie, tuple[int, int | None]] = {}
        for movie, value, rated_at in matched:
            if movie not in newest or _sort_key(rated_at) >= _sort_key(newest[movie][1]):
                newest[movie] = (value, rated_at)
        outcomes = Counter(
            self.set_rating(by.account, movie, *row, on_conflict) for movie, row in newest.items()
        )
        for movie in newest:
            self.compare_rating(by, movie)
        outcomes["skipped"] += len(matched) - len(newest)
        outcomes["unmatched"] = len(rows) - len(matched)
        return +outcomes


def _rated_at(rated_at: int | None) -> dict[str, str]:
    return {} if rated_at is None else {"rated_at": clock.format_rfc3339(rated_at)}


def _sort_key(rated_at: int | None) -> float:
    return -math.inf if rated_at is None else rated_at


def _facts(imdb_id: str) -> dict[str, Any]:
    """Return a unique title and year for a movie in a file."""
    return {"title": f"Imported {imdb_id}", "year": 1950}


def _make_csv(rows: list[Row]) -> bytes:
    lines = ["imdb_id,title,year,value,rated_at"]
    for imdb_id, value, rated_at in rows:
        time = _rated_at(rated_at).get("rated_at", "")
        lines.append(",".join([imdb_id, *map(str, _facts(imdb_id).values()), f"{value / 2:g}", time]))
    return "\n".join(lines).encode()


def _count(report: dict[str, Any]) -> Counter[str]:
    counts = {name: report[name] for name in ("created", "updated", "unchanged")}
    counts["skipped"] = sum(report["skipped"].values())
    return +Counter({**counts, **{name: len(report[name]) for name in ("unmatched", "errors")}})
