"""Ids and titles of movies in memory, to look up the movies that a row of a file may mean."""

from collections import defaultdict
from collections.abc import Iterable
from enum import IntEnum
from functools import cached_property
from itertools import islice, product

from movierating.movies.movie_query import BOTH_BITS, KnownMovie, MovieQuery
from movierating.movies.titles import match_key

MAX_CANDIDATES = 20


class NameKind(IntEnum):
    """The kind of a text by which a movie is found: its folded title or original title, or a match key.

    The match keys are KEY of its title or original title, ALTERNATIVE of another title, and PART of a part of a title.
    """

    TITLE = 0
    ORIGINAL_TITLE = 1
    KEY = 2
    ALTERNATIVE = 3
    PART = 4


# The kinds of names that match, the best first. A part of a title makes a movie a candidate only.
_MATCHES = (NameKind.TITLE, NameKind.ORIGINAL_TITLE, NameKind.KEY, NameKind.ALTERNATIVE)


def _encode(year: int | None, id_bits: int) -> int:
    """Return a number for a year and a set of ids, as bits: those that a movie lacks, or that a query has.

    A movie is stored under each set of ids that it lacks, and a query is looked up only among the movies that lack its
    ids. So a lookup takes no longer if many movies share a title.
    """
    return 4 * (year or 0) + id_bits


