"""Keyset pagination: pages that each start where the one before ended, at the same cost however deep.

A cursor holds the last row's sort values, signed, so that nobody can make one up.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, bindparam, tuple_

from movierating.database import read
from movierating.prepared import Prepared
from movierating.problems import invalid

_SIGNATURE_BYTES = 9
_NOT_A_CURSOR = "Not a cursor of this list and order."


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of rows: `columns` all run in one direction, and the last of them makes each row's place unique.

    `name` is stored in cursors, so that a cursor of one list or order is refused by another.
    """

    name: str
    columns: tuple[ColumnElement[Any] | Column[Any], ...]
    descending: bool


class Pages:
    """The pages of one list in one order, its statements compiled once.

    What differs from one request to another are `bindparam`s of `statement`. The order's columns are added behind the
    statement's own, as `sort_0`, `sort_1` …
    """

    def __init__(self, statement: Select[Any], sort: Sort) -> None:
        self._sort = sort
        added = [column.label(f"sort_{place}") for place, column in enumerate(sort.columns)]
        order = [column.desc() if sort.descending else column.asc() for column in sort.columns]
        ordered = statement.add_columns(*added).order_by(*order).limit(bindparam("most_rows"))
        names = [f"start_{place}" for place in range(len(sort.columns))]
        place = tuple_(*sort.columns)
        start = tuple_(
            *(bindparam(name, type_=column.type) for name, column in zip(names, sort.columns, strict=True))
        )
        self._names = names
        self._first = Prepared(ordered)
        self._next = Prepared(ordered.where(place < start if sort.descending else place > start))

    def page(self, cursor: str | None, limit: int, **values: Any) -> tuple[list[Any], str | None]:
        """At most `limit` rows after `cursor`, and the next page's cursor or None; `values` are the statement's.

        Raises Invalid for a cursor that is not of this list and order.
        """
        connection = read()
        key = connection.engine.get_execution_options()["cursor_key"]
        statement = self._first
        if cursor is not None:
            statement = self._next
            values |= zip(self._names, _decode(key, self._sort, cursor), strict=True)
        rows = statement.all(connection, most_rows=limit + 1, **values)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], _encode(key, self._sort, tuple(rows[limit - 1][-len(self._names) :]))


def _encode(key: bytes, sort: Sort, values: tuple[Any, ...]) -> str:
    payload = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_signature(key, sort, payload) + payload).decode().rstrip("=")


def _decode(key: bytes, sort: Sort, cursor: str) -> list[Any]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(key, sort, payload)):
        raise invalid("query", "cursor", _NOT_A_CURSOR)
    values: list[Any] = json.loads(payload)
    # The last character has bits to spare, in which a cursor could differ and still mean the same.
    if _encode(key, sort, tuple(values)) != cursor:
        raise invalid("query", "cursor", _NOT_A_CURSOR)
    return values


def _signature(key: bytes, sort: Sort, payload: bytes) -> bytes:
    return hashlib.blake2b(
        sort.name.encode() + b"\0" + payload, key=key, digest_size=_SIGNATURE_BYTES
    ).digest()
