import base64
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Column, select

from movierating.errors import InvalidRequest
from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.storage.pagination import KeysetPaginator, Sort

BY_YEAR = Sort("by year", (Movie.year_rank, Movie.id), descending=False)
AddMovie = Callable[..., int]


def list_pages(sort: Sort, limit: int) -> list[list[int]]:
    """Return the ids of each page."""
    paginator, cursor, ids = KeysetPaginator(select(Movie.id), sort), None, []
    while not ids or cursor:
        rows, cursor = paginator.page(cursor, limit)
        ids.append([row[0] for row in rows])
    return ids


@pytest.mark.parametrize("descending", [False, True])
def test_pages_contain_each_row_once_in_order_even_with_equal_sort_values(
    add_movie: AddMovie, descending: bool
) -> None:
    movies = sorted((year, add_movie(year=year)) for year in (2001, 2000, 2001, 2001, 2000))
    ids = [movie_id for _, movie_id in movies][:: -1 if descending else 1]
    assert list_pages(replace(BY_YEAR, descending=descending), 2) == [ids[:2], ids[2:4], ids[4:]]


@pytest.mark.sqlite
def test_row_that_moves_between_the_two_statements_of_a_page_is_listed_once(
    add_movie: AddMovie, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        add_movie(year=2000)
    paginator = KeysetPaginator(select(Movie.id), BY_YEAR, ends_in_rowid=True)
    _, later = paginator._next_on_sqlite
    fetch = later.tuples

    def move_and_fetch(*arguments: Any, **values: Any) -> Any:
        movies.update_movie(3, None, {"year": 2001})
        return fetch(*arguments, **values)

    monkeypatch.setattr(later, "tuples", move_and_fetch)
    cursor = paginator.page(None, 1)[1]
    assert [row[0] for row in paginator.page(cursor, 5)[0]] == [2, 3]


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2])])
def test_only_a_page_before_another_has_a_cursor(add_movie: AddMovie, count: int, sizes: list[int]) -> None:
    for _ in range(count):
        add_movie()
    assert [len(ids) for ids in list_pages(BY_YEAR, 2)] == sizes


@pytest.fixture
def add_movies(add_movie: AddMovie) -> None:
    """Add two movies of one year."""
    add_movie()
    add_movie()


@pytest.fixture
def cursor(add_movies: None) -> str:
    """A cursor after the first of two movies by year."""
    return str(KeysetPaginator(select(Movie.id), BY_YEAR).page(None, 1)[1])


def test_cursor_needs_no_escaping_in_a_url(cursor: str) -> None:
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("name", ["by title", "by yea", "by year\0", ""])
def test_cursor_of_another_order_is_rejected(cursor: str, name: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        KeysetPaginator(select(Movie.id), replace(BY_YEAR, name=name)).page(cursor, 1)
    assert [(error.location, error.field) for error in raised.value.errors or []] == [("query", "cursor")]


@pytest.mark.parametrize(
    "columns", [(Movie.id,), (Movie.title_key, Movie.id), (Movie.score, Movie.year_rank, Movie.id)]
)
def test_cursor_of_a_sort_by_other_columns_is_rejected(cursor: str, columns: tuple[Column[Any], ...]) -> None:
    with pytest.raises(InvalidRequest):
        KeysetPaginator(select(Movie.id), replace(BY_YEAR, columns=columns)).page(cursor, 1)


@pytest.mark.parametrize(
    "filters", [None, {}, {"q": "a"}, {"q": "a", "year": 1}, [["genre"], {"value0": "x"}]]
)
@pytest.mark.parametrize(
    "other",
    [None, {}, {"q": "b"}, {"r": "a"}, {"q": ["a"]}, {"q": "a", "year": 2}, [["year"], {"value0": "x"}]],
)
@pytest.mark.usefixtures("add_movies")
def test_cursor_belongs_to_its_filters(filters: Any, other: Any) -> None:
    paginator = KeysetPaginator(select(Movie.id), BY_YEAR)
    cursor = paginator.page(None, 1, filters=filters)[1]
    assert [row[0] for row in paginator.page(cursor, 1, filters=filters)[0]] == [2]
    if filters != other:
        with pytest.raises(InvalidRequest) as raised:
            paginator.page(cursor, 1, filters=other)
        (error,) = raised.value.errors or []
        assert (error.field, "same filters and sort" in error.message) == ("cursor", True)


@pytest.mark.usefixtures("add_movies")
def test_cursor_does_not_depend_on_the_order_of_its_filters() -> None:
    paginator = KeysetPaginator(select(Movie.id), BY_YEAR)
    cursor = paginator.page(None, 1, filters={"q": "a", "year": 1})[1]
    assert len(paginator.page(cursor, 1, filters={"year": 1, "q": "a"})[0]) == 1


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("cursor", ["", "x", "=", "null", "not a cursor", "é", "\0", "W10", "A" * 4000])
def test_text_that_is_no_cursor_is_rejected(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        KeysetPaginator(select(Movie.id), BY_YEAR).page(cursor, 1)


def decode(cursor: str) -> bytes:
    """Return the bytes that a cursor spells."""
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def test_cursor_with_a_changed_bit_is_rejected(cursor: str) -> None:
    raw = decode(cursor)
    for place, bit in itertools.product(range(len(raw)), range(8)):
        changed = bytearray(raw)
        changed[place] ^= 1 << bit
        text = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
        with pytest.raises(InvalidRequest):
            KeysetPaginator(select(Movie.id), BY_YEAR).page(text, 1)


def test_other_spelling_of_a_cursor_is_rejected(cursor: str) -> None:
    # The last character has bits that are not used.
    *start, last = cursor
    unused = [
        each for each in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" if each != last
    ]
    spellings = [text for each in unused if decode(text := "".join((*start, each))) == decode(cursor)]
    assert spellings
    for spelling in (*spellings, cursor + "=" * (-len(cursor) % 4)):
        with pytest.raises(InvalidRequest):
            KeysetPaginator(select(Movie.id), BY_YEAR).page(spelling, 1)


def test_cursor_of_another_instance_is_rejected(cursor: str, make_app: Callable[..., Flask]) -> None:
    with make_app(SECRET_KEY="k" * 32).app_context(), pytest.raises(InvalidRequest):
        KeysetPaginator(select(Movie.id), BY_YEAR).page(cursor, 1)


def test_cursor_of_the_longest_title_is_accepted(add_movie: AddMovie) -> None:
    by_title = Sort("by title", (Movie.title_key, Movie.id), descending=False)
    for year in (2000, 2001):
        add_movie(title="影" * 500, year=year)
    cursor = KeysetPaginator(select(Movie.id), by_title).page(None, 1)[1]
    assert cursor is not None
    assert len(cursor) <= 4000
    assert list_pages(by_title, 1) == [[1], [2]]
