"""The filters of movies, each as a selection of ids and as a condition on one movie."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    union,
)

from movierating.movies import search_index
from movierating.movies.models import MAX_RUNTIME_MINUTES, MergedMovie, Movie, MovieFacet
from movierating.movies.own_ratings import RATING
from movierating.movies.titles import fold, list_with_articles, split_words
from movierating.storage.dialect import contains_text, encode_values, in_many, in_query_by_index

_movie, _facet, _rating = Movie.__table__.c, MovieFacet.__table__.c, RATING.c
_merged = MergedMovie.__table__.c
_text, _text_end = (bindparam(name, type_=_movie.title_key.type) for name in ("text", "text_end"))
_titles = bindparam("titles", type_=String)
_first_year, _last_year = (bindparam(name, type_=_movie.year.type) for name in ("first", "last"))
# No text that starts with another one comes after that one with this character.
_LAST_CHARACTER = "\U0010ffff"


def without_index(column: Any) -> ColumnElement[Any]:
    """Return the column's value as an expression that no index serves, on any database."""
    return func.coalesce(column, column)


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter in three forms: `ids` selects the movies that pass; `lookup` and `condition` test a row of `movie`.

    `lookup` finds the movies by an index. `condition` can use no index except the one that is walked.
    """

    ids: Select[Any]
    condition: ColumnElement[bool]
    lookup: ColumnElement[bool]


def parse_filters(filters: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the kinds of the filters, and the values of their parameters, numbered by position.

    Filters that select the same movies in another spelling have the same kinds and values.
    """
    facets = _list_facets(filters)
    kinds = [kind for kind, _ in facets]
    values: dict[str, Any] = {}
    for position, (kind, value) in enumerate(facets):
        values[f"facet{position}"] = f"{kind}:{value}"
        # Genres are stored as a JSON list; no genre contains a quote.
        values[f"value{position}"] = f'"{value}"' if kind in ("genre", "excluded genre") else value
    if "q" in filters:
        words = split_words(filters["q"])
        kinds.append("words" if words else "title")
        values |= search_index.bind_words(words)
        values["word_start"] = f" {words[0]}" if words else ""
        values["text"] = fold(filters["q"])
        values["text_end"] = values["text"] + _LAST_CHARACTER
        values["titles"] = _encode_titles(values["text"])
    if "ids" in filters:
        kinds.append("ids")
        values["ids"] = encode_values(sorted(set(filters["ids"])))
    if "rated" in filters:
        kinds.append("rated" if filters["rated"] else "unrated")
        values["rater"] = filters["rater"]
    ranges = _parse_ranges(filters)
    return (*kinds, *ranges), values | {
        name: value for part in ranges.values() for name, value in part.items()
    }


