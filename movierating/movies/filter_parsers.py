"""Parse the filters of a search: their kinds, each of which `filters` turns into SQL, and the values of parameters.

A search may have these filters, and its movies pass all of them:

- `q`: each word must be in a title, an original or alternative title or a director; the last may be a prefix. A text
  without words must be the whole title.
- `ids`, a list
- `genre` and `exclude_genre`, lists: the movie must have all of these genres, and none of those
- `year`, `year_from`, `year_to`, `runtime_from`, `runtime_to`, `language`, `country`, `min_count`, `min_score`
- `director`: a full name, compared folded
- `rated`: True for movies that the user `rater` has rated, False for others
"""

from collections.abc import Mapping
from typing import Any

from movierating.movies import search_index
from movierating.movies.models import MAX_RUNTIME_MINUTES
from movierating.movies.titles import fold, list_with_articles, split_words
from movierating.storage.dialect import encode_values

# No text that starts with another one comes after that one with this character.
_LAST_CHARACTER = "\U0010ffff"


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
        kind, parameters = _parse_text(filters["q"])
        kinds.append(kind)
        values |= parameters
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


def _parse_text(text: str) -> tuple[str, dict[str, Any]]:
    """Return the kind of the filter by `q`, and the values of its parameters."""
    words, folded = split_words(text), fold(text)
    return "words" if words else "title", {
        **search_index.bind_words(words),
        "word_start": f" {words[0]}" if words else "",
        "text": folded,
        "text_end": folded + _LAST_CHARACTER,
        "titles": _encode_titles(folded),
    }


def _encode_titles(text: str) -> str:
    """Return the titles that pass the filter "whole title": the text, and the text behind each article.

    Titles that start with the text are left out: "title start" has those.
    """
    titles = (title for title in list_with_articles(text) if title == text or not title.startswith(text))
    return encode_values(sorted(titles))


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
