"""Keyset pagination: each page starts after the last row of the previous one, so deep pages cost as much as the first.

A cursor contains the last row's sort values. Its signature covers the list, its filters and its sort, so that a client
can neither make one up nor use it for another list.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    Select,
    UnaryExpression,
    and_,
    bindparam,
    select,
    tuple_,
)

from movierating.errors import invalid_field
from movierating.storage.database import read
from movierating.storage.dialect import SQLITE
from movierating.storage.statements import CompiledStatement

_SIGNATURE_BYTES = 9
_NOT_A_CURSOR = "Must be the next_cursor of a page of this list with the same filters and sort."


@dataclass(frozen=True)
class Sort:
    """An order of rows: all `columns` sort in one direction, and the last one makes it unique.

    A cursor's signature contains the `name` and the columns, so that a cursor of another list or order is rejected,
    and one of a release that sorted by other columns.
    """

    name: str
    columns: tuple[ColumnElement[Any] | Column[Any], ...]
    descending: bool

    @cached_property
    def signed_name(self) -> bytes:
        """Return what a cursor's signature contains besides the cursor's values."""
        return f"{self.name} by {' '.join(map(str, self.columns))}".encode()

    def make_order(self, columns: Iterable[ColumnElement[Any]]) -> list[UnaryExpression[Any]]:
        """Return the terms of an ORDER BY of these columns in the sort's direction."""
        return [column.desc() if self.descending else column.asc() for column in columns]


class KeysetPaginator:
    """The pages of one list in one order, its statements compiled once.

    Values that differ between requests are `bindparam`s of `statement`. The columns of the order follow its own
    columns, as `sort_0`, `sort_1` …
    """

    def __init__(
        self,
        statement: Select[Any],
        sort: Sort,
        *,
        ends_in_rowid: bool = False,
        details: Sequence[Any] = (),
    ) -> None:
        """Compile the statements of the first and of later pages.

        Pass `ends_in_rowid` if an index serves the sort, and its last column is the rowid, as `id` in an index on
        (year_rank, id). SQLite seeks in the index by the columns before the rowid only, and would scan all rows that
        tie with the cursor's, here those of its year. So a first statement selects the rest of the rows that tie, and
        a second one the rows after them.

        `details` are columns of a table, its key first, that replace the statement's first column, `id`. They are read
        for the rows of the page only, so that sorting many rows does not read them.
        """
        self._sort = sort
        self._details = details
        starts = [bindparam(f"start_{place}", type_=column.type) for place, column in enumerate(sort.columns)]
        self._names = [start.key for start in starts]
        self._are_doubles = [isinstance(column.type, Double) for column in sort.columns]
        ordered = _add_sort(statement, sort).limit(bindparam("max_rows"))
        is_after = _after_cursor(sort, sort.columns, starts)
        self._first = self._compile(ordered)
        self._next = self._next_on_sqlite = [self._compile(ordered.where(is_after))]
        if ends_in_rowid:
            parts = _split_after_cursor(sort, starts)
            self._next_on_sqlite = [self._compile(ordered.where(part)) for part in parts]

    def _compile(self, page: Select[Any]) -> CompiledStatement:
        return CompiledStatement(_with_details(page, self._details, self._sort) if self._details else page)

    def page(
        self, cursor: str | None, limit: int, *, filters: Any = None, **values: Any
    ) -> tuple[list[Any], str | None]:
        """Return at most `limit` rows after `cursor`, and the next page's cursor or None.

        A row is a tuple of the statement's columns and the order's. `filters` are what the client chose, as JSON
        values, and `values` those of the statement's `bindparam`s. Raise InvalidRequest for a cursor of another list,
        sort or filters.
        """
        return read_page([(self._sort, lambda: self)], cursor, limit, filters=filters, **values)

    def fetch(
        self, connection: Connection, start: Sequence[Any] | None, max_rows: int, **values: Any
    ) -> list[Any]:
        """Return at most `max_rows` rows after the row with the sort values `start` (None: from the first)."""
        if start is None:
            return self._first.tuples(connection, max_rows=max_rows, **values)
        return self._fetch_after(connection, max_rows, values | dict(zip(self._names, start, strict=True)))

    def get_sort_values(self, row: Any) -> tuple[Any, ...]:
        """Return a row's sort values. SQLite returns a double without a fraction as an integer if it is in an index."""
        values = row[-len(self._names) :]
        return tuple(
            float(value) if is_double else value
            for value, is_double in zip(values, self._are_doubles, strict=True)
        )

    def _fetch_after(self, connection: Connection, max_rows: int, values: Mapping[str, Any]) -> list[Any]:
        rows: list[Any] = []
        for statement in self._next_on_sqlite if connection.dialect.name == SQLITE else self._next:
            more = statement.tuples(connection, max_rows=max_rows - len(rows), **values)
            # Between two statements a row may move from the rows of the first to those of the second.
            seen = {row[-1] for row in rows}
            rows += [row for row in more if row[-1] not in seen] if seen else more
            if len(rows) == max_rows:
                break
        return rows


