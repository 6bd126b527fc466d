"""The filters of movies, each as a selection of ids and as a condition on one movie."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, String, bindparam, func, literal_column, or_, select

from movierating.movies import search_index
from movierating.movies.models import Movie, MovieFacet, contains_text
from movierating.movies.titles import fold, split_words

_movie, _facet = Movie.__table__.c, MovieFacet.__table__.c


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter in two forms: `hits` selects the ids of the movies that pass, `test` asks a row of movie.

    `test` offers the planner no index but the one that is walked.
    """

    hits: Select[Any]
    test: ColumnElement[bool]


def parse_filters(filters: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the kinds of the filters that are set, and the values of their parameters, by name and place."""
    kinds: list[str] = []
    values: dict[str, Any] = {}
    for place, facet in enumerate(_facets(filters)):
        kind, _, value = facet.partition(":")
        kinds.append(kind)
        values[f"facet{place}"] = facet
        # Genres are a JSON list; no name has a quote in it.
        values[f"is{place}"] = f'"{value}"' if kind == "genre" else int(value) if kind == "year" else value
    if "q" in filters:
        words = split_words(filters["q"])
        kinds.append("words" if words else "title")
        values |= search_index.bind_words(words)
        values["begins"] = f" {words[0]}" if words else ""
        values["text"] = fold(filters["q"])
    if "year_from" in filters or "year_to" in filters:
        kinds.append("years")
        # An unknown year ranks as 0.
        values["first"], values["last"] = max(1, filters.get("year_from", 1)), filters.get("year_to", 9999)
    if least := filters.get("min_count"):
        kinds.append("count")
        values["least"] = least
    return tuple(kinds), values


def _facets(filters: Mapping[str, Any]) -> list[str]:
    facts = {"year": filters.get("year"), "language": filters.get("language")}
    facts["genres"] = orjson.dumps(filters.get("genre", []))
    facts["directors"] = orjson.dumps([filters["director"]] if "director" in filters else [])
    return search_index.list_facets(facts)


def build_filters(kinds: tuple[str, ...], walked: Any) -> list[Filter]:
    """Return the filters of these kinds, in order, for a walk of the index of the column `walked`."""
    return [_filter(kind, place, walked) for place, kind in enumerate(kinds)]


def _filter(kind: str, place: int, walked: Any) -> Filter:
    """Return the filter of this kind at this place, for a walk of the index of the column `walked`."""
    if kind == "title":
        return _of_column(_movie.title_key, walked, lambda title: title == bindparam("text"))
    if kind == "words":
        # The hits are listed once for all movies: asking the full-text index about each costs 50 µs and more.
        return Filter(_WITH_WORDS, without_index(_movie.id).in_(_WITH_WORDS))
    if kind == "common word":
        return Filter(_WITH_WORDS, _with_common_word())
    if kind == "years":
        return _of_column(
            _movie.year_rank, walked, lambda year: year.between(bindparam("first"), bindparam("last"))
        )
    if kind == "count":
        return _of_column(_movie.rating_count, walked, lambda count: count >= bindparam("least"))
    return _of_facet(kind, place)


_found = search_index.MOVIE_SEARCH.c
_WITH_WORDS = select(_found.rowid).where(search_index.match_words())


def _with_common_word() -> ColumnElement[bool]:
    # The index keeps its text, which is words with a space between them.
    texts = (_found.title, _found.original_title, _found.directors)
    begins = bindparam("begins", type_=String)
    has_it = or_(*(contains_text(literal_column("' '", String).concat(text), begins) for text in texts))
    text = select(_found.rowid).where(_found.rowid == without_index(_movie.id), has_it)
    return text.correlate(Movie.__table__).exists()


def _of_facet(kind: str, place: int) -> Filter:
    hits = select(_facet.movie_id).where(_facet.facet == bindparam(f"facet{place}"))
    if kind == "genre":
        return Filter(hits, contains_text(_movie.genres, bindparam(f"is{place}", type_=String)))
    if kind in ("year", "language"):
        return Filter(hits, _movie[kind] == bindparam(f"is{place}"))
    test = hits.where(_facet.movie_id == without_index(_movie.id)).correlate(Movie.__table__).exists()
    return Filter(hits, test)


def _of_column(column: Any, walked: Any, passes: Callable[[Any], ColumnElement[bool]]) -> Filter:
    test = passes(column if column is walked else without_index(column))
    return Filter(select(_movie.id).where(passes(column)).correlate(None), test)


def without_index(column: Any) -> ColumnElement[Any]:
    """Return the column's value as an expression that no index serves, on any database."""
    return func.coalesce(column, column)