class MovieIndex:
    """Movies by their ids and names, at 500 to 1,200 bytes a movie."""

    def __init__(self) -> None:
        self._by_movie_id: dict[int, KnownMovie] = {}
        self._by_imdb_id: dict[str, KnownMovie] = {}
        self._by_tmdb_id: dict[int, KnownMovie] = {}
        # For each kind of name, by the name and `_encode`.
        self._by_name: list[defaultdict[tuple[str, int], list[KnownMovie]]] = [
            defaultdict(list) for _ in NameKind
        ]
        # All match keys, so that a name of no movie is looked up once.
        self._keys: set[str] = set()

    def add(self, movie: KnownMovie, title_key: str, original_title_key: str | None) -> None:
        """Add a movie with its folded titles, unless it is there."""
        if movie.movie_id in self._by_movie_id:
            return
        self._by_movie_id[movie.movie_id] = movie
        self.add_ids(movie)
        self._add_name(movie, NameKind.TITLE, title_key)
        keys = [match_key(title_key)]
        # A title of combining marks alone folds to an empty text, which is a title too.
        if original_title_key is not None and original_title_key != title_key:
            self._add_name(movie, NameKind.ORIGINAL_TITLE, original_title_key)
            keys.append(match_key(original_title_key))
        for key in dict.fromkeys(keys):
            self.add_key(movie.movie_id, NameKind.KEY, key)

    def add_ids(self, movie: KnownMovie) -> None:
        """Add the ids that a movie has got since it was added."""
        if movie.imdb_id is not None:
            self._by_imdb_id[movie.imdb_id] = movie
        if movie.tmdb_id is not None:
            self._by_tmdb_id[movie.tmdb_id] = movie

    def add_merged_id(self, movie_id: int, value: str | int) -> None:
        """Add an IMDb id or a TMDB id that a movie took in a merge, if the movie was added."""
        movie = self._by_movie_id.get(movie_id)
        if movie is None:
            return
        if isinstance(value, str):
            self._by_imdb_id.setdefault(value, movie)
        else:
            self._by_tmdb_id.setdefault(value, movie)

    def add_key(self, movie_id: int, kind: NameKind, key: str) -> None:
        """Add a match key of a movie that was added."""
        self._keys.add(key)
        self._add_name(self._by_movie_id[movie_id], kind, key)

    def _add_name(self, movie: KnownMovie, kind: NameKind, text: str) -> None:
        by_name = self._by_name[kind]
        for id_bits in movie.list_missing_id_bits():
            by_name[text, _encode(movie.year, id_bits)].append(movie)

    def has_tmdb_id(self, tmdb_id: int) -> bool:
        """Return True if a movie has this TMDB id."""
        return tmdb_id in self._by_tmdb_id

    def find_by_id(self, query: MovieQuery) -> KnownMovie | None:
        """Return the movie with the query's IMDb id, or with its TMDB id and no other IMDb id."""
        if query.imdb_id is not None and query.imdb_id in self._by_imdb_id:
            return self._by_imdb_id[query.imdb_id]
        movie = self._by_tmdb_id.get(query.tmdb_id) if query.tmdb_id is not None else None
        if movie is None:
            return None
        if movie.tmdb_id == query.tmdb_id:
            return movie if query.accepts(movie) else None
        # The TMDB id comes from a merged movie.
        return movie if query.imdb_id is None or movie.imdb_id in (None, query.imdb_id) else None

    def list_matches(self, query: MovieQuery) -> list[KnownMovie]:
        """Return the movies of the query's year that match one of its titles best, at most MAX_CANDIDATES a title.

        If some of several movies match every title, only those are returned. If the best match is another film's, none
        is returned: the movie that matches less well may be that other film.
        """
        names = [name for name in query.names if name[1] in self._keys]
        for kind in _MATCHES if names else ():
            named = dict.fromkeys(movie for name in names for movie in self._list_named(kind, name, query))
            movies = [movie for movie in named if not query.is_other_film(movie)]
            if len(movies) > 1 and len(names) > 1:
                return [movie for movie in movies if self._has_all_titles(movie, query)] or movies
            if named:
                return movies
        return []

    def list_all_matches(self, query: MovieQuery) -> list[KnownMovie]:
        """Return the movies of the query's year that have one of its titles, the best matches first."""
        names = product(_MATCHES, query.names)
        movies = (movie for kind, name in names for movie in self._list_named(kind, name, query))
        return list(dict.fromkeys(movies))

    def is_named(self, movie: KnownMovie, query: MovieQuery) -> bool:
        """Return True if the movie is of the query's year and has one of the query's titles."""
        year = _encode(query.year, 0)
        return any(
            movie in self._by_name[kind].get((key, year), ())
            for _, key in query.names
            for kind in (NameKind.KEY, NameKind.ALTERNATIVE)
        )

    def has_movie_without_ids(self, title_key: str, year: int | None) -> bool:
        """Return True if a movie without ids has this folded title and year."""
        movies = self._by_name[NameKind.TITLE].get((title_key, _encode(year, BOTH_BITS)), ())
        return any(movie.has_no_ids for movie in movies)

    def _has_all_titles(self, movie: KnownMovie, query: MovieQuery) -> bool:
        """Return True if the movie is of the query's year and has all of the query's titles."""
        return all(
            any(movie in self._list_named(kind, name, query) for kind in _MATCHES) for name in query.names
        )

    def _list_named(self, kind: NameKind, name: tuple[str, str], query: MovieQuery) -> list[KnownMovie]:
        """Return the movies with a name, as in `query.names`, that the query accepts, at most MAX_CANDIDATES."""
        folded, key = name
        text = folded if kind in (NameKind.TITLE, NameKind.ORIGINAL_TITLE) else key
        return list(islice(self._iterate(kind, text, query, query.year), MAX_CANDIDATES))

    def _iterate(
        self, kind: NameKind, text: str, query: MovieQuery, year: int | None
    ) -> Iterable[KnownMovie]:
        movies = self._by_name[kind].get((text, _encode(year, query.id_bits)))
        # A movie may have got ids since it was stored here.
        return filter(query.accepts, movies) if movies else ()

    def list_candidates(self, query: MovieQuery, last_id: int) -> list[int]:
        """Return the ids, up to `last_id`, of at most MAX_CANDIDATES movies that the query may mean but does not match.

        Such a movie has the same title and is a year off, or is of the same year and has a part of a title in common.
        Without a year, it has the same title. Call this after all movies of the database are added.
        """
        keys = [key for _, key in query.names if key in self._keys]
        if query.year is None:
            return self._select_candidates(self._iterate_any_year(keys, query), query, last_id)
        parts = [key for key in query.list_part_keys() if key in self._keys]
        if not keys and not parts:
            return []
        lookups = [
            *product(keys, (NameKind.KEY, NameKind.ALTERNATIVE), (query.year - 1, query.year + 1)),
            *product(keys, (NameKind.PART,), (query.year,)),
            *product(parts, (NameKind.KEY, NameKind.ALTERNATIVE, NameKind.PART), (query.year,)),
        ]
        movies = (movie for text, kind, year in lookups for movie in self._iterate(kind, text, query, year))
        return self._select_candidates(movies, query, last_id)

    def _iterate_any_year(self, keys: Iterable[str], query: MovieQuery) -> Iterable[KnownMovie]:
        for key in keys:
            yield from filter(query.accepts, self._of_any_year.get((key, query.id_bits), ()))

    @cached_property
    def _of_any_year(self) -> dict[tuple[str, int], list[KnownMovie]]:
        """The movies by match key and set of ids that they lack. Few files have titles without years."""
        named: defaultdict[tuple[str, int], list[KnownMovie]] = defaultdict(list)
        for kind in (NameKind.KEY, NameKind.ALTERNATIVE):
            for (key, code), movies in self._by_name[kind].items():
                named[key, code % _encode(1, 0)] += movies
        # The most widely known movies were added to the database first.
        return {place: sorted(movies, key=lambda movie: movie.movie_id) for place, movies in named.items()}

    def _select_candidates(self, movies: Iterable[KnownMovie], query: MovieQuery, last_id: int) -> list[int]:
        ids = (each.movie_id for each in movies if each.movie_id <= last_id and not query.is_other_film(each))
        return list(dict.fromkeys(islice(ids, 2 * MAX_CANDIDATES)))[:MAX_CANDIDATES]