def read_page(
    lists: Sequence[tuple[Sort, Callable[[], KeysetPaginator]]],
    cursor: str | None,
    limit: int,
    *,
    filters: Any = None,
    **values: Any,
) -> tuple[list[Any], str | None]:
    """Return one page of several lists, joined end to end, as `KeysetPaginator.page` does.

    A list is its sort and a function that returns its paginator, called only if the page reaches the list.
    """
    connection = read()
    signer = _Signer(connection.engine.get_execution_options()["cursor_key"], filters)
    position, start = (0, None) if cursor is None else signer.decode([sort for sort, _ in lists], cursor)
    rows: list[Any] = []
    for sort, get_paginator in lists[position:]:
        paginator, before = get_paginator(), len(rows)
        rows += paginator.fetch(connection, start, limit + 1 - before, **values)
        if len(rows) >= limit > before:
            next_cursor = signer.encode(sort, paginator.get_sort_values(rows[limit - 1]))
        if len(rows) > limit:
            return rows[:limit], next_cursor
        start = None
    return rows, None


class RankedPages:
    """The pages of a list of ids that is ranked in Python: a cursor is the position and the id of the last row."""

    def __init__(self, name: str, connection: Connection, filters: Any) -> None:
        """Make the pages of a list with these filters, which are JSON values."""
        self._sort = Sort(name, (), descending=False)
        self._signer = _Signer(connection.engine.get_execution_options()["cursor_key"], filters)

    def find_start(self, cursor: str | None, ids: Sequence[int]) -> int:
        """Return the position of the first row after a cursor, wherever its row is now. Raise InvalidRequest."""
        if cursor is None:
            return 0
        position, row_id = self._signer.decode([self._sort], cursor)[1]
        return ids.index(row_id) + 1 if row_id in ids else min(position, len(ids))

    def encode(self, position: int, row_id: int) -> str:
        """Return the cursor after the row `row_id` at a position."""
        return self._signer.encode(self._sort, (position, row_id))


def _add_sort(statement: Select[Any], sort: Sort) -> Select[Any]:
    """Return the statement in this order, with the order's columns after its own."""
    added = [column.label(f"sort_{place}") for place, column in enumerate(sort.columns)]
    return statement.add_columns(*added).order_by(*sort.make_order(sort.columns))


def _with_details(page: Select[Any], details: Sequence[Any], sort: Sort) -> Select[Any]:
    key, *others = page.subquery().c
    rows = select(*details, *others).join_from(key.table, details[0].table, details[0] == key)
    ordered = rows.order_by(*sort.make_order(others[-len(sort.columns) :]))
    return ordered.execution_options(**page.get_execution_options())


def _split_after_cursor(sort: Sort, starts: Sequence[Any]) -> tuple[Any, Any]:
    """Return the conditions of the later rows that tie with the cursor's but for the last column, and of the others."""
    *tying, last = sort.columns
    ties = [column == start for column, start in zip(tying, starts, strict=False)]
    return and_(*ties, _after_cursor(sort, [last], starts[-1:])), _after_cursor(sort, tying, starts[:-1])


def _after_cursor(sort: Sort, columns: Sequence[Any], starts: Sequence[Any]) -> ColumnElement[bool]:
    position, start = (tuple_(*columns), tuple_(*starts)) if len(columns) > 1 else (columns[0], starts[0])
    is_after: ColumnElement[bool] = position < start if sort.descending else position > start
    return is_after


class _Signer:
    """Encode and decode the cursors of a list with some filters."""

    def __init__(self, key: bytes, filters: Any) -> None:
        self._key = key
        self._filters = orjson.dumps(filters, option=orjson.OPT_SORT_KEYS)

    def encode(self, sort: Sort, values: tuple[Any, ...]) -> str:
        """Return the cursor after a row with these sort values."""
        payload = orjson.dumps(values)
        return _to_text(self._sign(sort, payload) + payload)

    def decode(self, sorts: Sequence[Sort], cursor: str) -> tuple[int, list[Any]]:
        """Return the position of the sort that the cursor belongs to, and its sort values. Raise InvalidRequest."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        for position, sort in enumerate(sorts):
            # Unused bits of the last character must be zero, so that each cursor has one spelling.
            if hmac.compare_digest(signature, self._sign(sort, payload)) and _to_text(raw) == cursor:
                return position, orjson.loads(payload)
        raise invalid_field("query", "cursor", _NOT_A_CURSOR)

    def _sign(self, sort: Sort, payload: bytes) -> bytes:
        # No part contains a null byte: JSON escapes it.
        signed = b"\0".join((sort.signed_name, self._filters, payload))
        return hashlib.blake2b(signed, key=self._key, digest_size=_SIGNATURE_BYTES).digest()


def _to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
