"""Rules for movies: created, updated with If-Match, deleted."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from stateful.model import TITLES, Credential, Movie
from stateful.people import People
from stateful.service import admins, credentials, movies

IMDB_IDS = tuple(f"tt000000{number}" for number in range(8))

titles = st.sampled_from(list(TITLES))
years = st.sampled_from([1996, 2000])
genres = st.lists(st.sampled_from(["Drama", "Comedy"]), unique=True)
FACTS = st.fixed_dictionaries(
    {
        "title": titles,
        "year": years,
        "genres": genres,
        "imdb_id": st.none() | st.sampled_from(IMDB_IDS),
    }
)
CHANGES = st.one_of(
    st.fixed_dictionaries({name: values})
    for name, values in {"title": titles, "year": years, "genres": genres}.items()
)


class Catalogue(People):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        for place, title in enumerate(["Emma", "Łódź", "Élan", "Ronin, Emma", "Łódź"]):
            facts = {"title": title, "year": 2000 - place, "genres": ["Drama"], "imdb_id": IMDB_IDS[place]}
            self.add_movie(self.world.credentials[0], facts)

    @rule(by=credentials, facts=FACTS)
    def add_movie(self, by: Credential, facts: dict[str, Any]) -> None:
        refused = by.refusal() or (409 if self.world.conflicts(facts) else None)
        made = self.send(by, "POST", "/v1/movies", refused or 201, json=facts)
        if refused is None:
            assert made.headers["Location"] == f"/v1/movies/{made.json['id']}"
            self.now_there(Movie(made.json["id"], facts))

    def now_there(self, movie: Movie) -> None:
        """Add a new movie to the model."""
        self.world.movies.append(movie)
        self.changed.add(movie)

    @rule(by=admins, movie=movies, change=CHANGES, data=st.data())
    def change_movie(self, by: Credential, movie: Movie, change: dict[str, Any], data: st.DataObject) -> None:
        tag = data.draw(_tags(movie))
        facts = {**movie.facts, **change}
        renamed = any(facts[name] != movie.facts[name] for name in ("title", "year"))
        refused = self._refusal(by, movie, tag) or (
            409 if renamed and self.world.conflicts(facts, movie) else None
        )
        path, headers = f"/v1/movies/{movie.id}", {"If-Match": tag} if tag else {}
        answer = self.send(by, "PATCH", path, refused or 200, json=change, headers=headers)
        if refused is None:
            movie.edit += facts != movie.facts
            movie.facts = facts
            self.changed.add(movie)
            assert answer.json == self.send(None, "GET", path).json
            assert answer.headers["ETag"] == self.send(None, "GET", path).headers["ETag"]

    @rule(by=admins, movie=movies, with_ratings=st.booleans(), data=st.data())
    def remove_movie(self, by: Credential, movie: Movie, with_ratings: bool, data: st.DataObject) -> None:
        tag = data.draw(_tags(movie))
        raters = [account for account, _ in self.world.raters(movie)]
        refused = self._refusal(by, movie, tag) or (409 if raters and not with_ratings else None)
        path = f"/v1/movies/{movie.id}?with_ratings={str(with_ratings).lower()}"
        self.send(by, "DELETE", path, refused or 204, headers={"If-Match": tag} if tag else {})
        if refused is None:
            movie.here = False
            self.changed |= {movie, *raters}
            for account in raters:
                del account.ratings[movie]

    def _refusal(self, by: Credential, movie: Movie, tag: str | None) -> int | None:
        if refused := by.refusal(admin=True):
            return refused
        if not movie.here:
            return 404
        if tag is None:
            return 428
        return None if tag == "*" or tag.startswith(f'"{movie.edit}-') else 412


def _tags(movie: Movie) -> st.SearchStrategy[str | None]:
    """Draw an If-Match header: `*`, an ETag seen before, or none."""
    return st.sampled_from(["*", *movie.tags[-1:], *movie.tags, None])
