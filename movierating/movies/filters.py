"""The filters of movies, each as a selection of ids and as a condition on one movie."""

from collections.abc import Callable
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
from movierating.movies.models import MergedMovie, Movie, MovieFacet
from movierating.movies.own_ratings import RATING
from movierating.storage.dialect import contains_text, in_many, in_query_by_index

_movie, _facet, _rating = Movie.__table__.c, MovieFacet.__table__.c, RATING.c
_merged = MergedMovie.__table__.c
_text, _text_end = (bindparam(name, type_=_movie.title_key.type) for name in ("text", "text_end"))
_titles = bindparam("titles", type_=String)
_first_year, _last_year = (bindparam(name, type_=_movie.year.type) for name in ("first", "last"))


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
