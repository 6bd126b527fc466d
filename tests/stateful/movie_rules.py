"""Rules for movies: created, updated with If-Match, given alternative titles, merged, deleted."""

from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from movierating.movies.import_batch import add_catalogue_titles
from movierating.storage.database import write
from stateful.account_rules import AccountRules
from stateful.machine import admins, credentials, movies
from stateful.model import FOLDED_TITLES, Credential, Movie

ALTERNATIVE_TITLES = ("Emma", "Miss Emma")
IMDB_IDS = tuple(f"tt000000{number}" for number in range(8))

FIELDS = {
    "title": st.sampled_from(list(FOLDED_TITLES)),
    "year": st.sampled_from([1996, 2000]),
    "genres": st.lists(st.sampled_from(["Drama", "Comedy"]), unique=True),
}
FACTS = st.fixed_dictionaries({**FIELDS, "imdb_id": st.none() | st.sampled_from(IMDB_IDS)})
CHANGES = st.one_of(st.fixed_dictionaries({name: values}) for name, values in FIELDS.items())


class MovieRules(AccountRules):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        for number, title in enumerate(["Emma", "Łódź", "Élan", "Ronin, Emma", "Łódź"]):
            facts = {"title": title, "year": 2000 - number, "genres": ["Drama"], "imdb_id": IMDB_IDS[number]}
            self.create_movie(self.model.credentials[0], facts)

    @rule(by=credentials, facts=FACTS)
    def create_movie(self, by: Credential, facts: dict[str, Any]) -> None:
        error = by.error() or (409 if self.model.has_conflict(facts) else None)
        response = self.send(by, "POST", "/v1/movies", error or 201, json=facts)
        if error is None:
            assert response.headers["Location"] == f"/v1/movies/{response.json['id']}"
            self.add_movie(response.json["id"], facts)

    def add_movie(self, movie_id: int, facts: dict[str, Any]) -> None:
        """Add a new movie to the model."""
        movie = Movie(movie_id, facts)
        self.model.movies.append(movie)
        self.changed.add(movie)

    @rule(by=admins, movie=movies, change=CHANGES, data=st.data())
    def update_movie(self, by: Credential, movie: Movie, change: dict[str, Any], data: st.DataObject) -> None:
        if_match = data.draw(_if_match(movie))
        facts = {**movie.facts, **change}
        renamed = any(facts[name] != movie.facts[name] for name in ("title", "year"))
        conflict = 409 if renamed and self.model.has_conflict(facts, movie) else None
        error = _error(by, movie, if_match) or conflict
        path, headers = f"/v1/movies/{movie.id}", {"If-Match": if_match} if if_match else {}
        response = self.send(by, "PATCH", path, error or 200, json=change, headers=headers)
        if error is None:
            movie.edit += facts != movie.facts
            movie.facts = facts
            self.changed.add(movie)
            read = self.send(None, "GET", path)
            assert (response.json, response.headers["ETag"]) == (read.json, read.headers["ETag"])

    @rule(by=admins, movie=movies, with_ratings=st.booleans(), data=st.data())
    def delete_movie(self, by: Credential, movie: Movie, with_ratings: bool, data: st.DataObject) -> None:
        if_match = data.draw(_if_match(movie))
        raters = [account for account, _ in self.model.ratings_of(movie)]
        error = _error(by, movie, if_match) or (409 if raters and not with_ratings else None)
        path = f"/v1/movies/{movie.id}?with_ratings={str(with_ratings).lower()}"
        self.send(by, "DELETE", path, error or 204, headers={"If-Match": if_match} if if_match else {})
        if error is None:
            movie.exists = False
            self.changed |= {movie, *raters}
            for account in raters:
                del account.ratings[movie]

    @rule(movie=movies, title=st.sampled_from(ALTERNATIVE_TITLES))
    def add_alternative_title(self, movie: Movie, title: str) -> None:
        is_new = movie.exists and not movie.removed_titles and movie.add_title(title)
        assert write(partial(add_catalogue_titles, titles={movie.id: [title]})) == is_new
        if is_new:
            movie.edit += 1
            self.changed.add(movie)

    @rule(by=admins, movie=movies, titles=st.lists(st.sampled_from(ALTERNATIVE_TITLES), unique=True))
    def replace_titles(self, by: Credential, movie: Movie, titles: list[str]) -> None:
        path = f"/v1/movies/{movie.id}"
        error = _error(by, movie, "*") or (None if movie.accepts_titles(titles) else 422)
        shown = self.send(None, "GET", path).json["alternative_titles"] if error is None else []
        body, headers = {"alternative_titles": titles}, {"If-Match": "*"}
        response = self.send(by, "PATCH", path, error or 200, json=body, headers=headers)
        if error is None:
            assert response.json["alternative_titles"] == titles
            movie.edit += titles != shown
            movie.replace_titles(titles)
            self.changed.add(movie)

    @rule(by=admins, movie=movies, into=movies)
    def merge_movies(self, by: Credential, movie: Movie, into: Movie) -> None:
        survivor = into.survivor
        is_invalid = survivor is movie or not survivor.exists
        error = by.error(admin=True) or (404 if not movie.exists else 422 if is_invalid else None)
        path = f"/v1/movies/{movie.id}/merge"
        response = self.send(by, "POST", path, error or 200, json={"into": into.id})
        if error is None:
            self.changed |= {movie, survivor, *self.model.merge(movie, survivor)}
            assert response.json["id"] == survivor.id


def _error(by: Credential, movie: Movie, if_match: str | None) -> int | None:
    """Return the status with which a change of a movie is rejected, None if it is accepted."""
    if error := by.error(admin=True):
        return error
    if not movie.exists:
        return 404
    if if_match is None:
        return 428
    return None if if_match == "*" or if_match.startswith(f'"{movie.edit}-') else 412


def _if_match(movie: Movie) -> st.SearchStrategy[str | None]:
    """Draw an If-Match header: `*`, an ETag seen before, or none."""
    return st.sampled_from(["*", *movie.etags[-1:], *movie.etags, None])