def _list_facets(filters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the kinds of the filters that compare one value, each with the value."""
    facets = [("genre", genre) for genre in sorted(set(filters.get("genre", ())))]
    facets += [("excluded genre", genre) for genre in sorted(set(filters.get("exclude_genre", ())))]
    if "director" in filters:
        facets.append(("director", fold(filters["director"])))
    facets += [(kind, filters[kind]) for kind in ("year", "language", "country") if kind in filters]
    return facets


def _parse_ranges(filters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the kinds of the filters by a range of numbers, each with the values of its parameters."""
    ranges: dict[str, dict[str, Any]] = {}
    if "year_from" in filters or "year_to" in filters:
        # An unknown year is stored as rank 0.
        first, last = max(1, filters.get("year_from", 1)), filters.get("year_to", 9999)
        ranges["years"] = {"first": first, "last": last}
    if "runtime_from" in filters or "runtime_to" in filters:
        shortest, longest = filters.get("runtime_from", 0), filters.get("runtime_to", MAX_RUNTIME_MINUTES)
        ranges["runtime"] = {"shortest": shortest, "longest": longest}
    if min_count := filters.get("min_count"):
        ranges["count"] = {"min_count": min_count}
    if "min_score" in filters:
        ranges["score"] = {"min_score": filters["min_score"]}
    return ranges


def _encode_titles(text: str) -> str:
    """Return the titles that pass the filter "whole title": the text, and the text behind each article.

    Titles that start with the text are left out: "title start" has those.
    """
    titles = (title for title in list_with_articles(text) if title == text or not title.startswith(text))
    return encode_values(sorted(titles))


def build_filters(kinds: tuple[str, ...], walked: Any) -> list[Filter]:
    """Return the filters of these kinds, in order, for a walk of the index of the column `walked` (None: no walk)."""
    return [build_filter(kind, position, walked) for position, kind in enumerate(kinds)]


def build_filter(kind: str, position: int, walked: Any) -> Filter:
    """Return the filter of a kind, whose parameters are numbered by `position`, as `build_filters` does."""
    if kind in _COLUMN_FILTERS:
        by_column = _filter_column(*_COLUMN_FILTERS[kind], position, walked)
        if kind != "title start":
            return by_column
        # All matches are listed once, from an index that contains the ids: no movie has to be read.
        return replace(by_column, condition=without_index(_movie.id).in_(by_column.ids))
    if kind in _ID_FILTERS:
        return _filter_ids(*_ID_FILTERS[kind])
    if kind in ("rated", "unrated"):
        return _filter_rated(kind)
    if kind == "excluded genre":
        return _filter_condition(~contains_text(_movie.genres, bindparam(f"value{position}")))
    return _filter_facet(kind, position)


def _starts_with_text(title: Any, _: Any) -> ColumnElement[bool]:
    return and_(title > _text, title <= _text_end)


# Filters by a column: the condition that its value passes, which may use the parameter that is numbered by position.
_COLUMN_FILTERS: dict[str, tuple[Any, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "title": (_movie.title_key, lambda title, _: title == _text),
    "whole title": (_movie.title_key, lambda title, _: in_many(title, _titles)),
    "title start": (_movie.title_key, _starts_with_text),
    "common title start": (_movie.title_key, _starts_with_text),
    "year": (_movie.year_rank, lambda year, value: year == value),
    "years": (_movie.year_rank, lambda year, _: year.between(_first_year, _last_year)),
    "runtime": (
        _movie.runtime_minutes,
        lambda minutes, _: minutes.between(bindparam("shortest"), bindparam("longest")),
    ),
    "country": (_movie.country, lambda country, value: country == value),
    "count": (_movie.rating_count, lambda count, _: count >= bindparam("min_count")),
    "score": (_movie.score, lambda score, _: score >= bindparam("min_score")),
}


def _filter_column(
    column: Any, passes: Callable[[Any, Any], ColumnElement[bool]], position: int, walked: Any
) -> Filter:
    """Return the filter by a column.

    A year is looked up by its rank, but other indexes contain only the year. The two differ in movies of unknown year,
    which pass no filter.
    """
    value = bindparam(f"value{position}", type_=column.type)
    lookup = passes(column, value)
    if column is walked:
        condition = lookup
    elif column is _movie.year_rank:
        condition = passes(_movie.year, value)
    else:
        condition = passes(without_index(column), value)
    return Filter(select(_movie.id).where(lookup).correlate(None), condition, lookup)


# The id of a merged movie selects the one that it was merged into.
_ids = bindparam("ids", type_=String)
_SELECTED_IDS = union(
    select(_movie.id).where(in_many(_movie.id, _ids)),
    select(_merged.into_id).where(in_many(_merged.id, _ids)),
).subquery()
_WITH_IDS = select(_SELECTED_IDS.c.id)


_indexed = search_index.MOVIE_SEARCH.c
_WITH_WORDS = select(_indexed.rowid).where(search_index.match_words())


def _has_common_word() -> ColumnElement[bool]:
    """Return the condition that a word in the stored text of the full-text index starts with the value."""
    texts = [_indexed[name] for name in search_index.TEXT_COLUMNS]
    start = bindparam("word_start", type_=String)
    has_word = or_(*(contains_text(literal_column("' '", String).concat(text), start) for text in texts))
    row = select(_indexed.rowid).where(_indexed.rowid == without_index(_movie.id), has_word)
    return row.correlate(Movie.__table__).exists()


# Filters that select ids, with the conditions on one movie.
_ID_FILTERS: dict[str, tuple[Select[Any], ColumnElement[bool]]] = {
    # All matches are listed once: to query the full-text index for each movie costs 50 µs and more.
    "words": (_WITH_WORDS, without_index(_movie.id).in_(_WITH_WORDS)),
    "common word": (_WITH_WORDS, _has_common_word()),
    "ids": (_WITH_IDS, without_index(_movie.id).in_(_WITH_IDS)),
}


def has_other_title() -> ColumnElement[bool]:
    """Return the condition that a movie's title neither starts with the text of `q` nor is an article and the text."""
    title = without_index(_movie.title_key)
    return and_(or_(title < _text, title > _text_end), ~in_many(title, _titles))


def _filter_facet(kind: str, position: int) -> Filter:
    ids = select(_facet.movie_id).where(_facet.facet == bindparam(f"facet{position}"))
    value: Any = bindparam(f"value{position}")
    if kind == "genre":
        return _filter_ids(ids, contains_text(_movie.genres, value))
    if kind == "language":
        return _filter_ids(ids, _movie.language == value)
    of_movie = ids.where(_facet.movie_id == without_index(_movie.id))
    return _filter_ids(ids, of_movie.correlate(Movie.__table__).exists())


def _filter_rated(kind: str) -> Filter:
    """Return the filter of the movies that one user rated, or of the others."""
    ids = select(_rating.movie_id).where(_rating.user_id == bindparam("rater"))
    of_movie = ids.where(_rating.movie_id == without_index(_movie.id))
    is_rated = of_movie.correlate(Movie.__table__).exists()
    if kind == "rated":
        return _filter_ids(ids, is_rated)
    return _filter_condition(~is_rated)


def _filter_ids(ids: Select[Any], condition: ColumnElement[bool]) -> Filter:
    return Filter(ids, condition, in_query_by_index(_movie.id, ids))


def _filter_condition(condition: ColumnElement[bool]) -> Filter:
    return Filter(select(_movie.id).where(condition), condition, condition)
