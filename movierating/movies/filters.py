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
from movierating.movies.models import MAX_RUNTIME_MINUTES, MergedMovie, Movie, MovieFacet, contains_text
from movierating.movies.own_ratings import RATING
from movierating.movies.titles import fold, list_with_articles, split_words
from movierating.storage.dialect import encode_values, in_many, in_rows

_movie, _facet, _rating = Movie.__table__.c, MovieFacet.__table__.c, RATING.c
_merged = MergedMovie.__table__.c
_text, _text_end = (bindparam(name, type_=_movie.title_key.type) for name in ("text", "text_end"))
_titles = bindparam("titles", type_=String)
# No text that starts with another one comes after that one with this character.
_LAST_CHARACTER = "\U0010ffff"


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
    if kind == "title":
        return _filter_column(_movie.title_key, walked, lambda title: title == _text)
    if kind == "whole title":
        return _filter_column(_movie.title_key, walked, lambda title: in_many(title, _titles))
    if kind in ("title start", "common title start"):
        return _filter_title_start(walked, is_common=kind == "common title start")
    if kind == "words":
        # All matches are listed once: to query the full-text index for each movie costs 50 µs and more.
        return _filter_ids(_WITH_WORDS, without_index(_movie.id).in_(_WITH_WORDS))
    if kind == "common word":
        return _filter_ids(_WITH_WORDS, _has_common_word())
    if kind == "years":
        first, last = (bindparam(name, type_=_movie.year.type) for name in ("first", "last"))
        return _filter_year(walked, lambda year: year.between(first, last))
    if kind == "year":
        value = bindparam(f"value{position}", type_=_movie.year.type)
        return _filter_year(walked, lambda year: year == value)
    if kind in _COLUMN_FILTERS:
        column, passes = _COLUMN_FILTERS[kind]
        return _filter_column(column, walked, passes)
    if kind == "ids":
        return _filter_ids(_WITH_IDS, without_index(_movie.id).in_(_WITH_IDS))
    if kind == "country":
        country = bindparam(f"value{position}", type_=_movie.country.type)
        return _filter_column(_movie.country, walked, lambda column: column == country)
    if kind == "excluded genre":
        without_genre = ~contains_text(_movie.genres, bindparam(f"value{position}"))
        return Filter(select(_movie.id).where(without_genre), without_genre, without_genre)
    if kind in ("rated", "unrated"):
        return _filter_rated(kind)
    return _filter_facet(kind, position)


def _filter_title_start(walked: Any, *, is_common: bool) -> Filter:
    by_text = _filter_column(_movie.title_key, walked, lambda title: and_(title > _text, title <= _text_end))
    # All matches are listed once, from an index that contains the ids: no movie has to be read.
    by_id = without_index(_movie.id).in_(by_text.ids)
    return by_text if is_common else replace(by_text, condition=by_id)


# Filters by a column, with the conditions that the column's value must pass.
_COLUMN_FILTERS: dict[str, tuple[Any, Callable[[Any], ColumnElement[bool]]]] = {
    "count": (_movie.rating_count, lambda count: count >= bindparam("min_count")),
    "score": (_movie.score, lambda score: score >= bindparam("min_score")),
    "runtime": (
        _movie.runtime_minutes,
        lambda minutes: minutes.between(bindparam("shortest"), bindparam("longest")),
    ),
}
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
    return Filter(select(_movie.id).where(~is_rated), ~is_rated, ~is_rated)


def _filter_ids(ids: Select[Any], condition: ColumnElement[bool]) -> Filter:
    return Filter(ids, condition, in_rows(_movie.id, ids))


def _filter_column(column: Any, walked: Any, passes: Callable[[Any], ColumnElement[bool]]) -> Filter:
    condition = passes(column if column is walked else without_index(column))
    return Filter(select(_movie.id).where(passes(column)).correlate(None), condition, passes(column))


def _filter_year(walked: Any, passes: Callable[[Any], ColumnElement[bool]]) -> Filter:
    """Return the filter by the rank of the year, which tests the year itself unless the index of the rank is walked.

    Other indexes contain only the year. The two differ in movies of unknown year, which pass no filter.
    """
    by_rank = _filter_column(_movie.year_rank, walked, passes)
    return by_rank if walked is _movie.year_rank else replace(by_rank, condition=passes(_movie.year))


def without_index(column: Any) -> ColumnElement[Any]:
    """Return the column's value as an expression that no index serves, on any database."""
    return func.coalesce(column, column)
